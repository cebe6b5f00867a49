"""The contract that every executor passes; a test module of an executor subclasses it and gives the executor."""

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace

import psutil
import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Supervision
from stationmaster.fleet.executor import Executor
from stationmaster.fleet.inventory import Launch

SLEEPER = "import signal, time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
FORKING = f"""
import subprocess, sys, time
own = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], stdout=subprocess.PIPE)
other = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], stdout=subprocess.PIPE, start_new_session=True)
print('all', [each.stdout.readline() for each in (own, other)], flush=True)
time.sleep(60)
"""
ORPHANING = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.1)
    os._exit(0)
os.wait()
time.sleep(0.3)
print('ready', flush=True)
time.sleep(60)
"""
LOUD = (
    "print('first'); [print('x' * 99) for _ in range(400_000)]; print('last', flush=True); import time; time.sleep(60)"
)
"""40 MB."""

LIMIT_S = 60.0


def launch(name: str, program: str) -> Launch:
    return Launch(name=name, argv=(sys.executable, "-c", program), supervision=Supervision.RESTART)


class ExecutorContract:
    """`executor` and `successor`, the same executor in a control plane that came after, are fixtures of the
    subclass."""

    def launch(self, name: str, program: str) -> Launch:
        return launch(name, program)

    def log_bytes(self, executor: Executor, name: str) -> int:
        """How much of the instance's output lies on the disk."""
        raise NotImplementedError

    async def test_a_started_instance_is_seen_with_its_process(self, executor: Executor) -> None:
        before = time.time()
        running = await executor.start(self.launch("a", SLEEPER))
        seen = await executor.seen()
        assert seen["a"].pid == running.pid
        assert psutil.pid_exists(running.pid)
        assert before - 2 <= seen["a"].started_at.timestamp() <= time.time() + 2

    async def test_starting_twice_keeps_the_first_process(self, executor: Executor) -> None:
        first = await executor.start(self.launch("a", SLEEPER))
        second = await executor.start(self.launch("a", SLEEPER))
        assert first.pid == second.pid

    async def test_two_starts_at_once_leave_one_process(self, executor: Executor) -> None:
        starts = [executor.start(self.launch("a", SLEEPER)) for _ in range(3)]
        pids = {running.pid for running in await asyncio.gather(*starts)}
        assert {(await executor.seen())["a"].pid} == pids

    async def test_a_new_control_plane_adopts_what_it_finds(self, executor: Executor, successor: Executor) -> None:
        running = await executor.start(self.launch("a", SLEEPER))
        await self.wait_for_log(executor, "a", "up")
        assert (await successor.seen())["a"].pid == running.pid
        assert (await successor.start(self.launch("a", SLEEPER))).pid == running.pid
        assert await successor.stop("a", grace_s=5) is True
        assert await executor.seen() == {}

    async def test_a_stopped_instance_is_gone(self, executor: Executor) -> None:
        await executor.start(self.launch("a", SLEEPER))
        await self.wait_for_log(executor, "a", "up")
        started = time.monotonic()
        assert await executor.stop("a", grace_s=10) is True
        assert time.monotonic() - started < 8
        assert await executor.seen() == {}
        assert await executor.stop("a", grace_s=5) is False
        assert await executor.kill("a") is False

    async def test_an_instance_that_ignores_the_request_to_end_is_ended_after_its_grace(
        self, executor: Executor
    ) -> None:
        await executor.start(self.launch("a", STUBBORN))
        await self.wait_for_log(executor, "a", "up")
        started = time.monotonic()
        assert await executor.stop("a", grace_s=0.3) is True
        assert time.monotonic() - started >= 0.3
        assert await executor.seen() == {}

    async def test_a_killed_instance_is_gone_at_once_and_can_be_started_again(self, executor: Executor) -> None:
        first = await executor.start(self.launch("a", STUBBORN))
        assert await executor.kill("a") is True
        assert await executor.seen() == {}
        second = await executor.start(self.launch("a", SLEEPER))
        assert second.pid != first.pid

    async def test_an_instance_that_somebody_else_kills_is_gone(self, executor: Executor) -> None:
        running = await executor.start(self.launch("a", SLEEPER))
        os.kill(running.pid, signal.SIGKILL)
        await self.wait_for_seen(executor)
        again = await executor.start(self.launch("a", SLEEPER))
        assert (await executor.seen())["a"].pid == again.pid != running.pid

    async def test_an_instance_that_ends_by_itself_is_gone_and_no_zombie_is_taken_for_it(
        self, executor: Executor
    ) -> None:
        await executor.start(self.launch("a", "print('done', flush=True)"))
        await self.wait_for_log(executor, "a", "done")
        await self.wait_for_seen(executor)

    async def test_what_an_instance_has_forked_is_no_instance_and_ends_with_it(self, executor: Executor) -> None:
        running = await executor.start(self.launch("a", FORKING))
        await self.wait_for_log(executor, "a", "all")
        assert (await executor.seen())["a"].pid == running.pid
        family = [*psutil.Process(running.pid).children(recursive=True), psutil.Process(running.pid)]
        assert len(family) >= 3
        await executor.stop("a", grace_s=0.3)
        assert await executor.seen() == {}
        assert [each for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE] == []

    async def test_orphans_within_an_instance_trouble_nobody(self, executor: Executor) -> None:
        running = await executor.start(self.launch("a", ORPHANING))
        await self.wait_for_log(executor, "a", "ready")
        assert (await executor.seen())["a"].pid == running.pid
        assert await executor.stop("a", grace_s=5) is True

    async def test_the_end_of_the_log_can_be_read_and_outlives_a_restart(self, executor: Executor) -> None:
        await executor.start(self.launch("a", "print('one'); print('two'); print('three')"))
        await self.wait_for_log(executor, "a", "three")
        assert await executor.logs("a", tail=2) == "two\nthree"
        assert await executor.logs("unknown", tail=2) == ""
        await self.wait_for_seen(executor)
        await executor.start(self.launch("a", "print('four')"))
        await self.wait_for_log(executor, "a", "four")
        assert await executor.logs("a", tail=3) == "two\nthree\nfour"

    async def test_the_log_of_a_forgotten_instance_can_be_read(self, executor: Executor) -> None:
        await executor.start(self.launch("a", SLEEPER))
        await self.wait_for_log(executor, "a", "up")
        await executor.stop("a", grace_s=5)
        await executor.forget("a")
        assert await executor.logs("a", tail=5) == "up"

    async def test_a_log_is_followed_as_it_is_written_and_over_a_restart(self, executor: Executor) -> None:
        slow = "import time; print('one', flush=True); time.sleep(0.5); print('two ä', flush=True); time.sleep(60)"
        await executor.start(self.launch("a", slow))
        await self.wait_for_log(executor, "a", "one")
        text = ""
        followed = executor.follow("a", tail=5)
        async with asyncio.timeout(LIMIT_S):
            async for piece in followed:
                text += piece
                if text == "one\ntwo ä\n":
                    await executor.stop("a", grace_s=5)
                    await executor.start(self.launch("a", "print('three', flush=True); import time; time.sleep(60)"))
                if "three\n" in text:
                    break
        await followed.aclose()
        assert text == "one\ntwo ä\nthree\n"

    async def test_endless_output_does_not_fill_the_disk(self, executor: Executor) -> None:
        await executor.start(self.launch("a", LOUD))
        async with asyncio.timeout(60):
            while not (await executor.logs("a", tail=1)).endswith("last"):
                await executor.seen()
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.25)  # the executor looks five times a second
        await executor.seen()
        assert 0 < self.log_bytes(executor, "a") < 25_000_000

    async def test_a_command_answers_with_its_status_and_both_streams(self, executor: Executor) -> None:
        program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
        await executor.start(self.launch("a", SLEEPER))
        result = await executor.exec("a", (sys.executable, "-c", program), timeout_s=10)
        assert (result.exit_status, result.output) == (3, "out\nerr\n")

    async def test_a_command_that_does_not_end_is_stopped_and_says_so(self, executor: Executor) -> None:
        await executor.start(self.launch("a", SLEEPER))
        marked = f"import os; print(os.getpid()); {STUBBORN}  # {id(self)} overdue"
        result = await executor.exec("a", (sys.executable, "-c", marked), timeout_s=1.0)
        assert result.exit_status is None
        assert "no end after 1 s" in result.output
        await self.wait_until_none_runs(f"{id(self)} overdue")
        assert set(await executor.seen()) == {"a"}

    async def test_the_output_of_a_command_is_kept_head_and_tail(self, executor: Executor) -> None:
        await executor.start(self.launch("a", SLEEPER))
        program = "print('first'); [print('x' * 99) for _ in range(20000)]; print('last')"
        result = await executor.exec("a", (sys.executable, "-c", program), timeout_s=30)
        assert result.output.startswith("first\n")
        assert result.output.endswith("last\n")
        assert "bytes left out" in result.output
        assert len(result.output) < 100_000

    async def test_a_program_that_is_not_there_is_named(self, executor: Executor) -> None:
        await executor.start(self.launch("a", SLEEPER))
        result = await executor.exec("a", ("no-such-program-here",), timeout_s=5)
        assert result.exit_status is None
        assert "not runnable here: no-such-program-here" in result.output
        with pytest.raises(PlatformError, match="no-such-program-here") as refused:
            await executor.start(replace(self.launch("b", SLEEPER), argv=("no-such-program-here",)))
        assert refused.value.code == "not-startable"
        assert "no-such-program-here" in await executor.logs("b", tail=3)
        await self.wait_for_seen(executor, "a")

    async def test_no_command_runs_inside_of_what_is_dead(self, executor: Executor) -> None:
        result = await executor.exec("a", ("true",), timeout_s=5)
        assert result.exit_status is None
        assert "not runnable here: a does not live" in result.output

    async def test_an_instance_has_the_environment_and_the_folder_that_are_declared(self, executor: Executor) -> None:
        told = "import os, time; print(os.environ['COLOUR'], os.getcwd(), flush=True); time.sleep(60)"
        declared = replace(self.launch("a", told), env=(("COLOUR", "blue = ä"),), directory="/usr/bin")
        await executor.start(declared)
        await self.wait_for_log(executor, "a", "blue = ä /usr/bin")
        inside = "import os; print(os.environ['COLOUR'], os.getcwd())"
        result = await executor.exec("a", (sys.executable, "-c", inside), timeout_s=10)
        assert (result.exit_status, result.output) == (0, "blue = ä /usr/bin\n")
        assert set(await executor.seen()) == {"a"}

    async def test_a_folder_that_is_not_there_is_named(self, executor: Executor) -> None:
        declared = replace(self.launch("a", SLEEPER), directory="/proc/no-such-folder")
        with pytest.raises(PlatformError, match="/proc/no-such-folder"):
            await executor.start(declared)

    @pytest.mark.parametrize("name", ["b", "a~b.c_d-e", "Größe 7/..", "x" * 128])
    async def test_names_of_all_kinds_are_kept_apart(self, executor: Executor, successor: Executor, name: str) -> None:
        await executor.start(self.launch(name, "print('of ' + 'the odd', flush=True); import time; time.sleep(60)"))
        await executor.start(self.launch(f"{name}-", SLEEPER))
        await self.wait_for_log(executor, name, "of the odd")
        assert set(await successor.seen()) == {name, f"{name}-"}
        assert await executor.kill(name) is True
        assert set(await successor.seen()) == {f"{name}-"}

    async def test_what_an_instance_uses_can_be_read(self, executor: Executor) -> None:
        busy = "[i * i for i in range(3_000_000)]; import time; print('ready', flush=True); time.sleep(60)"
        await executor.start(self.launch("a", busy))
        await self.wait_for_log(executor, "a", "ready")
        used = await executor.usage("a")
        assert used is not None
        assert 0.05 < used.cpu_s < 30
        assert 1_000_000 < used.memory_bytes < 500_000_000
        assert used.processes >= 1
        assert await executor.usage("b") is None

    async def wait_for_log(self, executor: Executor, name: str, text: str) -> None:
        async with asyncio.timeout(LIMIT_S):
            while text not in await executor.logs(name, tail=10):
                await asyncio.sleep(0.02)

    async def wait_for_seen(self, executor: Executor, *names: str) -> None:
        async with asyncio.timeout(LIMIT_S):
            while set(await executor.seen()) != set(names):
                await asyncio.sleep(0.02)

    async def wait_until_none_runs(self, mark: str) -> None:
        async with asyncio.timeout(LIMIT_S):
            while any(mark in " ".join(_words(each)) for each in psutil.process_iter()):
                await asyncio.sleep(0.05)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
