"""Decides who is on duty in a schedule: layers, turns, restrictions, overrides, in wall time of any zone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from stationmaster.core.response import Layer, Override, ResponderName, Restriction, Schedule

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Somebody on duty, and why: the layer's name, or `override`."""

    responder: ResponderName
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `starts_at` until `ends_at` (not included); `duty` None is a gap: nobody is on duty."""

    starts_at: datetime
    ends_at: datetime
    duty: Duty | None


OVERRIDE = "override"


def on_duty(schedule: Schedule, overrides: Sequence[Override], at: datetime) -> Duty | None:
    """Who is on duty at that moment; None when nobody is. Of overrides that overlap, the newest counts."""
    for each in sorted(overrides, key=lambda override: -override.number):
        if each.schedule == schedule.name and each.starts_at <= at < each.ends_at:
            return Duty(responder=each.responder, by=OVERRIDE)
    zone = ZoneInfo(schedule.time_zone)
    for layer in reversed(schedule.layers):
        responder = _of_layer(layer, zone, at)
        if responder is not None:
            return Duty(responder=responder, by=layer.name)
    return None


def duties(
    schedule: Schedule, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime
) -> tuple[Span, ...]:
    """The whole time between both moments, gaps included; neighbours differ."""
    edges = sorted({starts_at, *(each for each in _edges(schedule, overrides, starts_at, ends_at))} - {ends_at})
    spans: list[Span] = []
    for at, until in zip(edges, [*edges[1:], ends_at], strict=True):
        duty = on_duty(schedule, overrides, at)
        if spans and spans[-1].duty == duty:
            spans[-1] = Span(starts_at=spans[-1].starts_at, ends_at=until, duty=duty)
        elif at < until:
            spans.append(Span(starts_at=at, ends_at=until, duty=duty))
    return tuple(spans)


def gaps(schedule: Schedule, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime) -> tuple[Span, ...]:
    """When nobody is on duty."""
    return tuple(span for span in duties(schedule, overrides, starts_at, ends_at) if span.duty is None)


def _of_layer(layer: Layer, zone: ZoneInfo, at: datetime) -> ResponderName | None:
    """Whoever has the turn, where the layer is on duty at all."""
    day = _turn_day(layer.handoff, zone, at)
    if day < layer.starts or (layer.ends is not None and day >= layer.ends):
        return None
    if layer.restrictions and not any(_within(each, zone, at) for each in layer.restrictions):
        return None
    turn = (day - layer.starts).days // layer.turn_days
    return layer.responders[turn % len(layer.responders)]


def _turn_day(handoff: time, zone: ZoneInfo, at: datetime) -> date:
    """The day whose handoff came last."""
    day = at.astimezone(zone).date()
    return day if moment(day, handoff, zone) <= at else day - _DAY


def _within(restriction: Restriction, zone: ZoneInfo, at: datetime) -> bool:
    today = at.astimezone(zone).date()
    return any(
        since <= at < until
        for day in (today - _DAY, today)
        if day.weekday() in restriction.days
        for since, until in [_bounds(restriction, day, zone)]
    )


def _bounds(restriction: Restriction, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    last = day if restriction.until > restriction.since else day + _DAY
    return moment(day, restriction.since, zone), moment(last, restriction.until, zone)


def moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The wall time as a moment in UTC: the first of two where clocks are set back; where they are set forward over it,
    as if they had not been yet (RFC 5545, 3.3.5)."""
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _edges(
    schedule: Schedule, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime
) -> Iterator[datetime]:
    """Every moment between both at which somebody else may come on duty."""
    zone = ZoneInfo(schedule.time_zone)
    day, last = starts_at.astimezone(zone).date() - _DAY, ends_at.astimezone(zone).date() + _DAY
    found: list[datetime] = [
        edge for each in overrides if each.schedule == schedule.name for edge in (each.starts_at, each.ends_at)
    ]
    while day <= last:
        for layer in schedule.layers:
            found.append(moment(day, layer.handoff, zone))
            for restriction in layer.restrictions:
                if day.weekday() in restriction.days:
                    found.extend(_bounds(restriction, day, zone))
        day += _DAY
    yield from (edge for edge in found if starts_at < edge < ends_at)
