"""Durations, counted in buckets as they are told."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Labels: TypeAlias = tuple[str, ...]
"""Names of labels, or their values in the same order."""


@dataclass(slots=True)
class Buckets:
    """How many fell into each bucket, the last of which has no end."""

    counts: list[int]
    sum_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Timings:
    """A histogram. `name` lacks the prefix that all metrics share; what is `kept` stays as long as the process."""

    name: str
    help: str
    labels: Labels = ()
    bounds_s: Sequence[float] = _BOUNDS_S
    kept: dict[Labels, Buckets] = field(default_factory=dict)

    def observe(self, seconds: float, *labels: str) -> None:
        """As many values as there are labels; they have to come from a set that has bounds."""
        found = self.kept.get(labels)
        if found is None:
            found = self.kept[labels] = Buckets([0] * (len(self.bounds_s) + 1))
        found.counts[bisect_left(self.bounds_s, seconds)] += 1
        found.sum_s += seconds
