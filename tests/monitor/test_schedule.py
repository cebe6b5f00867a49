"""The jittered schedule: spread, never early by more than a tenth, no catching up, blind for the wall clock."""

import asyncio
import time
from datetime import timedelta
from itertools import pairwise

import pytest

from stationmaster.monitor import schedule as schedule_file
from stationmaster.monitor.schedule import Schedule
from stationmaster.runtime.db import utc_now


async def ticks(schedule: Schedule, count: int, interval_s: float, work_s: float = 0.0) -> list[float]:
    seen = []
    async for _ in schedule.ticks("x", interval_s):
        seen.append(time.monotonic())
        if work_s:
            await asyncio.sleep(work_s)
        if len(seen) == count:
            break
    return seen


async def test_checks_are_due_an_interval_apart_give_or_take_a_tenth() -> None:
    schedule, due = Schedule(), []
    async for _ in schedule.ticks("x", 0.05):
        due.append(schedule.due["x"])
        if len(due) == 12:
            break
    gaps = [after - before for before, after in pairwise(due)]
    assert min(gaps) > 0.0449
    assert len(set(gaps)) == 11


async def test_the_first_checks_of_many_are_spread_over_the_interval() -> None:
    schedule = Schedule()
    began = time.monotonic()

    async def first(number: int) -> None:
        async for _ in schedule.ticks(str(number), 100.0):
            raise AssertionError("it is not due yet")

    tasks = [asyncio.get_running_loop().create_task(first(number)) for number in range(200)]
    await asyncio.sleep(0)
    offsets = sorted(due - began for due in schedule.due.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(offsets) == 200
    assert offsets[0] < 20
    assert offsets[-1] > 80
    assert max(after - before for before, after in pairwise(offsets)) < 10


async def test_a_check_that_takes_longer_than_its_interval_is_not_caught_up_with() -> None:
    seen = await ticks(Schedule(), 4, 0.01, work_s=0.06)
    assert all(after - before >= 0.055 for before, after in pairwise(seen))


async def test_a_wall_clock_that_jumps_moves_no_check(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = Schedule()
    schedule.due["x"] = time.monotonic() + 5
    jumped = utc_now() + timedelta(hours=1)
    monkeypatch.setattr(schedule_file, "utc_now", lambda: jumped)
    due = schedule.next_at("x")
    assert due is not None
    assert timedelta(seconds=3) < due - jumped <= timedelta(seconds=5)
    schedule.forget("x")
    assert schedule.next_at("x") is None
