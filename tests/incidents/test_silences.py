"""Silences: what they apply to, what may become of them, when their end is told of."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.facts import AlertFired, NoteAdded
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import LabelMatch
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.intake import filters
from stationmaster.incidents.intake.foreign import ForeignAlert, as_alert
from stationmaster.incidents.intake.loop import Intake
from stationmaster.incidents.loop import CONSUMER, Incidents
from stationmaster.incidents.silences import Silence, SilenceState, changes_at, expired, replaced, silenced, to_notice
from stationmaster.runtime import outbox
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def silence(*matchers: str, starts: float = -1, ends: float = 2, now: datetime = NOW) -> Silence:
    return Silence(
        id="s",
        matchers=tuple(map(filters.read, matchers or ('service="orders"',))),
        starts_at=now + starts * HOUR,
        ends_at=now + ends * HOUR,
        created_by="lin",
        comment="a new disk",
        updated_at=now,
    )


@pytest.mark.parametrize(
    ("matchers", "labels", "applies"),
    [
        (('service="orders"',), {"service": "orders"}, True),
        (("service=orders",), {"service": "orders-2"}, False),
        (('service=~"ord.*"',), {"service": "orders-2"}, True),
        (('service=~"rder"',), {"service": "orders"}, False),
        (('service="orders"', 'region!="eu"'), {"service": "orders", "region": "us"}, True),
        (('service="orders"', 'region!="eu"'), {"service": "orders"}, True),
        (('service="orders"', 'region!~"e.*"'), {"service": "orders", "region": "eu"}, False),
    ],
)
def test_a_silence_applies_where_every_matcher_holds(
    matchers: tuple[str, ...], labels: Mapping[str, str], applies: bool
) -> None:
    assert bool(silenced([silence(*matchers)], labels, NOW)) is applies


@pytest.mark.parametrize(
    ("starts", "ends", "state", "applies"),
    [(1, 2, "pending", False), (0, 2, "active", True), (-2, 0, "expired", False)],
)
def test_a_silence_applies_from_its_start_until_just_before_its_end(
    starts: float, ends: float, state: str, applies: bool
) -> None:
    each = silence(starts=starts, ends=ends)
    assert each.state(NOW).value == state
    assert bool(silenced([each], {"service": "orders"}, NOW)) is applies


def test_expiring_ends_it_now_and_what_never_began_never_does() -> None:
    assert expired(silence(), NOW).ends_at == NOW
    assert expired(silence(starts=1), NOW).starts_at == NOW
    with pytest.raises(PlatformError) as caught:
        expired(silence(ends=-0.5), NOW)
    assert caught.value.code == "silence-expired"


def test_a_longer_end_is_written_over_and_other_matchers_make_another_silence() -> None:
    before = silence()
    same, fresh = replaced(before, replace(before, ends_at=NOW + 9 * HOUR), NOW)
    assert (same.id, same.ends_at, fresh) == ("s", NOW + 9 * HOUR, None)
    ended, other = replaced(before, silence("region=eu"), NOW)
    assert ended.state(NOW) is SilenceState.EXPIRED
    assert other is not None


@pytest.mark.parametrize(("ends", "due"), [(1.01, False), (1, True), (0.5, True), (0, False)])
def test_the_end_is_told_of_an_hour_before(ends: float, due: bool) -> None:
    assert bool(to_notice([silence(starts=-9, ends=ends)], NOW)) is due


def test_of_a_short_silence_the_second_half_is_its_notice() -> None:
    short = silence(starts=0, ends=1)
    assert not to_notice([short], NOW)
    assert to_notice([short], NOW + timedelta(minutes=30))


def test_the_next_change_is_known() -> None:
    assert changes_at([silence(starts=3, ends=4), silence()], NOW) == NOW + 2 * HOUR
    assert changes_at([], NOW) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", LabelMatch(name="a", value="b")),
        ('a="b"', LabelMatch(name="a", value="b")),
        ('a = "b\\"c\\\\"', LabelMatch(name="a", value='b"c\\')),
        ("a!=b", LabelMatch(name="a", value="b", is_equal=False)),
        ("a=~b.*", LabelMatch(name="a", value="b.*", is_regex=True)),
        ('a!~"b"', LabelMatch(name="a", value="b", is_regex=True, is_equal=False)),
        ("a=", LabelMatch(name="a", value="")),
    ],
)
def test_matchers_are_read_as_alertmanager_writes_them(text: str, expected: LabelMatch) -> None:
    assert filters.read(text) == expected


@pytest.mark.parametrize("text", ["", "a", "=b", 'a="b', "a-b=c", 'a==b c"d'])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(PlatformError):
        filters.read(text)


async def test_the_coming_end_is_noted_once_on_incidents_that_it_is_about(database: Database) -> None:
    now = utc_now()
    incidents, intake = Incidents(database), Intake(database, Cell(PlatformSpec(environment="test")))
    await intake.start()
    given = ForeignAlert(
        key="k", source="test", labels={"alertname": "A", "service": "orders"}, starts_at=now, ends_at=None
    )
    async with database.write() as connection:
        fact = AlertFired(at=now, alert=as_alert(given, "test"), evidence="")
        await outbox.append(connection, fact)
    await outbox.drain(database, CONSUMER, incidents.handle)
    made = await intake.silences.put(replace(silence(starts=0, ends=3, now=now), id=""), by="lin")
    for minutes in (60, 121, 122):
        await intake.tick(now + timedelta(minutes=minutes))
    notes = await outbox.facts_of(database, NoteAdded, now - HOUR)
    assert [(each.incident, each.key) for each in notes] == [(1, f"silence/{made}")]
    async with database.read() as connection:
        told = await changes(connection, Asked(kind="silence"))
    assert [change.action for _number, change in told] == ["ends-soon", "create"]


async def test_silences_and_what_they_hold_back_survive_a_restart(database: Database) -> None:
    now, declared = utc_now(), Cell(PlatformSpec(environment="test"))
    first = Intake(database, declared)
    await first.start()
    made = await first.silences.put(replace(silence(starts=0, ends=1, now=now), id=""), by="lin")
    given = ForeignAlert(
        key="k", source="test", labels={"alertname": "A", "service": "orders"}, starts_at=now, ends_at=None
    )
    await first.desk.take([given])

    second = Intake(database, declared)
    await second.start()
    await second.desk.take([given])
    assert await outbox.facts_of(database, AlertFired, now - HOUR) == []
    await second.silences.expire(made, by="lin")
    await second.tick(utc_now())
    assert [each.alert.name for each in await outbox.facts_of(database, AlertFired, now - HOUR)] == ["A"]


async def test_whoever_decides_after_a_silence_was_ended_does_not_see_it_any_more(database: Database) -> None:
    now, intake = utc_now(), Intake(database, Cell(PlatformSpec(environment="test")))
    await intake.start()
    made = await intake.silences.put(replace(silence(starts=0, ends=1, now=now), id=""), by="lin")
    given = ForeignAlert(
        key="k", source="test", labels={"alertname": "A", "service": "orders"}, starts_at=now, ends_at=None
    )
    await intake.desk.take([given])
    ending = asyncio.ensure_future(intake.silences.expire(made, by="lin"))
    while not await intake.desk.look(utc_now()):
        await asyncio.sleep(0)
    await ending
    assert [each.alert.name for each in await outbox.facts_of(database, AlertFired, now - HOUR)] == ["A"]
    assert intake.silences.live.value == ()
