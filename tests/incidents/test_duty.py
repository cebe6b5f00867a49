"""Overrides and swaps: what counts, what is refused, what stands in the audit trail."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ResponderName, Urgency
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.escalate import History, reached
from stationmaster.incidents.oncall import on_duty
from stationmaster.incidents.pages import Directory, Page, pages
from stationmaster.runtime.audit import Asked, audit, changes
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.duty_world import DAY, HOUR, WEEK, ZERO, DutyWorld, policy, schedule, spec, wanted, without


@pytest.fixture
def world(database: Database) -> DutyWorld:
    return DutyWorld(database, Cell(spec()))


def at_work(world: DutyWorld, moment: datetime) -> str | None:
    duty = on_duty(world.declared.value.schedules[0], world.oncall.overrides.value, moment)
    return None if duty is None else duty.responder


async def test_an_override_counts_from_its_beginning_to_its_end_and_after_a_restart(world: DutyWorld) -> None:
    outcome = await world.oncall.add(wanted("lin", DAY, 2 * HOUR), by="ada")
    assert [each.number for each in outcome.overrides] == [1]
    world.begin()
    assert at_work(world, ZERO + DAY) == "ada", "nothing is known before the store was read"
    await world.oncall.start()
    assert [at_work(world, ZERO + DAY + hours * HOUR) for hours in (-1, 0, 1, 2)] == ["ada", "lin", "lin", "ada"]


async def test_before_and_after_are_shown_and_a_dry_run_changes_nothing(world: DutyWorld) -> None:
    outcome = await world.oncall.add(wanted("grace", 6 * DAY, 2 * DAY), by="ada", dry_run=True)
    assert [each.duty and each.duty.responder for each in outcome.before] == ["ada", "grace"]
    assert [each.duty and each.duty.responder for each in outcome.after] == ["grace"]
    assert outcome.overrides[0].number == 0
    assert world.oncall.overrides.value == ()
    assert await world.oncall.listed(since=ZERO) == []


async def test_a_swap_is_two_overrides_and_both_name_each_other_in_the_audit_trail(world: DutyWorld) -> None:
    outcome = await world.oncall.swap(
        "primary", (ZERO + 2 * DAY, ZERO + 3 * DAY), (ZERO + 9 * DAY, ZERO + 10 * DAY), by="ada", reason="holiday"
    )
    assert [(each.responder, each.reason) for each in outcome.overrides] == [("grace", "holiday"), ("ada", "holiday")]
    assert at_work(world, ZERO + 2 * DAY + HOUR) == "grace"
    assert at_work(world, ZERO + 9 * DAY + HOUR) == "ada"
    async with world.database.read() as connection:
        told = [change for _, change in await changes(connection, Asked(kind="override"))]
    assert [(each.action, each.name, each.who, each.after["with"]) for each in told] == [
        ("swap", "2", "ada", [1]),
        ("swap", "1", "ada", [2]),
    ]


async def test_a_moment_means_the_whole_turn_around_it(world: DutyWorld) -> None:
    outcome = await world.oncall.swap("primary", (ZERO + WEEK + DAY, None), (ZERO + 2 * WEEK + DAY, None), by="ada")
    spans = [(each.responder, each.starts_at, each.ends_at) for each in outcome.overrides]
    assert spans == [
        ("ada", ZERO + WEEK, ZERO + 2 * WEEK),
        ("grace", ZERO + 2 * WEEK, ZERO + 3 * WEEK),
    ]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ((DAY, 2 * DAY), (3 * DAY, 4 * DAY), "both times are ada's"),
        ((6 * DAY, 8 * DAY), (9 * DAY, 10 * DAY), "not the turn of one person"),
        ((DAY, 2 * DAY), (8 * DAY, 8 * DAY), "no time at all"),
        ((-2 * DAY, -DAY), (8 * DAY, 9 * DAY), "is over"),
    ],
)
async def test_a_swap_that_cannot_be_meant_is_refused(
    world: DutyWorld, one: tuple[timedelta, timedelta], other: tuple[timedelta, timedelta], said: str
) -> None:
    with pytest.raises(PlatformError, match=said):
        await world.oncall.swap("primary", (ZERO + one[0], ZERO + one[1]), (ZERO + other[0], ZERO + other[1]), by="ada")
    assert world.oncall.overrides.value == ()


@pytest.mark.parametrize(
    ("schedule_name", "who", "begins", "lasts", "code", "hint"),
    [
        ("primry", "ada", DAY, HOUR, "unknown-schedule", "did you mean 'primary'?"),
        ("x", "ada", DAY, HOUR, "unknown-schedule", "declared are primary"),
        ("primary", "grce", DAY, HOUR, "unknown-responder", "did you mean 'grace'?"),
        ("primary", "ada", DAY, timedelta(), "bad-span", "beginning before the end"),
        ("primary", "ada", DAY, -HOUR, "bad-span", "beginning before the end"),
        ("primary", "ada", -DAY, HOUR, "bad-span", "not changed afterwards"),
        ("primary", "ada", DAY, 367 * DAY, "bad-span", "change the schedule itself"),
        ("primary", "ada", 900 * DAY, HOUR, "bad-span", "is the year right?"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_a_hint(
    world: DutyWorld, schedule_name: str, who: str, begins: timedelta, lasts: timedelta, code: str, hint: str
) -> None:
    with pytest.raises(PlatformError) as caught:
        await world.oncall.add(wanted(who, begins, lasts, schedule_name), by="lin")
    assert (caught.value.code, hint in caught.value.hint) == (code, True), caught.value.hint


async def test_what_is_under_way_begins_now_and_history_stays_as_it_was(world: DutyWorld) -> None:
    outcome = await world.oncall.add(wanted("lin", -2 * HOUR, 4 * HOUR), by="lin")
    assert (outcome.overrides[0].starts_at, outcome.overrides[0].ends_at) == (ZERO, ZERO + 2 * HOUR)


async def test_overlaps_and_needless_overrides_are_warned_of(world: DutyWorld) -> None:
    await world.oncall.add(wanted("lin", DAY, 4 * HOUR), by="lin")
    second = await world.oncall.add(wanted("grace", DAY + HOUR, HOUR), by="grace")
    assert second.warnings == (
        "override 1 (lin until 2026-11-24 13:00 UTC) overlaps; the new one counts where both do",
    )
    assert at_work(world, ZERO + DAY + HOUR) == "grace"
    assert (await world.oncall.add(wanted("ada", 3 * DAY), by="ada")).warnings == ("ada is on duty then without it",)


async def test_ending_one_that_counts_cuts_it_and_ending_one_that_comes_undoes_it(world: DutyWorld) -> None:
    await world.oncall.add(wanted("lin", HOUR, 4 * HOUR), by="lin")
    await world.oncall.add(wanted("lin", DAY, HOUR), by="lin")
    world.now = ZERO + 2 * HOUR
    ended = await world.oncall.end(1, by="ada")
    await world.oncall.end(2, by="ada")
    assert ended.until == world.now
    assert at_work(world, ZERO + HOUR) == "lin", "who was on duty is not changed afterwards"
    assert at_work(world, world.now) == "ada"
    assert at_work(world, ZERO + DAY) == "ada"
    with pytest.raises(PlatformError, match="override 2 is over"):
        await world.oncall.end(2, by="ada")
    with pytest.raises(PlatformError, match="no override 9"):
        await world.oncall.end(9, by="ada")
    spans = await world.oncall.duties(world.declared.value.schedules[0], ZERO, ZERO + 6 * HOUR)
    assert [(each.duty and each.duty.responder, each.ends_at - ZERO) for each in spans] == [
        ("ada", HOUR),
        ("lin", 2 * HOUR),
        ("ada", 6 * HOUR),
    ]


async def test_an_override_of_somebody_who_is_not_declared_any_more_counts_for_nothing(world: DutyWorld) -> None:
    await world.oncall.add(wanted("lin", timedelta(), DAY), by="lin")
    levels = reached(policy("primary"), History(opened_at=ZERO, severity="critical"), ZERO)

    def paged() -> list[str]:
        directory = Directory.of(world.declared.value, world.oncall.overrides.value)
        found = pages(levels, policy("primary"), directory, Urgency.HIGH)
        return sorted({each.to.name for each in found if isinstance(each, Page)})

    assert paged() == ["lin"]
    world.declared.set(without(world.declared.value, "lin"))
    assert paged() == ["ada"]
    spans = await world.oncall.duties(world.declared.value.schedules[0], ZERO, ZERO + HOUR)
    assert [each.duty and each.duty.responder for each in spans] == [ResponderName("ada")]


async def test_a_change_that_fails_leaves_neither_row_nor_override_nor_audit(
    world: DutyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_given: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("stationmaster.incidents.duty.record", fails)
    with pytest.raises(OSError, match="disk"):
        await world.oncall.swap("primary", (ZERO + DAY, None), (ZERO + 8 * DAY, None), by="ada")
    assert world.oncall.overrides.value == ()
    async with world.database.read() as connection:
        assert (await connection.execute(select(audit))).all() == []


async def test_other_schedules_are_left_alone(database: Database) -> None:
    world = DutyWorld(database, Cell(spec(schedule(), schedule(name="second"))))
    await world.oncall.add(wanted("lin", timedelta(), HOUR, "second"), by="lin")
    found = [on_duty(each, world.oncall.overrides.value, ZERO) for each in world.declared.value.schedules]
    assert [each and each.responder for each in found] == ["ada", "lin"]


async def test_the_cell_forgets_what_is_long_over(database: Database) -> None:
    oncall = DutyWorld(database, Cell(spec()))
    await oncall.oncall.add(wanted("lin", timedelta(), HOUR), by="lin")
    oncall.now = datetime(2027, 1, 1, tzinfo=UTC)
    await oncall.oncall.start()
    assert oncall.oncall.overrides.value == ()
    assert isinstance(oncall.oncall, OnCall)


async def test_a_span_beyond_every_calendar_is_refused(world: DutyWorld) -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12)))
    with pytest.raises(PlatformError, match="beyond every calendar"):
        await world.oncall.add(replace(wanted("ada", DAY, HOUR), ends_at=last), by="lin")
