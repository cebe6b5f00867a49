"""Decides what the bars of the last days show: how bad each day was, and which share of the time all was well."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from stationmaster.incidents.status.words import Standing, worst

DAYS = 90
WEIGHTS: Mapping[Standing, float] = {Standing.MAJOR: 1.0, Standing.PARTIAL: 0.3}
"""How much of a second counts as lost: a major outage wholly, a partial one at 30 percent, degraded performance and
maintenance not at all. These are the weights of Atlassian Statuspage ("Display historical uptime of components")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A component stood so from `since` until `until`; None: it still does."""

    since: datetime
    until: datetime | None
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One bar; `worst` None where nothing is known of that day. Seconds by standing, of what was not well."""

    on: date
    worst: Standing | None
    seconds: Mapping[Standing, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uptime:
    days: tuple[Day, ...]
    """The oldest first."""
    percent: float | None
    """0 to 100, of the time that is known; None where none is."""


def uptime(spans: Sequence[Span], now: datetime, zone: tzinfo, days: int = DAYS) -> Uptime:
    """The last `days` calendar days of that zone, today included."""
    today = now.astimezone(zone).date()
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    begins = [_midnight(each, zone) for each in dates]
    seconds: list[dict[Standing, float]] = [{} for _ in dates]
    for span in spans:
        _count(span, begins, seconds, now)
    known_s = sum(sum(each.values()) for each in seconds)
    lost_s = sum(each.get(standing, 0.0) * weight for each in seconds for standing, weight in WEIGHTS.items())
    shown = tuple(_day(on, each) for on, each in zip(dates, seconds, strict=True))
    return Uptime(days=shown, percent=None if known_s <= 0 else 100 * (1 - lost_s / known_s))


def _count(span: Span, begins: Sequence[datetime], seconds: Sequence[dict[Standing, float]], now: datetime) -> None:
    """Adds the span to the days that it lies on."""
    until = min(span.until or now, now)
    for place in range(max(0, bisect_right(begins, span.since) - 1), len(begins)):
        if begins[place] >= until:
            break
        ends = begins[place + 1] if place + 1 < len(begins) else now
        overlap_s = (min(until, ends) - max(span.since, begins[place])).total_seconds()
        if overlap_s > 0:
            seconds[place][span.standing] = seconds[place].get(span.standing, 0.0) + overlap_s


def _day(on: date, seconds: Mapping[Standing, float]) -> Day:
    trouble: dict[Standing, float] = {
        standing: value for standing, value in seconds.items() if standing is not Standing.OPERATIONAL
    }
    return Day(on=on, worst=worst(seconds) if seconds else None, seconds=trouble)


def _midnight(on: date, zone: tzinfo) -> datetime:
    """The first moment of the day, in UTC: where the clock is set on that day, it is longer or shorter than others."""
    return datetime(on.year, on.month, on.day, tzinfo=zone).astimezone(UTC)
