"""Calendar files become overrides: recurrences, zones, changed instances, and every event that is not understood."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.calendar_import import Imported, import_calendar
from stationmaster.incidents.calendar_reading import Looked, Reading, read
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.duty_world import ZERO, DutyWorld, schedule, spec

YEAR = timedelta(days=366)


def ics(*bodies: str, more: str = "") -> str:
    found = "".join(f"BEGIN:VEVENT\n{body.strip()}\nEND:VEVENT\n" for body in bodies)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{more}{found}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def look(text: str, zone: str = "Europe/Berlin") -> Reading:
    looked = Looked(schedule=schedule(time_zone=zone), responders=spec().responders, since=ZERO, until=ZERO + YEAR)
    return read(text, looked)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("times", "zone", "begins", "ends"),
    [
        ("DTSTART:20261224T090000Z\nDTEND:20261224T170000Z", "UTC", "2026-12-24T09:00Z", "2026-12-24T17:00Z"),
        ("DTSTART:20261224T090000\nDTEND:20261224T170000", "Europe/Berlin", "2026-12-24T08:00Z", "2026-12-24T16:00Z"),
        ("DTSTART:20261224T090000\nDURATION:PT8H", "America/New_York", "2026-12-24T14:00Z", "2026-12-24T22:00Z"),
        (
            "DTSTART;TZID=America/New_York:20261224T090000\nDTEND;TZID=America/New_York:20261224T170000",
            "Europe/Berlin",
            "2026-12-24T14:00Z",
            "2026-12-24T22:00Z",
        ),
        (
            "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261226",
            "Europe/Berlin",
            "2026-12-23T23:00Z",
            "2026-12-25T23:00Z",
        ),
        ("DTSTART;VALUE=DATE:20261224", "Europe/Berlin", "2026-12-23T23:00Z", "2026-12-24T23:00Z"),
        ("DTSTART;VALUE=DATE:20270328", "Europe/Berlin", "2027-03-27T23:00Z", "2027-03-28T22:00Z"),
        ("DTSTART;VALUE=DATE:20270404", "Australia/Lord_Howe", "2027-04-03T13:00Z", "2027-04-04T13:30Z"),
        ("DTSTART:20270328T023000\nDURATION:PT1H", "Europe/Berlin", "2027-03-28T01:30Z", "2027-03-28T02:30Z"),
    ],
)
def test_moments_are_meant_in_their_zone_and_floating_ones_in_that_of_the_schedule(
    times: str, zone: str, begins: str, ends: str
) -> None:
    found = look(ics(f"UID:1\nSUMMARY:Ada Lovelace\n{times}"), zone)
    assert found.not_understood == ()
    assert [(each.starts_at, each.ends_at) for each in found.shifts] == [(at(begins), at(ends))]


def test_a_zone_that_the_file_defines_itself_is_followed() -> None:
    zone = """BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
TZNAME:OFF
END:STANDARD
END:VTIMEZONE
"""
    found = look(ics("UID:1\nSUMMARY:ada\nDTSTART;TZID=Office:20261224T090000\nDURATION:PT1H", more=zone))
    assert [each.starts_at for each in found.shifts] == [at("2026-12-24T06:00Z")]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("RRULE:FREQ=WEEKLY;COUNT=3", ["12-01", "12-08", "12-15"]),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20261230T000000Z", ["12-01", "12-15", "12-29"]),
        ("RRULE:FREQ=DAILY;UNTIL=20261203T080000Z", ["12-01", "12-02", "12-03"]),
        (
            "RRULE:FREQ=WEEKLY;BYDAY=TU,FR;COUNT=4\nEXDATE;TZID=Europe/Berlin:20261204T090000",
            ["12-01", "12-08", "12-11"],
        ),
        ("RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20261202T080000Z,20261203T080000Z", ["12-01", "12-04"]),
        ("RRULE:FREQ=DAILY;COUNT=2\nRDATE;TZID=Europe/Berlin:20261224T090000", ["12-01", "12-02", "12-24"]),
        ("RRULE:FREQ=MONTHLY;BYMONTHDAY=1;COUNT=2", ["12-01", "01-01"]),
        ("RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20270201T000000Z", ["12-25", "01-29"]),
    ],
)
def test_recurrences(rule: str, days: list[str]) -> None:
    body = (
        "UID:1\nSUMMARY:grace\nDTSTART;TZID=Europe/Berlin:20261201T090000\nDTEND;TZID=Europe/Berlin:20261201T170000\n"
    )
    found = look(ics(body + rule))
    assert found.not_understood == ()
    assert [f"{each.starts_at:%m-%d}" for each in found.shifts] == days
    assert {each.starts_at.hour for each in found.shifts} == {8}


def test_a_weekly_shift_begins_and_ends_at_the_same_wall_time_when_clocks_change() -> None:
    body = """UID:1
SUMMARY:ada
DTSTART;TZID=Europe/Berlin:20270315T090000
DTEND;TZID=Europe/Berlin:20270322T090000
RRULE:FREQ=WEEKLY;COUNT=3"""
    found = look(ics(body)).shifts
    assert [(each.starts_at, each.ends_at) for each in found] == [
        (at("2027-03-15T08:00Z"), at("2027-03-22T08:00Z")),
        (at("2027-03-22T08:00Z"), at("2027-03-29T07:00Z")),
        (at("2027-03-29T07:00Z"), at("2027-04-05T07:00Z")),
    ]


def test_a_single_instance_is_moved_another_cancelled_and_given_to_somebody_else() -> None:
    series = "UID:1\nSUMMARY:ada\nDTSTART:20261201T090000Z\nDTEND:20261201T100000Z\nRRULE:FREQ=DAILY;COUNT=4"
    moved = "UID:1\nSUMMARY:grace\nRECURRENCE-ID:20261202T090000Z\nDTSTART:20261202T120000Z\nDTEND:20261202T130000Z"
    gone = "UID:1\nSUMMARY:ada\nSTATUS:CANCELLED\nRECURRENCE-ID:20261203T090000Z\nDTSTART:20261203T090000Z"
    found = look(ics(series, moved, gone))
    assert [(each.responder, f"{each.starts_at:%d %H}", each.instance) for each in found.shifts] == [
        ("ada", "01 09", "20261201T090000Z"),
        ("grace", "02 12", "20261202T090000Z"),
        ("ada", "04 09", "20261204T090000Z"),
    ]


@pytest.mark.parametrize(
    "said",
    [
        "SUMMARY:Ada Lovelace",
        "SUMMARY:On call: ada (primary)",
        "SUMMARY:ADA LOVELACE\\, all day",
        "SUMMARY:shift\nATTENDEE:mailto:ADA@example.org",
        'SUMMARY:shift\nATTENDEE;CN="Ada Lovelace":mailto:private@example.net',
        "SUMMARY:shift\nORGANIZER:mailto:ada@example.org",
        "SUMMARY:grace hands over\nATTENDEE:mailto:ada@example.org",
    ],
)
def test_a_responder_is_known_by_name_address_or_full_name(said: str) -> None:
    found = look(ics(f"UID:1\n{said}\nDTSTART:20261224T090000Z\nDURATION:PT8H"))
    assert [each.responder for each in found.shifts] == ["ada"]


GOOD = "UID:good\nSUMMARY:lin\nDTSTART:20261224T090000Z\nDURATION:PT8H"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("UID:1\nSUMMARY:Adam\nDTSTART:20261224T090000Z\nDURATION:PT8H", "no responder that is declared"),
        (
            "UID:1\nSUMMARY:ada and grace\nDTSTART:20261224T090000Z\nDURATION:PT8H",
            "more than one responder: ada, grace",
        ),
        ("UID:1\nSUMMARY:ada\nDTSTART;TZID=Mars/Base:20261224T090000\nDURATION:PT8H", "'Mars/Base' is unknown"),
        ("UID:1\nSUMMARY:ada\nDURATION:PT8H", "no DTSTART"),
        ("UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z", "neither DTEND nor DURATION"),
        ("UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDTEND:20261224T080000Z", "ends before it begins"),
        (
            "UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDTEND;VALUE=DATE:20261225",
            "one of DTSTART and DTEND is a date",
        ),
        ("UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDTEND:20281224T090000Z", "longer than a year"),
        ("UID:1\nSUMMARY:ada\nDTSTART:yesterday\nDURATION:PT8H", "DTSTART"),
        ("SUMMARY:ada\nDTSTART:20261224T090000Z\nDURATION:PT8H", "no UID"),
        ("UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDURATION:PT8H\nRRULE:FREQ=HOURLY", "FREQ=HOURLY"),
        (
            "UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDURATION:PT8H\nRRULE:FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31",
            "names no time within a year",
        ),
        ("UID:1\nSUMMARY:ada\nDTSTART:19800101T090000Z\nDURATION:PT8H\nRRULE:FREQ=DAILY", "more than 19 years ago"),
        ("UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDURATION:PT8H\nEXRULE:FREQ=DAILY", "EXRULE"),
        (
            "UID:1\nSUMMARY:ada\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261224T090000Z\nDTSTART:20261224T090000Z\nDURATION:PT8H",
            "RANGE",
        ),
    ],
)
def test_what_is_not_understood_is_listed_with_its_line_and_spoils_nothing_else(body: str, why: str) -> None:
    found = look(ics(GOOD, body))
    assert [each.responder for each in found.shifts] == ["lin"]
    (told,) = found.not_understood
    assert why in told.why, told.why
    assert told.line == 10
    assert found.unclear_uids <= {"1"}


def test_a_calendar_that_is_none_is_refused_as_a_whole() -> None:
    with pytest.raises(PlatformError, match="no VCALENDAR"):
        look("<html>log in first</html>")
    barren = "SUMMARY:ada\nDTSTART:20261224T090000Z\nDURATION:PT8H\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"
    with pytest.raises(PlatformError, match="never come true"):
        look(ics(*[f"UID:{number}\n{barren}" for number in range(50)]))
    with pytest.raises(PlatformError, match="more than 2000 events"):
        look(ics(*[GOOD] * 2001))


@given(st.text(alphabet=st.sampled_from('BEGIN:VT\r\n;=,ZD10-PRULFQ"\\ \u2028é'), max_size=400), st.integers(0, 200))
def test_broken_files_are_told_and_never_crash(noise: str, place: int) -> None:
    text = ics(GOOD, "UID:2\nSUMMARY:ada\nDTSTART:20261201T090000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3")
    found = look(text[:place] + noise + text[place:]) if "BEGIN:VCALENDAR" in text[:place] + noise else None
    assert found is None or len(found.shifts) <= 10


@pytest.fixture
def world(database: Database) -> DutyWorld:
    return DutyWorld(database, Cell(spec()))


async def brought(world: DutyWorld, *bodies: str, dry_run: bool = False) -> Imported:
    return await import_calendar(world.oncall, "primary", ics(*bodies), by="ada", dry_run=dry_run)


def told(imported: Imported) -> tuple[int, int, int]:
    return len(imported.added), len(imported.ended), imported.unchanged


SERIES = "UID:s\nSUMMARY:lin\nDTSTART:20261201T090000Z\nDTEND:20261201T100000Z\nRRULE:FREQ=DAILY;COUNT=3"


async def test_the_same_file_again_changes_nothing(world: DutyWorld) -> None:
    assert told(await brought(world, GOOD, SERIES, dry_run=True)) == (4, 0, 0)
    assert not world.oncall.overrides.value
    assert told(await brought(world, GOOD, SERIES)) == (4, 0, 0)
    assert told(await brought(world, GOOD, SERIES)) == (0, 0, 4)
    assert len(world.oncall.overrides.value) == 4
    async with world.database.read() as connection:
        assert [each.action for _, each in await changes(connection, Asked(kind="override"))] == ["import"] * 4


async def test_a_changed_event_replaces_what_it_made_and_a_cancelled_one_ends_it(world: DutyWorld) -> None:
    await brought(world, GOOD, SERIES)
    assert told(await brought(world, GOOD, SERIES.replace("lin", "grace"))) == (3, 3, 1)
    assert told(await brought(world, GOOD, SERIES + "\nSTATUS:CANCELLED")) == (0, 3, 1)
    assert [each.responder for each in world.oncall.overrides.value] == ["lin"]
    assert told(await brought(world, GOOD, SERIES)) == (3, 0, 1), "it is back"


async def test_events_that_left_the_file_or_are_not_understood_leave_what_they_made(world: DutyWorld) -> None:
    await brought(world, GOOD, SERIES)
    assert told(await brought(world, GOOD)) == (0, 0, 1)
    assert told(await brought(world, GOOD, SERIES.replace("SUMMARY:lin", "SUMMARY:nobody"))) == (0, 0, 1)
    assert len(world.oncall.overrides.value) == 4


async def test_what_somebody_ended_by_hand_stays_ended_until_the_calendar_changes(world: DutyWorld) -> None:
    await brought(world, GOOD)
    await world.oncall.end(1, by="lin")
    assert told(await brought(world, GOOD)) == (0, 0, 1)
    assert world.oncall.overrides.value == ()
    assert told(await brought(world, GOOD.replace("PT8H", "PT9H"))) == (1, 0, 0)


async def test_a_shift_that_is_under_way_is_taken_up_from_now_and_known_again(world: DutyWorld) -> None:
    body = "UID:1\nSUMMARY:lin\nDTSTART:20261123T060000Z\nDTEND:20261123T120000Z"
    assert told(await brought(world, body)) == (1, 0, 0)
    world.now += timedelta(hours=1)
    assert told(await brought(world, body)) == (0, 0, 1)
    past = "UID:2\nSUMMARY:lin\nDTSTART:20261101T060000Z\nDTEND:20261101T120000Z"
    imported = await brought(world, past)
    assert (told(imported), imported.past) == ((0, 0, 0), 1)


ADA = "UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDTEND:20261224T170000Z"
ALL_DAY = f"BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))}"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (f"{ADA}\nRRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        (f"{ADA}\nRRULE:FREQ=DAILY;{ALL_DAY};BYSECOND={','.join(map(str, range(60)))}", "more than 1000 times"),
        (f"{ADA}\nRDATE:{','.join(['20261224T090000Z'] * 40_000)}", "more often than any shift"),
        ("UID:1\nSUMMARY:ada\nDTSTART:99991231T230000Z\nDURATION:PT5H", "later than any calendar"),
        ("UID:1\nSUMMARY:ada\nDTSTART:20261224T090000Z\nDURATION:P999999999D", "later than any calendar"),
        ("UID:1\nSUMMARY:ada\nDTSTART;TZID=Asia/Tokyo:00010101T000000\nDURATION:PT5H", "too early"),
        (f"{ADA}\nRRULE:FREQ=DAILY\nEXDATE;TZID=Asia/Tokyo:00010101T000000", "too early"),
        (f"{ADA}\nRECURRENCE-ID:00010101T000000", "too early"),
        (f"{ADA}\nRECURRENCE-ID:soon", "cannot be read"),
        (f"{ADA}\nDTEND:20261224T180000Z", "several DTEND"),
    ],
)
async def test_bombs_and_moments_beyond_all_calendars_are_told_and_take_no_time(body: str, why: str) -> None:
    async with asyncio.timeout(10):
        found = await asyncio.to_thread(look, ics(body))
    assert not found.shifts
    assert why in found.not_understood[0].why


def test_time_zones_cost_those_events_alone_that_name_them() -> None:
    rules = "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:STANDARD\n"
    zones = "".join(f"BEGIN:VTIMEZONE\nTZID:Own {at}\n{rules * 400}END:VTIMEZONE\n" for at in range(4))
    events = [ADA.replace("UID:1", f"UID:{at}") for at in range(200)]
    assert len(look(ics(*events, more=zones)).shifts) == 200
    named = [each.replace("DTSTART:20261224T090000Z", "DTSTART;TZID=Own 1:20261224T090000") for each in events]
    with pytest.raises(PlatformError, match="more than 8000000 characters together"):
        look(ics(*named, more=zones.replace(rules, rules * 3)))
