"""Reads the events of an iCalendar file (RFC 5545) as times on duty, and says of every other one why it is none."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Responder, ResponderName, Schedule
from stationmaster.incidents.calendar_rules import MOST_INSTANCES, BarrenError, UnclearError, instances, utc_of

_MOST_EVENTS = 2_000
_MOST_CHARACTERS = 8_000_000
"""Of all events, each with the time zones that it names."""
_ONCE = ("DTSTART", "DTEND", "DURATION", "RECURRENCE-ID")
_TZID = re.compile(r"(?im)^TZID[^:\r\n]*:(\S[^\r\n]*)(?=\r\n(?![ \t]))")
_MOST_BARREN = 2
"""Each takes seconds to be followed."""
_LINES = re.compile(r"\r\n|\n|\r")
_LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)
_WORD = r"(?<![\w.@-]){}(?![\w@-])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One time on duty; `instance` names it among those of an event that recurs."""

    uid: str
    instance: str
    responder: ResponderName
    starts_at: datetime
    ends_at: datetime
    line: int
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotUnderstood:
    """`line` is where the event begins in the file, counted from 1."""

    line: int
    uid: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`uids` are all events of the file, also those that were cancelled or not understood."""

    shifts: tuple[Shift, ...]
    not_understood: tuple[NotUnderstood, ...]
    uids: frozenset[str]
    unclear_uids: frozenset[str]
    past: int
    """Shifts that are over, or lie further ahead than is looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a file is read for: shifts of this schedule that end after `since` and begin before `until`."""

    schedule: Schedule
    responders: Sequence[Responder]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The library's own types are unions of whatever a file may hold: each use says what it takes."""

    line: int
    event: Any

    @property
    def uid(self) -> str:
        return str(self.event.get("UID", "")).strip()[:250]


def read(text: str, looked: Looked) -> Reading:
    """Raises PlatformError `bad-calendar` where the file as a whole is no calendar."""
    found, refused = _events(text)
    zone = ZoneInfo(looked.schedule.time_zone)
    apart = _apart(found, zone, refused)
    shifts: list[Shift] = []
    past = barren = 0
    for each in found:
        if "RECURRENCE-ID" in each.event and each.uid:
            continue
        try:
            read_shifts, over = _shifts_of(each, apart.get(each.uid, {}), looked, zone)
        except UnclearError as error:
            refused.append(NotUnderstood(line=each.line, uid=each.uid, why=str(error)))
            barren += isinstance(error, BarrenError)
            if barren > _MOST_BARREN:
                text = f"more than {_MOST_BARREN} of its events recur and never come true"
                raise PlatformError(
                    "bad-calendar", text, hint="mend the first that a dry run of fewer lists"
                ) from error
            continue
        shifts += read_shifts
        past += over
    alone, over = _moved(found, looked, zone, refused)
    return Reading(
        shifts=tuple(sorted([*shifts, *alone], key=lambda each: (each.starts_at, each.line))),
        not_understood=tuple(sorted(refused, key=lambda each: each.line)),
        uids=frozenset(each.uid for each in found if each.uid),
        unclear_uids=frozenset(each.uid for each in refused if each.uid),
        past=past + over,
    )


def _events(text: str) -> tuple[list[_Found], list[NotUnderstood]]:
    """Every event is parsed by itself, with the time zones of the file: a broken one spoils no other."""
    blocks = list(_blocks(text, "VEVENT"))
    if "BEGIN:VCALENDAR" not in text.upper():
        hint = "give a file that a calendar program exported, as .ics"
        raise PlatformError("bad-calendar", "there is no VCALENDAR in the file", hint=hint)
    if len(blocks) > _MOST_EVENTS:
        hint = "export a shorter time"
        raise PlatformError("bad-calendar", f"the file has more than {_MOST_EVENTS} events", hint=hint)
    zones = [(_named(block), block) for _, block in _blocks(text, "VTIMEZONE")]
    left = _MOST_CHARACTERS
    found: list[_Found] = []
    refused: list[NotUnderstood] = []
    for line, block in blocks:
        whole = "".join(zone for name, zone in zones if name in block) + block
        left -= len(whole)
        if left < 0:
            text = f"its events and their time zones are more than {_MOST_CHARACTERS} characters together"
            raise PlatformError("bad-calendar", text, hint="export a shorter time")
        try:
            calendar = Calendar.from_ical(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{whole}END:VCALENDAR\r\n")
            (event,) = calendar.walk("VEVENT")
            _refuse_twice(event)
            found.append(_Found(line=line, event=event))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            refused.append(NotUnderstood(line=line, uid="", why=f"it cannot be read: {str(error)[:200]}"))
    return found, refused


def _refuse_twice(event: Any) -> None:
    """Raises ValueError for what an event has once (RFC 5545, 3.6.1)."""
    for name in _ONCE:
        if isinstance(event.get(name), list):
            raise ValueError(f"it has several {name}")
        if name in event and not hasattr(event[name], "dt"):
            raise ValueError(f"its {name} is no time")


def _named(zone: str) -> str:
    """The TZID of a time zone; empty, which is in every text, where it has none that can be seen."""
    found = _TZID.search(zone)
    return found[1].strip() if found is not None else ""


def _blocks(text: str, kind: str) -> Iterator[tuple[int, str]]:
    """Whole components of one kind, with the number of their first line."""
    begun = 0
    for number, line in enumerate(_LINES.split(text), start=1):
        said = line.strip().upper()
        if said == f"BEGIN:{kind}":
            begun, lines = number, []
        if begun:
            lines.append(line)
        if begun and said == f"END:{kind}":
            yield begun, "".join(f"{each}\r\n" for each in lines)
            begun = 0
    if begun:
        yield begun, "".join(f"{each}\r\n" for each in [*lines, f"END:{kind}"])


def _apart(
    found: Sequence[_Found], zone: ZoneInfo, refused: list[NotUnderstood]
) -> Mapping[str, dict[datetime, _Found]]:
    """Instances that were changed or cancelled one by one, by their event and when they would have begun."""
    apart: dict[str, dict[datetime, _Found]] = {}
    for each in found:
        if "RECURRENCE-ID" not in each.event or not each.uid:
            continue
        try:
            if each.event["RECURRENCE-ID"].params.get("RANGE"):
                raise UnclearError("RECURRENCE-ID with RANGE changes what follows too: export single changes")
            apart.setdefault(each.uid, {})[utc_of(each.event["RECURRENCE-ID"].dt, zone)] = each
        except UnclearError as error:
            refused.append(NotUnderstood(line=each.line, uid=each.uid, why=str(error)))
    return apart


def _shifts_of(
    found: _Found, apart: Mapping[datetime, _Found], looked: Looked, zone: ZoneInfo
) -> tuple[list[Shift], int]:
    event = found.event
    _whole(found)
    if _is_cancelled(event):
        return [], 0
    responder = _responder(event, looked.responders)
    starts, length = _starts(event), _length(event, zone)
    shifts: list[Shift] = []
    past = 0
    for begins in instances(event, starts, zone, looked.until):
        starts_at = utc_of(begins, zone)
        if starts_at in apart:
            continue
        ends_at = _end(begins, length, zone)
        if ends_at <= looked.since or starts_at >= looked.until:
            past += 1
            continue
        shifts.append(_shift(found, responder, starts_at, ends_at, starts_at))
        if len(shifts) > MOST_INSTANCES:
            raise UnclearError(f"it recurs more than {MOST_INSTANCES} times within a year")
    if not shifts and not past and not apart:
        raise BarrenError("its rule names no time within a year")
    return shifts, past


def _moved(
    found: Sequence[_Found], looked: Looked, zone: ZoneInfo, refused: list[NotUnderstood]
) -> tuple[list[Shift], int]:
    """Single instances as they were changed to."""
    shifts: list[Shift] = []
    past = 0
    unclear = {(each.line, each.uid) for each in refused}
    for each in found:
        if "RECURRENCE-ID" not in each.event or not each.uid or (each.line, each.uid) in unclear:
            continue
        if _is_cancelled(each.event):
            continue
        try:
            responder = _responder(each.event, looked.responders)
            begins = _starts(each.event)
            starts_at, ends_at = utc_of(begins, zone), _end(begins, _length(each.event, zone), zone)
            meant = utc_of(each.event["RECURRENCE-ID"].dt, zone)
        except UnclearError as error:
            refused.append(NotUnderstood(line=each.line, uid=each.uid, why=str(error)))
            continue
        if ends_at <= looked.since or starts_at >= looked.until:
            past += 1
        else:
            shifts.append(_shift(each, responder, starts_at, ends_at, meant))
    return shifts, past


def _shift(found: _Found, responder: ResponderName, starts_at: datetime, ends_at: datetime, meant: datetime) -> Shift:
    if ends_at <= starts_at:
        raise UnclearError("it ends before it begins")
    if ends_at - starts_at > _LONGEST:
        raise UnclearError("it is longer than a year")
    return Shift(
        uid=found.uid,
        instance=f"{meant:%Y%m%dT%H%M%SZ}",
        responder=responder,
        starts_at=starts_at,
        ends_at=ends_at,
        line=found.line,
        summary=str(found.event.get("SUMMARY", ""))[:200],
    )


def _whole(found: _Found) -> None:
    """What the library left out of an event would change its meaning."""
    if not found.uid:
        raise UnclearError("it has no UID, by which it would be known again")
    broken = [name for name, _ in found.event.errors if name in ("DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE")]
    if broken:
        raise UnclearError(f"its {', '.join(sorted(set(broken)))} cannot be read")


def _is_cancelled(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _starts(event: Any) -> date | datetime:
    if "DTSTART" not in event or isinstance(event["DTSTART"], list):
        raise UnclearError("it has no DTSTART, or several")
    found = event["DTSTART"]
    zone = found.params.get("TZID")
    if isinstance(found.dt, datetime) and found.dt.tzinfo is None and zone:
        raise UnclearError(f"its time zone {str(zone)[:60]!r} is unknown")
    if not isinstance(found.dt, date):
        raise UnclearError("its DTSTART is no date")
    return found.dt


@dataclass(frozen=True, slots=True, kw_only=True)
class _Length:
    """How far its end lies behind its beginning: first in wall time, then as time really passes."""

    wall: timedelta = timedelta()
    exact: timedelta = timedelta()


def _length(event: Any, zone: ZoneInfo) -> _Length:
    """Wall time where both ends are in one zone: a shift until nine ends at nine, also in the night in which clocks
    are changed. Of a DURATION, days are wall time and hours are not (RFC 5545, 3.3.6)."""
    starts = _starts(event)
    is_moment = isinstance(starts, datetime)
    if "DURATION" in event:
        said = event["DURATION"].dt
        if not isinstance(said, timedelta) or said <= timedelta():
            raise UnclearError("its DURATION is no length")
        days = timedelta(days=said.days)
        return _Length(wall=days, exact=said - days) if is_moment else _Length(wall=max(days, _DAY))
    if "DTEND" not in event:
        if is_moment:
            raise UnclearError("it has neither DTEND nor DURATION")
        return _Length(wall=_DAY)
    length = _until(event, starts, zone)
    if length.wall + length.exact <= timedelta():
        raise UnclearError("it ends before it begins")
    return length


def _until(event: Any, starts: date | datetime, zone: ZoneInfo) -> _Length:
    ends = event["DTEND"].dt
    if isinstance(ends, datetime) != isinstance(starts, datetime) or not isinstance(ends, date):
        raise UnclearError("one of DTSTART and DTEND is a date, the other a moment")
    if not isinstance(starts, datetime) or not isinstance(ends, datetime):
        return _Length(wall=max(ends - starts, _DAY))
    named = [event[each].params.get("TZID") for each in ("DTSTART", "DTEND")]
    if ends.tzinfo is None and named[1]:
        raise UnclearError("the time zone of its end is unknown")
    if named[0] == named[1] and (starts.tzinfo is None) == (ends.tzinfo is None):
        return _Length(wall=ends.replace(tzinfo=None) - starts.replace(tzinfo=None))
    return _Length(exact=utc_of(ends, zone) - utc_of(starts, zone))


def _end(begins: date | datetime, length: _Length, zone: ZoneInfo) -> datetime:
    """Arithmetic within one zone is that of its wall time."""
    try:
        return utc_of(begins + length.wall, zone) + length.exact
    except OverflowError as error:
        raise UnclearError("it ends later than any calendar goes") from error


def _responder(event: Any, responders: Sequence[Responder]) -> ResponderName:
    """Of attendees, else the summary, else the organizer: whoever is named there alone."""
    summary = str(event.get("SUMMARY", ""))
    attendees = _named_by(event.get("ATTENDEE"), responders)
    for found in (attendees, _in_text(summary, responders), _named_by(event.get("ORGANIZER"), responders)):
        if len(found) > 1:
            raise UnclearError(f"it names more than one responder: {', '.join(sorted(found))}")
        if found:
            return found.pop()
    said = f" (summary {summary[:80]!r})" if summary else ""
    raise UnclearError(f"it names no responder that is declared{said}")


def _named_by(value: Any, responders: Sequence[Responder]) -> set[ResponderName]:
    found: set[ResponderName] = set()
    for each in value if isinstance(value, list) else [value] if value is not None else []:
        address = str(each).strip()
        address = address[7:] if address.lower().startswith("mailto:") else address
        common = str(getattr(each, "params", {}).get("CN", "")).strip('" ')
        for one in responders:
            emails = {contact.address.casefold() for contact in one.contacts if "@" in contact.address}
            names = {one.name.casefold(), one.full_name.casefold()} - {""}
            if address.casefold() in emails | names or common.casefold() in emails | names:
                found.add(one.name)
    return found


def _in_text(text: str, responders: Sequence[Responder]) -> set[ResponderName]:
    """Whole words: a full name, else a name."""
    whole = {one.name for one in responders if one.full_name and _has(text, one.full_name)}
    return whole or {one.name for one in responders if _has(text, one.name)}


def _has(text: str, name: str) -> bool:
    return re.search(_WORD.format(re.escape(name)), text, re.IGNORECASE) is not None
