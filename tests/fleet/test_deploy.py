"""How a deployment goes on, from what its instances do."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.fleet.deploy import Course, Phase, Seen, Source, Terms, next_course
from stationmaster.fleet.rollout import Build, Standing

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TERMS = Terms(within_s=30, bake_s=60)
ORDERED = Course(
    service="api",
    version=3,
    source=Source.ORDERED,
    phase=Phase.ROLLING,
    since=NOW,
    declared="d",
    by="ada",
    why="",
    terms=TERMS,
)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def one(name: str, build: Build, standing: Standing, *, started_s: float = 0, problem: str = "") -> Seen:
    return Seen(name=name, build=build, standing=standing, started_at=after(started_s), problem=problem)


NEW = one("a", Build.CURRENT, Standing.UP)
OLD = one("b", Build.STALE, Standing.UP)
STARTING = one("a", Build.CURRENT, Standing.DOWN, started_s=1)
DEAD = one("a", Build.GONE, Standing.DOWN)


@pytest.mark.parametrize(
    ("seen", "at_s", "phase"),
    [
        ([NEW, OLD], 500, Phase.ROLLING),
        ([NEW, replace(NEW, name="b")], 5, Phase.BAKING),
        ([STARTING, OLD], 30, Phase.ROLLING),
        ([STARTING, OLD], 32, Phase.ROLLING_BACK),
        ([DEAD, OLD], 29, Phase.ROLLING),
        ([DEAD, OLD], 31, Phase.ROLLING_BACK),
        ([replace(DEAD, problem="a cannot be started: nope: No such file"), OLD], 1, Phase.ROLLING_BACK),
        ([NEW, replace(OLD, standing=Standing.UNKNOWN)], 31, Phase.ROLLING_BACK),
        ([replace(OLD, standing=Standing.DOWN)], 500, Phase.ROLLING),
        ([], 500, Phase.ROLLING),
    ],
    ids=[
        "one that waits for its turn may wait long",
        "all well bake",
        "a new one has its time",
        "a new one that does not become well fails it",
        "one that is being started has its time",
        "one that does not start fails it",
        "one that cannot be started fails it at once",
        "an old one of which nobody knows how it does fails it",
        "an old one that is down is moved first",
        "where nothing runs nothing was proved",
    ],
)
def test_a_version_rolls_until_all_are_well_or_one_is_not(seen: Sequence[Seen], at_s: float, phase: Phase) -> None:
    moved = next_course(ORDERED, seen, back_to=2, now=after(at_s))
    assert moved.phase is phase
    assert (moved.version, moved.failed) == ((2, 3) if phase is Phase.ROLLING_BACK else (3, None))
    assert bool(moved.told) is (phase is Phase.ROLLING_BACK)


BAKING = replace(ORDERED, phase=Phase.BAKING, well_since=NOW)


@pytest.mark.parametrize(
    ("seen", "at_s", "phase"),
    [
        ([NEW], 59, Phase.BAKING),
        ([NEW], 60, Phase.GOOD),
        ([replace(NEW, standing=Standing.DOWN)], 1, Phase.ROLLING_BACK),
        ([DEAD], 1, Phase.ROLLING_BACK),
        ([replace(NEW, standing=Standing.UNKNOWN)], 5, Phase.BAKING),
        ([replace(NEW, standing=Standing.UNKNOWN)], 31, Phase.ROLLING_BACK),
    ],
    ids=["not long enough", "long enough", "one goes down", "one dies", "one is in doubt", "one stays in doubt"],
)
def test_a_version_is_good_when_all_stay_well_for_its_time(seen: Sequence[Seen], at_s: float, phase: Phase) -> None:
    assert next_course(BAKING, seen, back_to=2, now=after(at_s)).phase is phase


def test_a_doubt_makes_the_time_begin_again() -> None:
    doubted = next_course(BAKING, [replace(NEW, standing=Standing.UNKNOWN)], back_to=2, now=after(20))
    again = next_course(doubted, [NEW], back_to=2, now=after(25))
    assert (doubted.well_since, again.well_since) == (None, after(25))
    assert next_course(again, [NEW], back_to=2, now=after(84)).phase is Phase.BAKING
    assert next_course(again, [NEW], back_to=2, now=after(85)).phase is Phase.GOOD


def test_what_was_rolled_back_is_over_when_the_old_version_is_well_and_stuck_when_that_fails_too() -> None:
    back = next_course(ORDERED, [STARTING, OLD], back_to=2, now=after(32))
    assert next_course(back, [NEW], back_to=1, now=after(40)).phase is Phase.ROLLED_BACK
    stuck = next_course(back, [replace(STARTING, started_at=after(33))], back_to=1, now=after(64))
    assert (stuck.phase, stuck.version, stuck.failed) == (Phase.STUCK, 2, 3)
    assert next_course(stuck, [NEW], back_to=1, now=after(90)).phase is Phase.BAKING


def test_without_a_good_version_it_stands_still_and_says_why() -> None:
    stuck = next_course(ORDERED, [STARTING, OLD], back_to=None, now=after(32))
    assert (stuck.phase, stuck.version, stuck.told) == (Phase.STUCK, 3, "a is not well after 30 s")


@pytest.mark.parametrize("phase", [Phase.ROLLING, Phase.BAKING])
def test_what_is_declared_is_never_taken_back(phase: Phase) -> None:
    declared = replace(ORDERED, source=Source.DECLARED, phase=phase)
    moved = next_course(declared, [DEAD], back_to=2, now=after(500))
    assert (moved.phase, moved.version) == (Phase.ROLLING, 3)
    assert next_course(moved, [NEW], back_to=2, now=after(501)).phase is Phase.BAKING
