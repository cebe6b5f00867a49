"""Command checks: exit status, first line of the output, time limit, environment, and what a program leaves behind."""

import asyncio
import os
import time
from pathlib import Path

import psutil
import pytest

from stationmaster.core.spec import CheckKind, HealthCheck
from stationmaster.monitor.answer import Fault, ProbeAnswer
from stationmaster.monitor.probes.kinds import probe
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE
from tests.monitor.probes.asking import at


async def run(*argv: str, timeout_ms: int = 3000) -> ProbeAnswer:
    return await probe(at(1), HealthCheck(kind=CheckKind.COMMAND, command=argv, timeout_ms=timeout_ms))


@pytest.mark.parametrize(
    ("argv", "ok", "detail"),
    [
        (("true",), True, "exit 0"),
        (("sh", "-c", "echo; echo all is well; echo more"), True, "exit 0: all is well"),
        (("sh", "-c", "echo disk full >&2; exit 3"), False, "exit 3: disk full"),
        (("sh", "-c", "kill -9 $$"), False, "ended by SIGKILL"),
        (("no-such-program",), False, "no-such-program cannot be started: no such file or directory"),
        (("/etc",), False, "/etc cannot be started: permission denied"),
        (("true", "a\0b"), False, "true cannot be started: embedded null byte"),
        ((), False, "no command is declared"),
        (("sh", "-c", "head -c 300 /dev/zero | tr '\\0' x"), True, f"exit 0: {'x' * 160}…"),
        (("cat",), True, "exit 0"),
    ],
)
async def test_the_exit_status_decides_and_the_first_line_is_told(argv: tuple[str, ...], ok: bool, detail: str) -> None:
    answer = await run(*argv)
    assert (answer.ok, answer.detail) == (ok, detail)


@pytest.mark.parametrize("script", ["sleep 60", "yes", "trap '' TERM; while :; do sleep 60; done"])
async def test_a_program_that_does_not_end_is_killed_with_all_that_it_started(tmp_path: Path, script: str) -> None:
    note = tmp_path / "pid"
    answer = await run("sh", "-c", f"echo $$ > {note}; {script}", timeout_ms=300)
    assert (answer.ok, answer.detail, answer.fault) == (False, "no answer within 300 ms", Fault.SILENT)
    assert answer.latency_ms < 1500
    await until_gone(int(note.read_text()))


async def test_what_a_program_leaves_running_in_its_group_ends_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    answer = await run("sh", "-c", f"sleep 60 & echo $! > {note}; echo done")
    assert (answer.ok, answer.detail) == (True, "exit 0: done")
    await until_gone(int(note.read_text()))


async def test_an_output_without_end_is_not_kept() -> None:
    before = psutil.Process().memory_info().rss
    answer = await run("sh", "-c", "head -c 100000000 /dev/zero; exit 0", timeout_ms=10_000)
    assert answer.ok
    assert psutil.Process().memory_info().rss - before < 50_000_000


async def test_a_program_does_not_see_the_secrets_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "very-secret")
    monkeypatch.setenv(COMMAND_VARIABLE, "also-secret")
    answer = await run("sh", "-c", "env | grep -c -e very-secret -e also-secret; exit 0")
    assert answer.detail == "exit 0: 0"


async def until_gone(pid: int) -> None:
    end = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, f"process {pid} is still there"
        await asyncio.sleep(0.02)


async def test_many_checks_leave_no_descriptor_open() -> None:
    await run("true")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(10):
        await run("sh", "-c", "echo x")
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # noqa: PTH208
