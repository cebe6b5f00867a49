"""A crash of the control plane is told at the next start, once; a stop is not."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stationmaster.core.facts import AlertFired, AlertRecovered, Fact
from stationmaster.core.spec import PlatformSpec
from stationmaster.monitor.lifeline import Lifeline, Signs
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_since

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def signs(tmp_path: Path) -> Signs:
    return Signs(tmp_path / "control.alive", tmp_path / "control.ended")


def lifeline(database: Database, signs: Signs, *, back_s: float = 0.0) -> Lifeline:
    declared = Cell(PlatformSpec(environment="lab"))
    return Lifeline(database=database, declared=declared, signs=signs, now=lambda: NOW, back_s=back_s)


def died(signs: Signs, seconds_ago: float, *, status: str = "") -> None:
    """As a control plane leaves its folder that was killed."""
    at = (NOW - timedelta(seconds=seconds_ago)).timestamp()
    signs.give()
    os.utime(signs.alive, (at, at))
    if status:
        signs.ended.write_text(status, "ascii")
        os.utime(signs.ended, (at + 0.1, at + 0.1))


async def told(database: Database) -> list[Fact]:
    return await facts_since(database, LONG_AGO)


async def lives_until(line: Lifeline, done: Callable[[list[Fact]], bool]) -> list[Fact]:
    """Runs until what it told fits; then it is killed."""
    task = asyncio.create_task(line.run())
    try:
        async with asyncio.timeout(30):
            while not (line.signs.alive.exists() and done(await told(line.database))):
                await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return await told(line.database)


async def test_a_first_start_tells_nothing_and_gives_a_sign_of_life(database: Database, signs: Signs) -> None:
    assert await lives_until(lifeline(database, signs), lambda _: True) == []
    assert signs.last() is not None


async def test_after_a_crash_it_is_told_how_long_it_was_away_and_is_over_when_it_works_again(
    database: Database, signs: Signs
) -> None:
    died(signs, 42, status="-9")
    fired, recovered = await lives_until(lifeline(database, signs), lambda facts: len(facts) == 2)
    assert isinstance(fired, AlertFired)
    assert "was away for 42.0 s" in fired.alert.summary
    assert fired.evidence.endswith("its supervisor saw it end by signal 9")
    assert isinstance(recovered, AlertRecovered)
    assert recovered.alert.fingerprint == fired.alert.fingerprint
    assert "it has run for 0 s" in recovered.evidence


async def test_after_a_stop_nothing_is_told(database: Database, signs: Signs) -> None:
    died(signs, 42, status="0")
    signs.take_away()
    assert await lives_until(lifeline(database, signs), lambda _: True) == []


async def test_one_that_dies_again_before_it_works_is_one_alert(database: Database, signs: Signs) -> None:
    for _ in range(3):
        died(signs, 2)
        await lives_until(lifeline(database, signs, back_s=60), lambda facts: len(facts) == 1)
    facts = await lives_until(lifeline(database, signs), lambda facts: len(facts) == 2)
    assert [type(each) for each in facts] == [AlertFired, AlertRecovered]


async def test_what_an_earlier_start_told_is_ended_even_after_it_was_stopped(database: Database, signs: Signs) -> None:
    died(signs, 2)
    await lives_until(lifeline(database, signs, back_s=60), lambda facts: len(facts) == 1)
    signs.take_away()
    assert len(await lives_until(lifeline(database, signs), lambda facts: len(facts) == 2)) == 2


async def test_what_is_said_of_an_earlier_end_is_not_said_of_this_one(database: Database, signs: Signs) -> None:
    died(signs, 500, status="-9")
    died(signs, 1)
    (fired, *_) = await lives_until(lifeline(database, signs), lambda facts: len(facts) == 2)
    assert isinstance(fired, AlertFired)
    assert "nobody saw how it ended" in fired.evidence


async def test_a_crash_before_it_was_told_is_told_by_the_next_start(database: Database, signs: Signs) -> None:
    died(signs, 7)
    before = signs.last()
    lifeline(database, signs)  # killed before its loop ran
    assert signs.last() == before
    (fired, *_) = await lives_until(lifeline(database, signs), lambda facts: len(facts) == 2)
    assert isinstance(fired, AlertFired)
    assert "was away for 7.0 s" in fired.alert.summary
