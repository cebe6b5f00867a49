"""Decides when an alert that changes its state all the time is taken as one that fires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class FlapTerms:
    """More than `begins_above` changes within `window` begin it, no more than `ends_at_most` end it: were both the
    same, flapping itself would flap."""

    window: timedelta = timedelta(minutes=30)
    begins_above: int = 5
    ends_at_most: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaps:
    """The moments at which it changed, oldest first, and whether it counts as flapping."""

    changes: tuple[datetime, ...] = ()
    flapping: bool = False


STEADY = Flaps()
TERMS = FlapTerms()


def changed(flaps: Flaps, at: datetime, terms: FlapTerms) -> Flaps:
    """After one more change. Those are kept that the terms need, however often it changes."""
    recent = (*_within(flaps.changes, at, terms), at)[-(terms.begins_above + 1) :]
    return Flaps(changes=recent, flapping=flaps.flapping or len(recent) > terms.begins_above)


def settled(flaps: Flaps, now: datetime, terms: FlapTerms) -> Flaps:
    recent = _within(flaps.changes, now, terms)
    return Flaps(changes=recent, flapping=flaps.flapping and len(recent) > terms.ends_at_most)


def steady_at(flaps: Flaps, terms: FlapTerms) -> datetime | None:
    """When it ends unless it changes again; None where it does not flap."""
    if not flaps.flapping:
        return None
    leaving = flaps.changes[-(terms.ends_at_most + 1) :]
    return leaving[0] + terms.window


def said(flaps: Flaps, terms: FlapTerms) -> str:
    minutes = terms.window.total_seconds() / 60
    return f"flapping: {len(flaps.changes)} changes or more within {minutes:g} min; it counts as firing until it rests"


def _within(changes: Sequence[datetime], now: datetime, terms: FlapTerms) -> tuple[datetime, ...]:
    """A change that lies ahead was written by a clock that has been set back since: it counts for now."""
    return tuple(min(each, now) for each in changes if min(each, now) > now - terms.window)
