"""A cell wakes those who wait for a real change, and misses none."""

import asyncio

from stationmaster.runtime.board import Cell, Pulse


async def test_a_beat_between_looking_and_waiting_is_not_missed() -> None:
    pulse = Pulse()
    seen = pulse.count
    pulse.beat()
    assert await pulse.beyond(seen, 5.0) is True


async def test_waiting_ends_at_its_limit() -> None:
    pulse = Pulse()
    assert await pulse.beyond(pulse.count, 0.01) is False


async def test_every_waiter_is_woken_by_one_beat() -> None:
    pulse = Pulse()
    waiters = [asyncio.create_task(pulse.beyond(0, 5.0)) for _ in range(3)]
    await asyncio.sleep(0)
    pulse.beat()
    assert await asyncio.gather(*waiters) == [True, True, True]


async def test_changes_yield_the_value_now_and_after_each_change_and_an_equal_value_is_none() -> None:
    cell = Cell(1)
    changes = cell.changes(tick=5.0)
    assert await anext(changes) == 1
    cell.set(1)
    cell.set(2)
    assert await anext(changes) == 2
    assert cell.changed.count == 1
    await changes.aclose()
