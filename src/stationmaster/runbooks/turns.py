"""Decides which open runs are worked now and which wait: so many of one incident at once, the oldest first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

MOST_AT_ONCE = 10
"""Runs of one incident under way."""
MOST_WAITING = 200
"""Runs of one incident that wait for one under way to end; an alert beyond that has to be looked at by somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """`over`: its alert has recovered."""

    id: str
    incident: int
    over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """`needless` never had a turn, and what it was to cure is over."""

    working: tuple[str, ...]
    waiting: tuple[str, ...]
    needless: tuple[str, ...] = ()


def turns(runs: Sequence[OpenRun]) -> Turns:
    """`runs` have not ended, the oldest first. One that had its turn keeps it: none before it comes back."""
    seen: Counter[int] = Counter()
    working: list[str] = []
    waiting: list[str] = []
    needless: list[str] = []
    for run in runs:
        seen[run.incident] += 1
        later = needless if run.over else waiting
        (working if seen[run.incident] <= MOST_AT_ONCE else later).append(run.id)
    return Turns(working=tuple(working), waiting=tuple(waiting), needless=tuple(needless))
