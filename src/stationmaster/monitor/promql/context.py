"""What every part of an evaluation needs: the steps, the source, the memory, what it may cost, what it remarks."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from stationmaster.monitor.promql.book import Book, Memory
from stationmaster.monitor.promql.nodes import Anchor, Bound
from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits
from stationmaster.monitor.promql.samples import Millis, Source

MAX_WRITTEN: Final = 1 << 26
"""Characters that one evaluation may write into labels."""


@dataclass(slots=True)
class Budget:
    """What a query has left: time, and samples held at once."""

    limits: QueryLimits
    held: int = 0
    written: int = 0
    deadline: float = 0.0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.limits.timeout_ms / 1000

    def check(self) -> None:
        if time.monotonic() > self.deadline:
            hint = "Ask for fewer series or a shorter time, or write a recording rule."
            raise QueryError(Fault.TIMEOUT, f"query took longer than {self.limits.timeout_ms} ms", hint=hint)

    def room(self, cells: int) -> None:
        """Refuses what would not fit beside what is held already."""
        self.check()
        if self.held + cells > self.limits.samples:
            raise QueryError(
                Fault.EXECUTION,
                "query processing would load too many samples into memory in query execution",
                hint=f"{self.limits.samples} are allowed: ask for fewer series, a shorter time or wider steps.",
            )

    def write(self, characters: int) -> None:
        """Counts what functions write into labels."""
        self.check()
        self.written += characters
        if self.written > MAX_WRITTEN:
            message = f"query writes more than {MAX_WRITTEN} characters into labels"
            raise QueryError(Fault.EXECUTION, message, hint="Write shorter labels, or to fewer series.")

    def series(self, count: int) -> None:
        if count > self.limits.series:
            hint = f"{self.limits.series} are allowed: narrow the selectors."
            raise QueryError(Fault.EXECUTION, f"query touches {count} series", hint=hint)


@dataclass(slots=True)
class Notes:
    """Warnings and infos with the place in the query that they are about."""

    query: str
    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)

    def warn(self, text: str, place: int) -> None:
        self.warnings[f"PromQL warning: {text}{self._where(place)}"] = None

    def inform(self, text: str, place: int) -> None:
        self.infos[f"PromQL info: {text}{self._where(place)}"] = None

    def _where(self, place: int) -> str:
        if place < 0:
            return ""
        line = self.query.count("\n", 0, place) + 1
        return f" ({line}:{place - self.query.rfind(chr(10), 0, place)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`times` are the steps; `outer_first_ms` and `outer_last_ms` belong to the whole query, also inside a subquery."""

    source: Source
    times: Millis
    outer_first_ms: int
    outer_last_ms: int
    lookback_ms: int
    memory: Memory
    budget: Budget
    notes: Notes

    @property
    def steps(self) -> int:
        return len(self.times)

    @property
    def book(self) -> Book:
        return self.memory.book

    def at(self, times: Iterable[int] | Millis) -> "Context":
        """The same query at other steps."""
        return replace(self, times=np.asarray(times, dtype=np.int64))

    def moments(self, anchor: Anchor, offset_ms: int) -> Millis:
        """When a selector with `@` and `offset` looks, for every step."""
        match anchor:
            case None:
                return self.times - offset_ms
            case Bound.START:
                fixed = self.outer_first_ms
            case Bound.END:
                fixed = self.outer_last_ms
            case _:
                fixed = anchor
        return np.full(len(self.times), fixed - offset_ms, dtype=np.int64)
