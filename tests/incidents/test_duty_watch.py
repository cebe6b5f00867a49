"""Times in which nobody is on duty: shown for 30 days, told once a day before, never lost and hardly ever twice."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from stationmaster.core.response import (
    Layer,
    Level,
    PageTarget,
    ResponderName,
    Restriction,
    Schedule,
    ScheduleName,
    TargetKind,
)
from stationmaster.incidents import duty_store
from stationmaster.incidents.duty_gaps import paged_schedules, uncovered
from stationmaster.incidents.duty_store import NoticeState
from stationmaster.incidents.notify.message import headline
from stationmaster.incidents.notify.receipt import failed, refused
from stationmaster.incidents.oncall import duties, gaps
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.duty_world import DAY, HOUR, WEEK, ZERO, DutyWorld, policy, schedule, spec, wanted, weeks

ENDS = date(2026, 11, 30)
"""Of a layer: a week after ZERO nobody is on duty any more."""


@pytest.fixture
def world(database: Database) -> DutyWorld:
    return DutyWorld(database, Cell(spec(schedule(weeks(ends=ENDS)))))


async def test_a_gap_is_shown_for_30_days_and_told_once_a_day_before_it_begins(world: DutyWorld) -> None:
    await world.tick()
    (trouble,) = world.watch.troubles()
    assert trouble.startswith("nobody is on duty in primary from Mon 2026-11-30 09:00 until")
    assert "(escalation policy shop)" in trouble
    await world.passes(WEEK - DAY - HOUR)
    assert world.told == []
    for _ in range(6):
        await world.passes(HOUR)
    assert [headline(each)[:60] for each in world.told] == [
        "[NOBODY ON CALL] nobody is on duty in primary from Mon 2026-"
    ]
    for _ in range(40):
        await world.passes(DAY)
    assert len(world.told) == 1, "it goes on and on and is told once"
    async with world.database.read() as connection:
        told = [change for _, change in await changes(connection, Asked(kind="schedule"))]
    assert [(each.action, each.name, each.after["told"]) for each in told] == [("gap", "primary", ["ops"])]


async def test_a_gap_that_was_mended_is_told_again_when_it_opens_again(world: DutyWorld) -> None:
    await world.passes(WEEK - HOUR)
    assert len(world.told) == 1
    await world.oncall.add(wanted("lin", WEEK, 60 * DAY), by="lin")
    await world.passes(timedelta(minutes=1))
    assert world.watch.troubles() == ()
    await world.oncall.end(1, by="lin")
    await world.passes(timedelta(minutes=1))
    assert len(world.told) == 2


async def test_what_the_receiver_does_not_take_is_tried_again_and_given_up_after_an_hour(world: DutyWorld) -> None:
    world.answers = [failed("away")] * 100
    await world.passes(WEEK - HOUR)
    for _ in range(30):
        await world.passes(timedelta(minutes=5))
    sent = len(world.told)
    assert 10 < sent < 25
    assert await states(world) == [NoticeState.FAILED.value]
    assert len({each.key for each in world.told}) == 1, "receivers know it again"


async def test_what_is_refused_for_good_is_not_tried_again(world: DutyWorld) -> None:
    world.answers = [refused("no such channel")]
    await world.passes(WEEK - HOUR)
    await world.passes(HOUR)
    assert (len(world.told), await states(world)) == (1, [NoticeState.FAILED.value])


async def test_a_notice_that_was_cut_off_is_sent_once_more_and_says_so(world: DutyWorld) -> None:
    class Killed(BaseException):
        pass

    async def dies(*_given: object) -> None:
        raise Killed

    world.watch.send = dies  # type: ignore[assignment]
    with pytest.raises(Killed):
        await world.passes(WEEK - HOUR)
    assert await states(world) == [NoticeState.CLAIMED.value]
    world.begin()
    await world.watch.sender.begin()
    await world.tick()
    assert [each.maybe_second for each in world.told] == [True]
    assert await states(world) == [NoticeState.SENT.value]


async def states(world: DutyWorld) -> list[str]:
    async with world.database.read() as connection:
        return [row.state for row in await connection.execute(duty_store.notices.select())]


def test_schedules_that_are_paged_together_have_a_gap_only_where_all_have() -> None:
    def hours(since: int, until: int, name: str) -> Schedule:
        shift = Restriction(days=frozenset(range(7)), since=time(since), until=time(until))
        return schedule(weeks("ada", restrictions=(shift,)), name=name)

    both = spec(hours(0, 12, "east"), hours(10, 22, "west"), policies=[policy("east", "west")])
    (found,) = uncovered(both, (), ZERO + DAY, ZERO + 3 * DAY)
    assert found.paged.name == "east, west"
    assert [(each.starts_at.hour, each.ends_at.hour) for each in found.spans] == [(22, 0), (22, 0)]
    alone = replace(both, escalation_policies=(policy("east"),))
    assert [len(each.spans) for each in uncovered(alone, (), ZERO + DAY, ZERO + 3 * DAY)] == [2]


def test_a_level_that_names_somebody_has_no_gap_and_unused_schedules_are_nobodys_worry() -> None:
    lonely = spec(schedule(weeks(ends=ENDS)), schedule(weeks(ends=ENDS), name="unused"))
    assert [each.name for each in paged_schedules(lonely)] == ["primary"]
    (level,) = policy("primary").levels
    named = Level(targets=(*level.targets, PageTarget(kind=TargetKind.RESPONDER, name="ada")))
    both = replace(policy("primary"), levels=(named,))
    assert paged_schedules(replace(lonely, escalation_policies=(both,))) == ()


@pytest.mark.parametrize(
    ("zone", "day", "since", "until", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), time(1), time(4), 2.0),
        ("Europe/Berlin", date(2026, 10, 25), time(1), time(4), 4.0),
        ("America/New_York", date(2026, 3, 8), time(1), time(4), 2.0),
        ("America/New_York", date(2026, 11, 1), time(1), time(4), 4.0),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(1), time(4), 2.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), time(1), time(4), 3.5),
        ("Australia/Lord_Howe", date(2026, 4, 6), time(1), time(4), 3.0),
    ],
)
def test_the_night_in_which_clocks_are_changed_has_neither_gap_nor_overlap(
    zone: str, day: date, since: time, until: time, hours: float
) -> None:
    """Two layers share the day; the shift within it is as long as it really lasts."""
    nights = Restriction(days=frozenset(range(7)), since=since, until=until)
    rest = Restriction(days=frozenset(range(7)), since=until, until=since)

    def layer(name: str, who: str, restriction: Restriction) -> Layer:
        return Layer(
            name=name,
            responders=(ResponderName(who),),
            starts=date(2026, 1, 1),
            handoff=time(0),
            restrictions=(restriction,),
        )

    whole = Schedule(
        name=ScheduleName("primary"),
        time_zone=zone,
        layers=(layer("night", "lin", nights), layer("day", "ada", rest)),
    )
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert gaps(whole, (), noon - 2 * DAY, noon + 2 * DAY) == ()
    only = replace(whole, layers=whole.layers[:1])
    off = gaps(only, (), noon - 1.5 * DAY, noon + 1.5 * DAY)
    lengths = [(two.starts_at - one.ends_at) / HOUR for one, two in itertools.pairwise(off)]
    assert hours in lengths


def test_a_schedule_that_moves_to_another_zone_hands_over_at_its_new_wall_time() -> None:
    berlin = schedule(weeks(), time_zone="Europe/Berlin")
    moved = replace(berlin, time_zone="America/New_York")
    after = ZERO + WEEK - timedelta(minutes=1)
    assert gaps(moved, (), after, after + WEEK) == ()
    edges = [
        [each.starts_at.hour for each in duties(one, (), ZERO + DAY, ZERO + 2 * WEEK)][1] for one in (berlin, moved)
    ]
    assert edges == [8, 14]
