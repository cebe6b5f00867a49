"""Finds series by their labels: for every pair of name and value the slots of the series that have it.

A slot is one series of one stream, numbered from 0 on in the order of their coming and never given again. One thread
adds; any thread may select meanwhile: lists only grow, and what is beyond `count` is not looked at yet.
"""

import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stationmaster.monitor.promql.samples import Ids, Labels, Millis
from stationmaster.monitor.series.matching import Condition

_FIRST_CAPACITY = 1024
NOBODY = -1
"""The id and the stream of a slot whose series is forgotten."""

Mask = npt.NDArray[np.bool_]


_FEW = 256
"""So few series are asked one by one."""
NEVER = (1 << 63) - 1
"""When a series that lives ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A series of a stream: `number` is the id of its label set."""

    slot: int
    number: int
    stream: int
    born_ms: int
    died_ms: int = NEVER


class SeriesIndex:
    __slots__ = ("_born", "_died", "_ids", "_labels", "_lock", "_postings", "_streams", "count", "known")

    def __init__(self) -> None:
        self._postings: dict[str, dict[str, list[int]]] = {}
        self._ids: Ids = np.full(_FIRST_CAPACITY, NOBODY, dtype=np.int64)
        self._streams: Ids = np.full(_FIRST_CAPACITY, NOBODY, dtype=np.int64)
        self._born: Millis = np.full(_FIRST_CAPACITY, NOBODY, dtype=np.int64)
        self._died: Millis = np.full(_FIRST_CAPACITY, NOBODY, dtype=np.int64)
        self._labels: list[Labels] = []
        self._lock = threading.Lock()
        self.count = 0
        self.known = 0
        """How many series can be found: those that were forgotten do not count."""

    def add(self, number: int, labels: Labels, stream: int, born_ms: int) -> int:
        """The slot of a series with the id `number` that began at a moment."""
        return self.restore(Entry(slot=self.count, number=number, stream=stream, born_ms=born_ms), labels)

    def restore(self, entry: Entry, labels: Labels) -> int:
        """As `add`, with the slot that a former run gave; slots have to ascend."""
        slot = entry.slot
        if slot < self.count:
            raise ValueError(f"slot {slot} was given before")
        self._reserve(slot + 1)
        self._ids[slot], self._streams[slot] = entry.number, entry.stream
        self._born[slot], self._died[slot] = entry.born_ms, entry.died_ms
        self._labels.extend([()] * (slot - len(self._labels)))
        self._labels.append(labels)
        for name, value in labels:
            self._posting(name, value).append(slot)
        self.count = slot + 1
        self.known += entry.number != NOBODY
        return slot

    def skip(self, upto: int) -> None:
        """Gives no slot below `upto` any more."""
        self._reserve(upto)
        self.count = max(self.count, upto)

    def begin(self, slots: Ids) -> None:
        """Series live (again)."""
        self._died[slots] = NEVER

    def end(self, slots: Ids, at_ms: int) -> None:
        """Series were marked stale."""
        self._died[slots] = at_ms

    def lived(self, slots: Ids, first_ms: int, last_ms: int) -> Ids:
        """Those of the slots whose series lived at some moment in between, as far as is known."""
        return slots[(self._born[slots] <= last_ms) & (self._died[slots] >= first_ms)]

    def ends(self, slots: Ids) -> list[int]:
        """When each of the series ended, or `NEVER`."""
        ends: list[int] = self._died[slots].tolist()
        return ends

    def span(self, slot: int) -> tuple[int, int]:
        """When the series began, and when it ended or `NEVER`."""
        return int(self._born[slot]), int(self._died[slot])

    def ids(self) -> Ids:
        """By slot."""
        return self._ids[: self.count]

    def streams(self) -> Ids:
        """By slot: the number of the stream."""
        return self._streams[: self.count]

    def ended_before(self, at_ms: int) -> Mask:
        """By slot: whether the series was marked stale before a moment."""
        return self._died[: self.count] < at_ms

    def forget(self, slots: Ids) -> None:
        """Finds these series no more."""
        gone = set(slots.tolist())
        if not gone:
            return
        first, last = min(gone), max(gone)
        self.known -= int(np.count_nonzero(self._ids[slots] != NOBODY))
        for name, value in {pair for slot in gone for pair in self._labels[slot]}:
            values = self._postings[name]
            posted = values[value]
            since, until = bisect_left(posted, first), bisect_left(posted, last + 1)
            left = [*posted[:since], *(slot for slot in posted[since:until] if slot not in gone), *posted[until:]]
            with self._lock:
                if left:
                    values[value] = left
                else:
                    del values[value]
        for slot in gone:
            self._labels[slot] = ()
        self._ids[slots] = NOBODY
        self._streams[slots] = NOBODY

    def find(self, conditions: Sequence[Condition], since: int, until: int) -> Ids:
        """The slots `since <= slot < until` of series that satisfy every condition, ascending."""
        found: Mask = self._ids[since:until] != NOBODY
        for condition in conditions:
            few = np.flatnonzero(found)
            if not len(few):
                break
            if len(few) > _FEW or condition.only is not None:
                found &= self._satisfying(condition, since, until)
            else:
                found[[at for at in few.tolist() if not self._satisfies(condition, at + since)]] = False
        return np.flatnonzero(found) + since

    def _posting(self, name: str, value: str) -> list[int]:
        values = self._postings.get(name)
        if values is None:
            with self._lock:
                values = self._postings.setdefault(name, {})
        found = values.get(value)
        if found is None:
            with self._lock:
                found = values.setdefault(value, [])
        return found

    def _values(self, name: str) -> list[tuple[str, list[int]]]:
        with self._lock:
            return list(self._postings.get(name, {}).items())

    def _satisfies(self, condition: Condition, slot: int) -> bool:
        return condition.satisfied(next((value for name, value in self._labels[slot] if name == condition.name), ""))

    def _satisfying(self, condition: Condition, since: int, until: int) -> Mask:
        if condition.only is not None:
            slots = self._postings.get(condition.name, {}).get(condition.only)
            return _marked([slots] if slots else [], since, until)
        satisfied, values = condition.satisfied, self._values(condition.name)
        if satisfied(""):
            return ~_marked([slots for value, slots in values if not satisfied(value)], since, until)
        return _marked([slots for value, slots in values if satisfied(value)], since, until)

    def _reserve(self, count: int) -> None:
        capacity = len(self._ids)
        if count <= capacity:
            return
        while capacity < count:
            capacity *= 2
        self._ids = _grown(self._ids, capacity)
        self._streams = _grown(self._streams, capacity)
        self._born = _grown(self._born, capacity)
        self._died = _grown(self._died, capacity)


def _marked(postings: Sequence[list[int]], since: int, until: int) -> Mask:
    mask = np.zeros(until - since, dtype=np.bool_)
    for slots in postings:
        mask[np.array(slots[bisect_left(slots, since) : bisect_left(slots, until)], dtype=np.int64) - since] = True
    return mask


def _grown(array: Ids, capacity: int) -> Ids:
    larger = np.full(capacity, NOBODY, dtype=np.int64)
    larger[: len(array)] = array
    return larger
