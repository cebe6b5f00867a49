"""The contract that every executor passes; a test module of an executor subclasses it and gives the executor."""

import asyncio
import sys
import time

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Supervision
from stationmaster.fleet.executor import Executor
from stationmaster.fleet.inventory import Launch

SLEEPER = "import signal, time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def launch(name: str, program: str) -> Launch:
    return Launch(name=name, argv=(sys.executable, "-c", program), supervision=Supervision.RESTART)


class ExecutorContract:
    """`executor` is a fixture of the subclass."""

    async def test_a_started_instance_is_seen_with_its_process(self, executor: Executor) -> None:
        running = await executor.start(launch("a", SLEEPER))
        seen = await executor.seen()
        assert seen["a"].pid == running.pid

    async def test_starting_twice_keeps_the_first_process(self, executor: Executor) -> None:
        first = await executor.start(launch("a", SLEEPER))
        second = await executor.start(launch("a", SLEEPER))
        assert first.pid == second.pid

    async def test_a_stopped_instance_is_gone(self, executor: Executor) -> None:
        await executor.start(launch("a", SLEEPER))
        assert await executor.stop("a", grace_s=5) is True
        assert await executor.seen() == {}
        assert await executor.stop("a", grace_s=5) is False

    async def test_an_instance_that_ignores_the_request_to_end_is_ended_after_its_grace(
        self, executor: Executor
    ) -> None:
        await executor.start(launch("a", STUBBORN))
        await self.wait_for_log(executor, "a", "up")
        started = time.monotonic()
        assert await executor.stop("a", grace_s=0.3) is True
        assert time.monotonic() - started >= 0.3
        assert await executor.seen() == {}

    async def test_a_killed_instance_is_gone_at_once_and_can_be_started_again(self, executor: Executor) -> None:
        first = await executor.start(launch("a", STUBBORN))
        assert await executor.kill("a") is True
        assert await executor.seen() == {}
        second = await executor.start(launch("a", SLEEPER))
        assert second.pid != first.pid

    async def test_the_end_of_the_log_can_be_read(self, executor: Executor) -> None:
        await executor.start(launch("a", "print('one'); print('two'); print('three')"))
        await self.wait_for_log(executor, "a", "three")
        assert await executor.logs("a", tail=2) == "two\nthree"
        assert await executor.logs("unknown", tail=2) == ""

    async def test_a_command_answers_with_its_status_and_both_streams(self, executor: Executor) -> None:
        program = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
        result = await executor.run_command("a", (sys.executable, "-c", program), timeout_s=10)
        assert (result.exit_status, result.output) == (3, "out\nerr\n")

    async def test_a_command_that_does_not_end_is_stopped_and_says_so(self, executor: Executor) -> None:
        result = await executor.run_command("a", (sys.executable, "-c", STUBBORN), timeout_s=0.5)
        assert result.exit_status is None
        assert "no end after 0.5 s" in result.output

    async def test_endless_output_is_kept_head_and_tail(self, executor: Executor) -> None:
        program = "print('first'); [print('x' * 99) for _ in range(20000)]; print('last')"
        result = await executor.run_command("a", (sys.executable, "-c", program), timeout_s=20)
        assert result.output.startswith("first\n")
        assert result.output.endswith("last\n")
        assert len(result.output) < 100_000

    async def test_a_program_that_is_not_there_is_named(self, executor: Executor) -> None:
        result = await executor.run_command("a", ("no-such-program-here",), timeout_s=1)
        assert result.exit_status is None
        assert "not runnable here: no-such-program-here" in result.output
        with pytest.raises(PlatformError, match="no-such-program-here"):
            await executor.start(Launch(name="b", argv=("no-such-program-here",), supervision=Supervision.RESTART))

    async def wait_for_log(self, executor: Executor, name: str, text: str) -> None:
        async with asyncio.timeout(10):
            while text not in await executor.logs(name, tail=10):
                await asyncio.sleep(0.01)
