"""Shifts as an iCalendar feed (RFC 5545), and the signed links under which calendar programs fetch it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from icalendar import Calendar, Event
from itsdangerous import BadSignature, URLSafeSerializer

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override, Schedule
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.oncall import OVERRIDE, Duty, Span, turns

_BACK, _AHEAD = timedelta(days=90), timedelta(days=180)
_REFRESH = timedelta(hours=1)
_PRODUCT = "-//Stationmaster//On-call//EN"


class CalendarKind(Enum):
    SCHEDULE = "schedule"
    """Every shift of one schedule."""
    RESPONDER = "responder"
    """Every shift of one person, in whatever schedule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a feed is about."""

    kind: CalendarKind
    name: str

    @property
    def key(self) -> str:
        return f"{self.kind.value}/{self.name}"


@dataclass(frozen=True, slots=True)
class CalendarLinks:
    """`key` signs; a link is good until the generation of its subject is raised."""

    key: bytes

    def token(self, subject: Subject, generation: int) -> str:
        return self._serializer().dumps([subject.kind.value, subject.name, generation])

    def read(self, token: str) -> tuple[Subject, int]:
        """Raises PlatformError `bad-link` (404)."""
        try:
            kind, name, generation = self._serializer().loads(token)
            return Subject(kind=CalendarKind(kind), name=name), int(generation)
        except (BadSignature, ValueError, TypeError) as error:
            raise no_such_feed() from error

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt="calendar", signer_kwargs={"digest_method": hashlib.sha256})


def no_such_feed() -> PlatformError:
    """The same for a forged link, a revoked one, and one of somebody who is not declared any more."""
    hint = "`oncall calendar link` shows the link that holds"
    return PlatformError("bad-link", "this calendar is not there", hint=hint, status=404)


def feed(spec: PlatformSpec, overrides: Sequence[Override], subject: Subject, now: datetime) -> bytes:
    """The same bytes for a whole day (UTC), unless something changes; with the line ends of RFC 5545.

    Raises PlatformError `bad-link` where the subject is not declared.
    """
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    title = _title(spec, subject)
    calendar.add("x-wr-calname", title)
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", _REFRESH)
    for schedule, span, duty in _shifts(spec, overrides, subject, today):
        calendar.add_component(_event(spec, schedule, span, duty, today))
    return bytes(calendar.to_ical())


def etag_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _shifts(
    spec: PlatformSpec, overrides: Sequence[Override], subject: Subject, today: datetime
) -> Iterator[tuple[Schedule, Span, Duty]]:
    whole = subject.kind is CalendarKind.SCHEDULE
    for schedule in spec.schedules:
        if whole and schedule.name != subject.name:
            continue
        for span in turns(schedule, overrides, today - _BACK, today + _AHEAD):
            if span.duty is not None and (whole or span.duty.responder == subject.name):
                yield schedule, span, span.duty


def _title(spec: PlatformSpec, subject: Subject) -> str:
    names: dict[str, str] = {each.name: each.name for each in spec.schedules}
    if subject.kind is CalendarKind.RESPONDER:
        names = {each.name: each.full_name or each.name for each in spec.responders}
    if subject.name not in names:
        raise no_such_feed()
    return f"On call: {names[subject.name]} ({spec.environment})"


def _event(spec: PlatformSpec, schedule: Schedule, span: Span, duty: Duty, today: datetime) -> Event:
    person = next((each.full_name for each in spec.responders if each.name == duty.responder), "") or duty.responder
    how = "an override" if duty.by == OVERRIDE else f"layer {duty.by}"
    event = Event()
    event.add("uid", _uid(spec, schedule, span, duty))
    event.add("dtstamp", today)
    event.add("dtstart", span.starts_at)
    event.add("dtend", span.ends_at)
    event.add("summary", f"{person} on call ({schedule.name})")
    event.add("description", f"{person} ({duty.responder}) is on duty in schedule {schedule.name}, by {how}.")
    event.add("categories", [schedule.name, duty.by])
    event.add("transp", "TRANSPARENT")
    event.add("status", "CONFIRMED")
    return event


def _uid(spec: PlatformSpec, schedule: Schedule, span: Span, duty: Duty) -> str:
    """Of the shift, not of the moment at which it is asked for."""
    said = "\0".join([spec.environment, schedule.name, duty.by, duty.responder, span.starts_at.isoformat()])
    return f"{hashlib.sha256(said.encode()).hexdigest()[:40]}@stationmaster"
