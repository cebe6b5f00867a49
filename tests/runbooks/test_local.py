"""Commands on the operator's machine: ended for good when they must, bounded in what they say, kept from writing."""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from stationmaster.runbooks.commands import processes
from stationmaster.runbooks.commands.confine import can_confine
from stationmaster.runbooks.commands.local import HEAD_BYTES, Ending, Order, Ran, run_locally
from stationmaster.runbooks.commands.processes import marked
from stationmaster.runbooks.shell.script import BASH


def order(text: str, cwd: Path, **more: object) -> Order:
    values: dict[str, object] = {"env": dict(os.environ), "timeout_s": 20.0, "marker": f"test:{cwd.name}", **more}
    return Order(argv=(*BASH, text), cwd=cwd, **values)  # type: ignore[arg-type]


async def ran(text: str, cwd: Path, **more: object) -> Ran:
    return await run_locally(order(text, cwd, **more), lambda _text, _error: None)


async def test_output_comes_as_it_is_written_and_says_where(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []
    found = await run_locally(order("echo out; sleep 0.2; echo bad >&2; exit 3", tmp_path), lambda *a: seen.append(a))
    assert (found.ending, found.exit_status) == (Ending.EXITED, 3)
    assert seen == [("out\n", False), ("bad\n", True)]
    assert (found.output, found.printed) == ("out\nbad\n", "out\n")


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = await run_locally(
        Order(argv=("no-such-program",), cwd=tmp_path, env={}, timeout_s=1, marker="m"), lambda *_: None
    )
    assert found.ending is Ending.NOT_STARTED
    assert found.output == "not runnable here: no-such-program: No such file or directory"


async def test_endless_output_fills_nothing(tmp_path: Path) -> None:
    found = await ran("yes a-line-of-output", tmp_path, timeout_s=0.5)
    assert found.ending is Ending.TIMED_OUT
    assert len(found.output) < 100_000
    assert "bytes left out" in found.output


async def test_a_command_that_ignores_sigterm_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_S", 0.3)
    text = "trap '' TERM; (trap '' TERM; sleep 60) & (setsid sleep 60 &); while :; do sleep 0.1; done"
    started = time.monotonic()
    found = await ran(text, tmp_path, timeout_s=0.5)
    assert found.ending is Ending.TIMED_OUT
    assert found.exit_status is None
    assert time.monotonic() - started < 10
    assert marked(f"test:{tmp_path.name}") == []


async def test_a_command_may_end_politely(tmp_path: Path) -> None:
    await ran("trap 'echo bye > said; exit 0' TERM; while :; do sleep 0.05; done", tmp_path, timeout_s=0.5)
    assert (tmp_path / "said").read_text() == "bye\n"


async def test_a_child_in_the_background_does_not_hold_the_step(tmp_path: Path) -> None:
    started = time.monotonic()
    found = await ran("sleep 60 & echo started", tmp_path)
    assert (found.exit_status, found.output) == (0, "started\n")
    assert time.monotonic() - started < 10
    await processes.end_marked(f"test:{tmp_path.name}")


async def test_a_look_leaves_nothing_running(tmp_path: Path) -> None:
    await ran("sleep 60 & echo started", tmp_path, reads=True)
    await until(lambda: marked(f"test:{tmp_path.name}") == [])


async def test_a_cancelled_step_ends_its_command(tmp_path: Path) -> None:
    task = asyncio.create_task(ran("echo > begun; sleep 60; echo > done", tmp_path))
    await until((tmp_path / "begun").exists)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert marked(f"test:{tmp_path.name}") == []
    assert not (tmp_path / "done").exists()


async def test_a_step_that_is_cancelled_again_and_again_waits_for_the_end_of_its_command(tmp_path: Path) -> None:
    text = "trap 'sleep 0.3; echo > tidied; exit' TERM; echo > begun; while :; do sleep 0.05; done"
    task = asyncio.create_task(ran(text, tmp_path))
    await until((tmp_path / "begun").exists)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.02)
    assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (tmp_path / "tidied").exists()
    assert marked(f"test:{tmp_path.name}") == []


async def test_standard_input_is_closed(tmp_path: Path) -> None:
    assert (await ran("read x || echo nothing to read", tmp_path)).output == "nothing to read\n"


async def test_variables_and_the_folder_are_kept_however_the_shell_ends(tmp_path: Path) -> None:
    found = await ran("X=$'a b\\nc'; cd /etc; exit 4", tmp_path, keeps=("X", "PWD"))
    assert (found.exit_status, found.kept) == (4, {"X": "a b\nc", "PWD": "/etc"})


async def test_the_environment_is_quiet(tmp_path: Path) -> None:
    env = {**os.environ, "HISTFILE": "/tmp/h", "BASH_ENV": "/tmp/x", "BASH_FUNC_ls%%": "() { echo trick; }"}
    found = await ran("echo $PAGER-$TERM-${HISTFILE-}-${BASH_ENV-}; type -t ls", tmp_path, env=env)
    assert found.output == "cat-dumb--\nfile\n"


@pytest.mark.skipif(not can_confine(("echo",)), reason="this kernel has no Landlock")
@pytest.mark.parametrize(
    "text",
    ["echo x > file", "rm victim", "mkdir d", "mv victim other", ": > victim", "ln -s a b", "truncate -s0 victim"],
)
async def test_a_look_cannot_write(text: str, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("here")
    found = await ran(text, tmp_path, reads=True)
    assert found.exit_status != 0
    assert os.listdir(tmp_path) == ["victim"]  # noqa: PTH208 a local folder
    assert (tmp_path / "victim").read_text() == "here"


async def test_a_look_has_a_scratch_folder_and_devices(tmp_path: Path) -> None:
    found = await ran("echo x > $TMPDIR/a && cat $TMPDIR/a 2>/dev/null", tmp_path, reads=True)
    assert (found.exit_status, found.output) == (0, "x\n")


def test_what_takes_privileges_is_not_confined() -> None:
    assert not can_confine(("sudo", "journalctl"))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.mark.skipif(not can_confine(("echo",)), reason="this kernel has no Landlock")
async def test_a_look_writes_to_no_device_but_the_harmless(tmp_path: Path) -> None:
    name = f"/dev/shm/{tmp_path.name}"
    found = await ran(f"echo x > {name}", tmp_path, reads=True)
    assert found.exit_status != 0
    assert not os.path.exists(name)  # noqa: PTH110 ASYNC240 a local file
    found = await ran("echo x > /dev/null; echo y > /dev/stderr; echo z > /dev/fd/1", tmp_path, reads=True)
    assert (found.exit_status, sorted(found.output.split())) == (0, ["y", "z"])


async def test_a_look_leaves_nothing_running_outside_its_process_group(tmp_path: Path) -> None:
    await ran("(setsid sleep 60 >/dev/null 2>&1 &) ; sleep 0.1; echo started", tmp_path, reads=True)
    assert marked(f"test:{tmp_path.name}") == []


async def test_where_output_is_cut_no_half_of_a_word_is_left(tmp_path: Path) -> None:
    secret = "hunter2" * 40
    text = f"head -c {HEAD_BYTES - 100} /dev/zero | tr '\\0' x; printf '\\n%s\\n' {secret}; yes no | head -c 300000"
    found = await ran(text, tmp_path)
    assert "bytes left out" in found.output
    assert "hunter2" not in found.output
    assert found.output.endswith("\nno\nno\n")


async def test_what_ended_while_we_were_stopped_has_ended(tmp_path: Path) -> None:
    looking = asyncio.create_task(ran("sleep 0.3; echo done", tmp_path, timeout_s=0.6))
    await asyncio.sleep(0.1)
    time.sleep(1)  # noqa: ASYNC251 stands for a SIGSTOP of this very process
    found = await looking
    assert (found.ending, found.exit_status, found.output) == (Ending.EXITED, 0, "done\n")


async def test_a_folder_with_quotes_in_its_name_keeps_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / 'it\'s "$(id)"'
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert (await ran("X=1", tmp_path, keeps=("X",))).kept == {"X": "1"}
