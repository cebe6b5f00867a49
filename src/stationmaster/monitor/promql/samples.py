"""What queries read: blocks of samples that were scraped together, and the two kinds of holes in them."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Sorted by name, without empty values; the metric's name is `__name__`."""

Floats: TypeAlias = npt.NDArray[np.float64]
Millis: TypeAlias = npt.NDArray[np.int64]
Ids: TypeAlias = npt.NDArray[np.int64]

STALE_BITS: Final = 0x7FF0_0000_0000_0002
"""The bits of a staleness marker, as Prometheus writes it: the series ended here."""
MISSING_BITS: Final = 0x7FF0_0000_0000_0003
"""The bits of a hole: the series had no sample in this scrape. Never leaves this process."""
NORMAL_NAN_BITS: Final = 0x7FF8_0000_0000_0001
"""The bits of a NaN that a target really sent."""

STALE: Final = float(np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0])
MISSING: Final = float(np.array([MISSING_BITS], dtype=np.uint64).view(np.float64)[0])


class MatchKind(Enum):
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on a label; a label that is absent has the empty value. Regular expressions are RE2, match the
    whole value, and their dot takes line ends."""

    name: str
    kind: MatchKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Samples of series that were written together: row = moment, column = series.

    `times` (milliseconds since 1970) ascend strictly; `values[row, column]` may be `STALE` or `MISSING`, told apart by
    their bits alone; `series[column]` is the id of the column's label set in the `LabelTable`. A series may stand in
    several blocks; then no moment stands in two of them. Nobody writes into the arrays.
    """

    times: Millis
    values: Floats
    series: Ids


class Source(Protocol):
    """Where queries find samples."""

    @property
    def table(self) -> "LabelTable":
        """What the ids of the blocks mean."""

    def select(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Sequence[Block]:
        """The samples with `first_ms <= time <= last_ms` of all series that satisfy every matcher."""


class LabelTable:
    """Interned label sets: equal labels have equal ids, ids are dense from 0 on and are never given again. Any thread
    may intern."""

    __slots__ = ("_ids", "_labels", "_lock", "_pairs", "forgettings")

    def __init__(self) -> None:
        self.forgettings = 0
        """Counts the beginnings and ends of forgetting: who remembers ids from before begins anew."""
        self._ids: dict[Labels, int] = {}
        self._labels: list[Labels] = []
        self._pairs: dict[tuple[str, str], tuple[str, str]] = {}
        """Label sets share their pairs: most of them stand in thousands."""
        self._lock = threading.Lock()

    def intern(self, labels: Labels) -> int:
        """The id of the label set; `labels` have to be sorted and free of empty values."""
        known = self._ids.get(labels)
        if known is not None:
            return known
        with self._lock:
            number = self._ids.get(labels, len(self._labels))
            if number == len(self._labels):
                kept = tuple(self._pairs.setdefault(pair, pair) for pair in labels)
                self._labels.append(kept)
                self._ids[kept] = number
            return number

    def find(self, labels: Labels) -> int | None:
        """The id of the label set, if it has one."""
        return self._ids.get(labels)

    def labels(self, number: int) -> Labels:
        return self._labels[number]

    def forget(self, numbers: Iterable[int]) -> None:
        """Label sets that nothing has any more: should one come again, it gets another id."""
        gone = list(numbers)
        with self._lock:
            self._pairs.clear()
            self.forgettings += bool(gone)
            for number in gone:
                if self._ids.get(self._labels[number]) == number:
                    del self._ids[self._labels[number]]
                self._labels[number] = ()
            # Once more: who began to intern in between may have got the id of one that was on its way out.
            self.forgettings += bool(gone)

    def __len__(self) -> int:
        return len(self._labels)


def holes(values: Floats) -> npt.NDArray[np.bool_]:
    """Where there is no sample, neither a number nor a marker."""
    return np.asarray(values.view(np.uint64) == MISSING_BITS)


def stale(values: Floats) -> npt.NDArray[np.bool_]:
    """Where the series ended."""
    return np.asarray(values.view(np.uint64) == STALE_BITS)
