"""Feeds of shifts for calendar programs: what they hold, that they stay the same, and links that can be taken back."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.calendar_desk import Calendars
from stationmaster.incidents.calendars import CalendarKind, CalendarLinks, Subject, etag_of, feed
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.duty_world import DAY, HOUR, WEEK, ZERO, DutyWorld, schedule, spec, wanted, weeks, without

PRIMARY = Subject(kind=CalendarKind.SCHEDULE, name="primary")
ADA = Subject(kind=CalendarKind.RESPONDER, name="ada")


def events(content: bytes) -> list[Any]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


def spans(content: bytes) -> list[tuple[str, datetime, datetime]]:
    return [(str(each["SUMMARY"]), each["DTSTART"].dt, each["DTEND"].dt) for each in events(content)]


@pytest.fixture
def world(database: Database) -> DutyWorld:
    return DutyWorld(database, Cell(spec()))


@pytest.fixture
def calendars(world: DutyWorld) -> Calendars:
    return Calendars(oncall=world.oncall, links=CalendarLinks(b"k" * 32))


def token_of(url: str) -> str:
    return url.rpartition("/")[2].removesuffix(".ics")


def test_a_feed_is_iCalendar_as_rfc_5545_has_it() -> None:  # noqa: N802 its name is written so
    content = feed(spec(), (), PRIMARY, ZERO)
    assert b"\n" not in content.replace(b"\r\n", b""), "every line ends with CRLF"
    assert max(map(len, content.split(b"\r\n"))) <= 75
    assert content.startswith(b"BEGIN:VCALENDAR\r\n")
    for line in (b"VERSION:2.0", b"METHOD:PUBLISH", b"PRODID:-//Stationmaster//On-call//EN", b"CALSCALE:GREGORIAN"):
        assert line + b"\r\n" in content
    for each in events(content):
        assert each["DTSTART"].dt.utcoffset() == each["DTEND"].dt.utcoffset() == timedelta()
        assert each["UID"].endswith("@stationmaster")
        assert "DTSTAMP" in each


def test_it_reaches_180_days_ahead_and_says_who_by_which_layer() -> None:
    found = spans(feed(spec(), (), PRIMARY, ZERO))
    assert found[0] == ("Ada Lovelace on call (primary)", ZERO, ZERO + WEEK)
    assert found[1] == ("Grace Hopper on call (primary)", ZERO + WEEK, ZERO + 2 * WEEK)
    assert found[-1][1] <= ZERO + 180 * DAY < found[-1][2]
    assert "by layer weeks" in str(events(feed(spec(), (), PRIMARY, ZERO))[0]["DESCRIPTION"]).replace("\n", "")


def test_it_reaches_90_days_back() -> None:
    early = weeks()
    long_ago = spec(schedule(replace(early, starts=date(2025, 11, 24))))
    found = spans(feed(long_ago, (), PRIMARY, ZERO))
    assert ZERO - 90 * DAY - WEEK < found[0][1] <= ZERO - 90 * DAY < found[0][2]


def test_the_same_shift_keeps_its_uid_from_day_to_day_and_a_single_person_has_one_event_a_turn() -> None:
    declared = spec(schedule(weeks("ada")))
    today, tomorrow = (feed(declared, (), PRIMARY, ZERO + later) for later in (timedelta(), DAY))
    of_today, of_tomorrow = (
        {each["DTSTART"].dt: str(each["UID"]) for each in events(one)} for one in (today, tomorrow)
    )
    assert len(of_today) == len(set(of_today.values())) >= 25
    shared = of_today.keys() & of_tomorrow.keys()
    assert len(shared) >= 25
    assert all(of_today[begins] == of_tomorrow[begins] for begins in shared)


def test_within_a_day_it_is_the_same_to_the_byte() -> None:
    assert feed(spec(), (), PRIMARY, ZERO) == feed(spec(), (), PRIMARY, ZERO + 5 * HOUR)
    assert etag_of(feed(spec(), (), PRIMARY, ZERO)) != etag_of(feed(spec(), (), PRIMARY, ZERO + DAY))


async def test_an_override_cuts_a_shift_in_three(world: DutyWorld, calendars: Calendars) -> None:
    await world.oncall.add(wanted("lin", DAY, HOUR), by="lin")
    found = spans(await calendars.read(token_of(await calendars.link(PRIMARY))))
    assert [(who.split(" ")[0], begins - ZERO, ends - ZERO) for who, begins, ends in found[:3]] == [
        ("Ada", timedelta(), DAY),
        ("lin", DAY, DAY + HOUR),
        ("Ada", DAY + HOUR, WEEK),
    ]


async def test_a_persons_calendar_has_their_shifts_of_every_schedule_alone(database: Database) -> None:
    nights = schedule(replace(weeks("lin", "ada"), handoff=time(20)), name="second")
    found = spans(feed(spec(schedule(), nights), (), ADA, ZERO))
    assert {who for who, _, _ in found} == {"Ada Lovelace on call (primary)", "Ada Lovelace on call (second)"}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_handovers_stay_at_their_wall_time_over_the_year(zone: str) -> None:
    declared = spec(schedule(replace(weeks(), starts=date(2026, 1, 5)), time_zone=zone))
    for start in (ZERO, ZERO + 150 * DAY):
        walls = {begins.astimezone(ZoneInfo(zone)).time() for _, begins, _ in spans(feed(declared, (), PRIMARY, start))}
        assert walls == {time(9)}


async def test_a_link_holds_until_it_is_revoked(world: DutyWorld, calendars: Calendars) -> None:
    first = await calendars.link(PRIMARY)
    assert first.startswith("http://127.0.0.1:4580/api/v1/calendar/")
    assert await calendars.link(PRIMARY) == first, "asking again makes no other"
    other = await calendars.link(ADA)
    second = await calendars.revoke(PRIMARY, by="ada")
    assert second != first
    with pytest.raises(PlatformError, match="not there"):
        await calendars.read(token_of(first))
    assert await calendars.read(token_of(second))
    assert await calendars.read(token_of(other)), "that of others goes on"


@pytest.mark.parametrize("token", ["", "x", "WyJzY2hlZHVsZSIsInByaW1hcnkiLDFd.forged", "é" * 400])
async def test_a_forged_link_is_refused(calendars: Calendars, token: str) -> None:
    with pytest.raises(PlatformError) as caught:
        await calendars.read(token)
    assert (caught.value.code, caught.value.status) == ("bad-link", 404)


async def test_a_key_of_another_platform_opens_nothing(world: DutyWorld, calendars: Calendars) -> None:
    foreign = Calendars(oncall=world.oncall, links=CalendarLinks(b"z" * 32))
    with pytest.raises(PlatformError, match="not there"):
        await calendars.read(token_of(await foreign.link(PRIMARY)))


async def test_the_calendar_of_somebody_who_left_is_gone(world: DutyWorld, calendars: Calendars) -> None:
    url = await calendars.link(ADA)
    world.declared.set(without(world.declared.value, "ada"))
    with pytest.raises(PlatformError, match="not there"):
        await calendars.read(token_of(url))
    with pytest.raises(PlatformError, match="no responder 'ada'"):
        await calendars.link(ADA)


def test_names_with_commas_line_breaks_and_other_scripts_survive() -> None:
    declared: PlatformSpec = spec()
    people = tuple(replace(each, full_name="Ada, Countess;\nof Lovelace Ⅱ 日本" * 3) for each in declared.responders)
    (first, *_) = events(feed(replace(declared, responders=people), (), PRIMARY, ZERO))
    assert str(first["SUMMARY"]).startswith("Ada, Countess;\nof Lovelace Ⅱ 日本")
