"""The process executor passes the contract and finds its processes again after a crash of the control plane."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from stationmaster.cli.up import BUNDLED
from stationmaster.config import StateDir
from stationmaster.core.facts import InstanceRestarted
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Supervision
from stationmaster.fleet.executor import Executor
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.fleet.inventory import Launch, launches
from stationmaster.fleet.loop import Fleet
from stationmaster.manifest.read import load
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.master_key import KEY_VARIABLE
from stationmaster.runtime.outbox import facts_since
from tests.fleet.contract import LOUD, SLEEPER, ExecutorContract, launch

LOG_LIMIT_BYTES = 1_000_000


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[ProcessExecutor]:
    made = ProcessExecutor(StateDir(tmp_path), log_limit_bytes=LOG_LIMIT_BYTES)
    yield made
    for name in await made.seen():
        await made.kill(name)
    await made.seen()  # collects the exit status of every child


@pytest.fixture
def successor(executor: ProcessExecutor, tmp_path: Path) -> ProcessExecutor:
    return ProcessExecutor(StateDir(tmp_path))


class TestProcessExecutor(ExecutorContract):
    def log_bytes(self, executor: Executor, name: str) -> int:
        assert isinstance(executor, ProcessExecutor)
        folder = executor.log_file(name).parent
        return sum(each.stat().st_size for each in folder.glob(f"{name}.log*"))

    async def test_a_log_that_is_cut_is_followed_further_and_its_end_lies_beside_it(
        self, executor: ProcessExecutor
    ) -> None:
        await executor.start(launch("a", LOUD))
        await self.wait_for_log(executor, "a", "last")
        await executor.seen()
        file = executor.log_file("a")
        async with asyncio.timeout(10):
            while file.stat().st_size > LOG_LIMIT_BYTES:
                await asyncio.sleep(0.05)
                await executor.seen()
        assert file.with_suffix(".log.1").stat().st_size == LOG_LIMIT_BYTES

    async def test_another_platform_on_the_machine_is_left_alone(
        self, executor: ProcessExecutor, tmp_path: Path
    ) -> None:
        await executor.start(launch("a", SLEEPER))
        stranger = ProcessExecutor(StateDir(tmp_path / "other"))
        assert await stranger.seen() == {}
        assert await stranger.kill("a") is False

    async def test_children_of_an_instance_are_not_taken_for_it_and_end_with_it(
        self, executor: ProcessExecutor
    ) -> None:
        program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}])"
        running = await executor.start(launch("a", program))
        await self.wait_for_log(executor, "a", "up")
        assert (await executor.seen())["a"].pid == running.pid
        await executor.kill("a")
        assert await executor.seen() == {}


async def test_a_command_that_cannot_be_run_keeps_no_other_instance_from_starting_and_its_log_says_why(
    database: Database, executor: ProcessExecutor
) -> None:
    broken = Launch(name="broken", argv=("/no/such/program",), supervision=Supervision.RESTART)
    await Fleet(database, executor, lambda: (broken, launch("a", SLEEPER))).tick()
    assert (await executor.seen()).keys() == {"a"}
    assert "/no/such/program: No such file" in await executor.logs("broken", tail=5)


async def test_the_fleet_starts_what_is_declared_and_stops_what_is_not(
    database: Database, executor: ProcessExecutor
) -> None:
    await executor.start(launch("old", SLEEPER))
    fleet = Fleet(database, executor, lambda: (launch("a", SLEEPER), launch("b", SLEEPER)))
    for job in await fleet.tick():
        await fleet.do(job)
    assert set(await executor.seen()) == {"a", "b"}


async def test_a_killed_instance_waits_for_its_runbook_and_every_hand_on_it_is_a_fact(
    database: Database, executor: ProcessExecutor
) -> None:
    started = utc_now()
    keys = Launch(name="keys", argv=launch("keys", SLEEPER).argv, supervision=Supervision.RUNBOOK)
    fleet = Fleet(database, executor, lambda: (keys,))
    await fleet.tick()
    assert await fleet.crash("keys") is True
    await fleet.tick()
    assert await executor.seen() == {}
    await fleet.restart("keys", by="runbook", why="step 3", incident=7)
    assert set(await executor.seen()) == {"keys"}
    facts = await facts_since(database, started)
    assert [type(fact) for fact in facts] == [InstanceRestarted]
    assert isinstance(facts[0], InstanceRestarted)
    assert (facts[0].instance, facts[0].incident) == ("keys", 7)


async def test_two_starts_at_once_leave_one_process(database: Database, executor: ProcessExecutor) -> None:
    fleet = Fleet(database, executor, lambda: (launch("a", SLEEPER),))
    await asyncio.gather(fleet.tick(), fleet.restart("a", by="test", why="at once"), fleet.tick())
    assert set(await executor.seen()) == {"a"}


async def test_an_unknown_instance_is_refused_with_the_known_names(
    database: Database, executor: ProcessExecutor
) -> None:
    fleet = Fleet(database, executor, lambda: (launch("a", SLEEPER),))
    with pytest.raises(PlatformError) as refusal:
        await fleet.restart("b", by="test", why="typo")
    assert "known are a" in refusal.value.hint


async def test_only_the_key_service_gets_the_master_key_of_the_environment(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "the master key")
    told = f"import os; print('up', os.environ.get({KEY_VARIABLE!r}), flush=True); import time; time.sleep(60)"
    await executor.start(replace(launch("keys", told), opens_secrets=True))
    await executor.start(launch("shop", told))
    await TestProcessExecutor().wait_for_log(executor, "keys", "up the master key")
    await TestProcessExecutor().wait_for_log(executor, "shop", "up None")
    command = await executor.exec("shop", ("env",), timeout_s=5)
    assert KEY_VARIABLE not in command.output


def test_the_sample_starts_its_key_service_so_that_it_can_open_secrets() -> None:
    opening = {each.name for each in launches(load(BUNDLED)) if each.opens_secrets}
    assert opening == {"key-us-south", "key-us-east", "key-eu-de"}


async def test_a_process_that_is_frozen_is_ended_at_once_and_not_after_its_grace(executor: ProcessExecutor) -> None:
    running = await executor.start(launch("a", SLEEPER))
    os.kill(running.pid, signal.SIGSTOP)
    async with asyncio.timeout(10):
        while psutil.Process(running.pid).status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.02)
    async with asyncio.timeout(60):
        assert await executor.stop("a", grace_s=600) is True
    assert "a" not in await executor.seen()
