"""Says what the bar of a component shows: a column for each day, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from stationmaster.incidents.status.uptime import Day, Uptime
from stationmaster.incidents.status.words import Standing

WIDTH, HEIGHT = 5, 34
_GAP = 2
_HEIGHTS = {
    None: 4,
    Standing.OPERATIONAL: HEIGHT,
    Standing.MAINTENANCE: 28,
    Standing.DEGRADED: 24,
    Standing.PARTIAL: 17,
    Standing.MAJOR: 11,
}
"""Worse days are shorter, those of which nothing is known a line: who sees no colours sees that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    on: date
    x: int
    y: int
    height: int
    kind: str
    """The name of its colour."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    width: int
    columns: tuple[Column, ...]
    percent: str
    summary: str
    trouble: tuple[Column, ...]
    """Those of days on which something was not well, the newest first."""


def bar_of(uptime: Uptime) -> Bar:
    columns = tuple(_column(place, day) for place, day in enumerate(uptime.days))
    trouble = tuple(column for column, day in zip(columns, uptime.days, strict=True) if day.seconds)
    percent = percent_text(uptime.percent)
    days = f"{len(trouble)} of them with trouble" if trouble else "none of them with trouble"
    return Bar(
        width=len(columns) * (WIDTH + _GAP) - _GAP,
        columns=columns,
        percent=percent,
        summary=f"{percent} uptime over {_known(uptime.days)} days, {days}",
        trouble=trouble[::-1],
    )


def percent_text(percent: float | None) -> str:
    """100 only where nothing was lost: what is nearly all is not rounded up to it."""
    if percent is None:
        return "unknown"
    if percent >= 100:
        return "100.0 %"
    return f"{int(percent * 100) / 100:.2f} %"


def _known(days: Sequence[Day]) -> int:
    return sum(each.worst is not None for each in days)


def _column(place: int, day: Day) -> Column:
    height = _HEIGHTS[day.worst]
    said = [f"{standing.title} for {_long(seconds)}" for standing, seconds in _worst_first(day)]
    well = "no data" if day.worst is None else "no trouble"
    return Column(
        on=day.on,
        x=place * (WIDTH + _GAP),
        y=HEIGHT - height,
        height=height,
        kind="unknown" if day.worst is None else day.worst.value,
        text=f"{day.on:%d %b %Y}: {', '.join(said) or well}",
    )


def _worst_first(day: Day) -> list[tuple[Standing, float]]:
    return sorted(day.seconds.items(), key=lambda each: -each[0].rank)


def _long(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 60:
        return "less than a minute"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{left} min"
