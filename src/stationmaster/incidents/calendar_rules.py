"""When an event of a calendar recurs: RRULE, RDATE and EXDATE (RFC 5545, 3.8.5), in wall time of its zone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it comes without types

from stationmaster.incidents.oncall import moment

MOST_INSTANCES = 1_000
_OLDEST = timedelta(days=20 * 366)
"""Rules that began longer ago are not followed through all the years."""
_MOST_FOLLOWED = 30_000
"""Four shifts a day for as long as that."""
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})


class UnclearError(Exception):
    """Why an event is no time on duty."""


class BarrenError(UnclearError):
    """It recurs, and never in the time that is looked at."""


def utc_of(at: date | datetime, zone: ZoneInfo) -> datetime:
    """A day begins at midnight; a moment without a zone is one of the zone of the schedule. Raises UnclearError."""
    try:
        if not isinstance(at, datetime):
            return moment(at, time(), zone)
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise UnclearError(f"{at} is too early or too late for any calendar") from error


def instances(event: Any, starts: date | datetime, zone: ZoneInfo, until: datetime) -> Iterator[date | datetime]:
    """When it begins, as dates or moments like `starts`; a rule is followed as far as `until`. Raises UnclearError."""
    if "EXRULE" in event:
        raise UnclearError("EXRULE is not understood: it was taken out of RFC 5545")
    left_out = {utc_of(each, zone) for each in _listed(event, "EXDATE")}
    days_out = {each for each in _listed(event, "EXDATE") if not isinstance(each, datetime)}
    seen: set[datetime] = set()
    every = chain(_ruled(event, starts, zone, until), _listed(event, "RDATE"))
    for number, begins in enumerate(every):
        if number >= _MOST_FOLLOWED:
            raise UnclearError("it recurs more often than any shift")
        at = utc_of(begins, zone)
        day = begins.date() if isinstance(begins, datetime) else begins
        if at not in seen and at not in left_out and day not in days_out:
            seen.add(at)
            yield begins


def _ruled(event: Any, starts: date | datetime, zone: ZoneInfo, until: datetime) -> Iterator[date | datetime]:
    rules = event.get("RRULE")
    if rules is None:
        yield starts
        return
    if isinstance(rules, list):
        raise UnclearError("it has several RRULEs")
    frequency = str((rules.get("FREQ") or [""])[0]).upper()
    if frequency not in _FREQUENCIES:
        raise UnclearError(f"FREQ={frequency or '?'} is not followed: shifts recur by the day, week, month or year")
    if any(int(each) < 1 for each in rules.get("INTERVAL") or ()):
        raise UnclearError("its INTERVAL is not at least 1")
    if frequency == "DAILY" and rules.get("BYSETPOS"):
        raise UnclearError("BYSETPOS chooses nothing where a rule recurs by the day")
    if utc_of(starts, zone) < until - _OLDEST:
        raise UnclearError("its rule began more than 19 years ago")
    wall = _wall(starts)
    own: tzinfo | None = starts.tzinfo if isinstance(starts, datetime) else None
    last = _last(rules, own or zone, until)
    parts = rules.to_ical().decode().split(";")
    rule = ";".join(each for each in parts if not each.upper().startswith("UNTIL="))
    try:
        # In wall time: a shift begins at the same hour in summer and in winter. The bound ends rules that go on.
        bound = "" if "COUNT=" in rule.upper() else f";UNTIL={last:%Y%m%dT%H%M%S}"
        follows = iter(rrulestr(f"{rule}{bound}", dtstart=wall))
        for each in takewhile(lambda at: at <= last, follows):
            yield each.replace(tzinfo=own) if isinstance(starts, datetime) else each.date()
    except (ValueError, TypeError, OverflowError) as error:
        raise UnclearError(f"its RRULE cannot be followed: {str(error)[:120]}") from error


def _wall(starts: date | datetime) -> datetime:
    if isinstance(starts, datetime):
        return starts.replace(tzinfo=None)
    return datetime.combine(starts, time())


def _last(rules: Any, own: tzinfo, until: datetime) -> datetime:
    """The last wall time that is looked at; one that UNTIL names belongs to the rule."""
    try:
        return _named_last(rules, own, until)
    except OverflowError as error:
        raise UnclearError("its UNTIL is too early or too late for any calendar") from error


def _named_last(rules: Any, own: tzinfo, until: datetime) -> datetime:
    bound = until.astimezone(own).replace(tzinfo=None)
    named = rules.get("UNTIL")
    if not named:
        return bound
    said = named[0]
    if not isinstance(said, datetime):
        return min(bound, datetime.combine(said, time.max))
    wall = said if said.tzinfo is None else said.astimezone(own).replace(tzinfo=None)
    return min(bound, wall)


def _listed(event: Any, name: str) -> list[date | datetime]:
    value = event.get(name)
    found: list[date | datetime] = []
    for each in value if isinstance(value, list) else [value] if value is not None else []:
        for one in each.dts:
            if not isinstance(one.dt, date):
                raise UnclearError(f"{name} with periods is not understood")
            if isinstance(one.dt, datetime) and one.dt.tzinfo is None and each.params.get("TZID"):
                raise UnclearError(f"the time zone {str(each.params['TZID'])[:60]!r} of {name} is unknown")
            found.append(one.dt)
    return found
