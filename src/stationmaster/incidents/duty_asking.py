"""Checks what somebody wants of a schedule: known names, times that can be meant, what overlaps, who swaps."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override, ResponderName, Schedule, ScheduleName, TargetKind
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.oncall import Span, duties, turns
from stationmaster.incidents.routing import route

LONGEST = timedelta(days=366)
_AHEAD = timedelta(days=2 * 366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Somebody is to be on duty from `starts_at` until `ends_at`."""

    schedule: ScheduleName
    responder: ResponderName
    starts_at: datetime
    ends_at: datetime
    reason: str = ""
    uid: str = ""
    instance: str = ""

    def as_override(self, number: int) -> Override:
        return Override(
            number=number,
            schedule=self.schedule,
            responder=self.responder,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )


def schedule_of(spec: PlatformSpec, name: str) -> Schedule:
    """Raises PlatformError `unknown-schedule`."""
    found = {each.name: each for each in spec.schedules}
    if name not in found:
        hint = _meant(name, found) or f"declared are {', '.join(found) or 'none'}"
        raise PlatformError("unknown-schedule", f"there is no schedule {name[:60]!r}", hint=hint, status=404)
    return found[ScheduleName(name)]


def known_responder(spec: PlatformSpec, name: str) -> ResponderName:
    """Raises PlatformError `unknown-responder`."""
    found = {each.name: each for each in spec.responders}
    if name not in found:
        hint = _meant(name, found) or f"declared are {', '.join(found) or 'none'}"
        raise PlatformError("unknown-responder", f"there is no responder {name[:60]!r}", hint=hint, status=404)
    return ResponderName(name)


def checked(spec: PlatformSpec, wanted: Wanted, now: datetime) -> Wanted:
    """With moments in UTC. Raises PlatformError `unknown-schedule`, `unknown-responder`, `bad-span`."""
    schedule_of(spec, wanted.schedule)
    known_responder(spec, wanted.responder)
    starts_at, ends_at = span_of(wanted.starts_at, wanted.ends_at, now)
    return Wanted(
        schedule=wanted.schedule,
        responder=wanted.responder,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=wanted.reason.strip()[:500],
        uid=wanted.uid,
        instance=wanted.instance,
    )


def span_of(starts_at: datetime, ends_at: datetime, now: datetime) -> tuple[datetime, datetime]:
    """Raises PlatformError `bad-span`: empty, past, longer than a year or further away than two."""
    try:
        starts_at, ends_at = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    except OverflowError as error:
        text = f"{starts_at} to {ends_at} is beyond every calendar"
        raise PlatformError("bad-span", text, hint="is the year right?") from error
    said = f"{starts_at:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M} UTC"
    hint = "write the beginning before the end, as 2026-12-24T09:00+01:00"
    if ends_at <= starts_at:
        raise PlatformError("bad-span", f"{said} is no time at all", hint=hint)
    if ends_at <= now:
        raise PlatformError("bad-span", f"{said} is over", hint="who was on duty is not changed afterwards")
    if ends_at - starts_at > LONGEST:
        raise PlatformError("bad-span", f"{said} is longer than a year", hint="change the schedule itself")
    if starts_at > now + _AHEAD:
        raise PlatformError("bad-span", f"{said} is more than two years away", hint="is the year right?")
    return starts_at, ends_at


def warnings(wanted: Sequence[Wanted], others: Sequence[Override], before: Sequence[Span]) -> tuple[str, ...]:
    """What is allowed and may be a mistake all the same."""
    found = [
        f"override {other.number} ({other.responder} until {other.ends_at:%Y-%m-%d %H:%M UTC}) overlaps; the new one"
        " counts where both do"
        for other in others
        if any(_overlap(each, other) for each in wanted)
    ]
    whole = [each for each in wanted if _has_it_anyway(each, before)]
    found += [f"{each.responder} is on duty then without it" for each in whole]
    return tuple(found)


def swapped(
    schedule: Schedule, overrides: Sequence[Override], one: tuple[datetime, datetime], other: tuple[datetime, datetime]
) -> tuple[Wanted, Wanted]:
    """Whoever has the one time gets the other. Raises PlatformError `bad-swap` unless each is somebody's alone."""
    first, second = (_sole(schedule, overrides, span) for span in (one, other))
    hint = "`oncall list` shows whose turns there are"
    if first == second:
        raise PlatformError("bad-swap", f"both times are {first}'s", hint=hint)
    if one[0] < other[1] and other[0] < one[1]:
        raise PlatformError("bad-swap", "both times overlap", hint=hint)
    return (
        Wanted(schedule=schedule.name, responder=second, starts_at=one[0], ends_at=one[1]),
        Wanted(schedule=schedule.name, responder=first, starts_at=other[0], ends_at=other[1]),
    )


def whole_turn(schedule: Schedule, overrides: Sequence[Override], at: datetime) -> tuple[datetime, datetime]:
    """The turn, or the part of one, in which that moment lies. Raises PlatformError `bad-swap`."""
    found = turns(schedule, overrides, at, at + timedelta(seconds=1))
    if not found or found[0].starts_at > at:
        hint = "`oncall list` shows the turns"
        raise PlatformError("bad-swap", f"nobody is on duty at {at:%Y-%m-%d %H:%M UTC}", hint=hint)
    return found[0].starts_at, found[0].ends_at


def _sole(schedule: Schedule, overrides: Sequence[Override], span: tuple[datetime, datetime]) -> ResponderName:
    names = {None if each.duty is None else each.duty.responder for each in duties(schedule, overrides, *span)}
    only = names.pop() if len(names) == 1 else None
    if only is None:
        said = f"{span[0]:%Y-%m-%d %H:%M} to {span[1]:%Y-%m-%d %H:%M UTC}"
        raise PlatformError("bad-swap", f"{said} is not the turn of one person", hint="`oncall list` shows the turns")
    return only


def _overlap(wanted: Wanted, other: Override) -> bool:
    same = wanted.schedule == other.schedule
    return same and wanted.starts_at < other.ends_at and other.starts_at < wanted.ends_at


def _has_it_anyway(wanted: Wanted, before: Sequence[Span]) -> bool:
    during = [each for each in before if each.starts_at < wanted.ends_at and wanted.starts_at < each.ends_at]
    return bool(during) and all(each.duty is not None and each.duty.responder == wanted.responder for each in during)


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:200], list(known)[:10_000], n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def schedules_for(spec: PlatformSpec, service: str) -> frozenset[str]:
    """Those that are paged for a critical alert of the service. Raises PlatformError `unknown-service`."""
    known = {each.name for each in spec.services}
    if service not in known:
        hint = _meant(service, known) or f"declared are {', '.join(sorted(known)) or 'none'}"
        raise PlatformError("unknown-service", f"there is no service {service[:60]!r}", hint=hint, status=404)
    policy = route(spec, {"service": service, "severity": "critical", "environment": spec.environment}).policy
    levels = () if policy is None else policy.levels
    return frozenset(each.name for level in levels for each in level.targets if each.kind is TargetKind.SCHEDULE)
