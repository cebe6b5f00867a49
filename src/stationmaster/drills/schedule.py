"""Decides which declared drill is to be run now."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from stationmaster.core.drills import ScheduledDrill

_LATE = timedelta(hours=1)
"""A drill that missed its time of the day by more waits for the next day: nobody wants it at noon."""


def due(schedule: Sequence[ScheduledDrill], last: Mapping[str, datetime], began_at: datetime, now: datetime) -> str:
    """The name of the first that is due; empty where none is. `last` is when each was run last, `began_at` when this
    process began: what was never run is due after its whole interval."""
    for each in schedule:
        if next_run(each, last.get(each.drill), began_at) <= now <= _latest(each, last.get(each.drill), began_at, now):
            return each.drill
    return ""


def next_run(each: ScheduledDrill, last: datetime | None, began_at: datetime) -> datetime:
    earliest = (last or began_at) + timedelta(seconds=each.every_s)
    if each.at is None:
        return earliest
    on_day = datetime.combine(earliest.astimezone(UTC).date(), each.at, tzinfo=UTC)
    return on_day if on_day >= earliest else on_day + timedelta(days=1)


def _latest(each: ScheduledDrill, last: datetime | None, began_at: datetime, now: datetime) -> datetime:
    """Without a time of the day it is never too late."""
    if each.at is None:
        return now
    due_at = next_run(each, last, began_at)
    days = max(0, (now - due_at).days)
    return due_at + timedelta(days=days) + _LATE
