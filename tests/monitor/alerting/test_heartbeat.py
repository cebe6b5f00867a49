"""The heartbeat against a real server: it beats while rules are evaluated, and only then."""

import asyncio
from collections.abc import Callable

from stationmaster.core.monitoring import Heartbeat
from stationmaster.monitor.alerting.heartbeat import HeartbeatLoop
from tests.monitor.servers import http_bytes, says, serving

LIMIT_S = 10.0


class Beats:
    def __init__(self, status: int = 200) -> None:
        self.count = 0
        self.answer = says(http_bytes(status, b"thanks"))

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        await self.answer(reader, writer)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_it_beats_while_rules_are_evaluated_and_falls_silent_when_they_are_not(
    free_port: Callable[[], int],
) -> None:
    port, beats = free_port(), Beats()
    alive = [True]
    loop = HeartbeatLoop(lambda: Heartbeat(url=f"http://127.0.0.1:{port}/beat", interval_ms=30), lambda: alive[0])
    task = asyncio.get_running_loop().create_task(loop.run())
    try:
        async with serving(port, beats):
            await until(lambda: beats.count >= 3)
            assert loop.trouble == ""
            alive[0] = False
            await until(lambda: loop.trouble)
            silent = beats.count
            await asyncio.sleep(0.2)
            assert beats.count == silent
            alive[0] = True
            await until(lambda: beats.count > silent and not loop.trouble)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_beat_that_does_not_arrive_is_told_and_the_next_one_is_tried(free_port: Callable[[], int]) -> None:
    port, beats = free_port(), Beats(status=503)
    loop = HeartbeatLoop(lambda: Heartbeat(url=f"http://127.0.0.1:{port}/", interval_ms=30), lambda: True)
    task = asyncio.get_running_loop().create_task(loop.run())
    try:
        await until(lambda: "cannot be asked" in loop.trouble)
        async with serving(port, beats):
            await until(lambda: "answered 503" in loop.trouble)
            beats.answer = says(http_bytes(200, b""))
            await until(lambda: not loop.trouble)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
