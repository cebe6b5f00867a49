"""Decides who is on duty in a schedule: layers, turns, restrictions, overrides, in wall time of any zone."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """`mark` tells one turn from the next, whoever has it: the number of the override, or layer and turn."""

    duty: Duty
    mark: tuple[int, int]


def on_duty(schedule: Schedule, overrides: Sequence[Override], at: datetime) -> Duty | None:
    """Who is on duty at that moment; None when nobody is. Of overrides that overlap, the newest counts."""
    turn = _turn_at(schedule, _newest_first(schedule, overrides), ZoneInfo(schedule.time_zone), at)
    return None if turn is None else turn.duty


def duties(
    schedule: Schedule, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime
) -> tuple[Span, ...]:
    """The whole time between both moments, gaps included; neighbours differ."""
    spans: list[Span] = []
    for span, _ in _pieces(schedule, overrides, starts_at, ends_at):
        if spans and spans[-1].duty == span.duty:
            spans[-1] = replace(spans[-1], ends_at=span.ends_at)
        else:
            spans.append(span)
    return tuple(spans)


def turns(
    schedule: Schedule, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime
) -> tuple[Span, ...]:
    """Every turn that touches the time between both moments, from its own beginning to its own end, without gaps; a
    turn that goes to the same person again is one of its own."""
    longest = max([1, *(layer.turn_days for layer in schedule.layers)]) * _DAY
    longest = max([longest, *(each.ends_at - each.starts_at for each in overrides)]) + 2 * _DAY
    found: list[tuple[Span, tuple[int, int]]] = []
    for span, turn in _pieces(schedule, overrides, starts_at - longest, ends_at + longest):
        if turn is None:
            continue
        if found and found[-1][1] == turn.mark and found[-1][0].ends_at == span.starts_at:
            found[-1] = (replace(found[-1][0], ends_at=span.ends_at), turn.mark)
        else:
            found.append((span, turn.mark))
    return tuple(span for span, _ in found if span.ends_at > starts_at and span.starts_at < ends_at)


def _pieces(
    schedule: Schedule, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime
) -> Iterator[tuple[Span, _Turn | None]]:
    """The time between both moments, cut wherever somebody else may come on duty."""
    zone = ZoneInfo(schedule.time_zone)
    newest = [
        each for each in _newest_first(schedule, overrides) if each.starts_at < ends_at and each.ends_at > starts_at
    ]
    edges = sorted({starts_at, *_edges(schedule, newest, starts_at, ends_at)} - {ends_at})
    for at, until in zip(edges, [*edges[1:], ends_at], strict=True):
        turn = _turn_at(schedule, newest, zone, at)
        if at < until:
            yield Span(starts_at=at, ends_at=until, duty=None if turn is None else turn.duty), turn


def _newest_first(schedule: Schedule, overrides: Sequence[Override]) -> list[Override]:
    ours = [each for each in overrides if each.schedule == schedule.name]
    return sorted(ours, key=lambda override: -override.number)


def _turn_at(schedule: Schedule, newest: Sequence[Override], zone: ZoneInfo, at: datetime) -> _Turn | None:
    for each in newest:
        if each.starts_at <= at < each.ends_at:
            return _Turn(duty=Duty(responder=each.responder, by=OVERRIDE), mark=(-1, each.number))
    for number, layer in reversed(list(enumerate(schedule.layers))):
        turn = _turn_of(layer, zone, at)
        if turn is not None:
            duty = Duty(responder=layer.responders[turn % len(layer.responders)], by=layer.name)
            return _Turn(duty=duty, mark=(number, turn))
    return None


def gaps(schedule: Schedule, overrides: Sequence[Override], starts_at: datetime, ends_at: datetime) -> tuple[Span, ...]:
    """When nobody is on duty."""
    return tuple(span for span in duties(schedule, overrides, starts_at, ends_at) if span.duty is None)


def of_declared(overrides: Sequence[Override], responders: Collection[ResponderName]) -> tuple[Override, ...]:
    """Without those of people who are not declared any more: they count for nothing."""
    return tuple(each for each in overrides if each.responder in responders)


def _turn_of(layer: Layer, zone: ZoneInfo, at: datetime) -> int | None:
    """The number of the turn, where the layer is on duty at all."""
    day = _turn_day(layer.handoff, zone, at)
    if day < layer.starts or (layer.ends is not None and day >= layer.ends):
        return None
    if layer.restrictions and not any(_within(each, zone, at) for each in layer.restrictions):
        return None
    return (day - layer.starts).days // layer.turn_days


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
