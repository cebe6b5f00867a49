"""A loop that fails is named, started again, and takes nothing else with it."""

import asyncio

import pytest

from stationmaster.runtime import tasks


async def test_a_failing_loop_is_started_again_and_shown_while_it_fails() -> None:
    runs: list[frozenset[str]] = []

    async def loop() -> None:
        runs.append(tasks.failing.value)
        if len(runs) < 3:
            raise RuntimeError("broken")

    async with asyncio.timeout(10):
        supervised = asyncio.create_task(tasks.supervise("a failing loop", loop))
        shown = await anext(each async for each in tasks.failing.changes(tick=1.0) if "a failing loop" in each)
        await supervised
    assert "a failing loop" in shown
    assert len(runs) == 3
    assert "a failing loop" not in tasks.failing.value


async def test_a_cancelled_loop_ends() -> None:
    async def loop() -> None:
        await asyncio.sleep(60)

    supervised = asyncio.create_task(tasks.supervise("x", loop))
    await asyncio.sleep(0)
    supervised.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervised
