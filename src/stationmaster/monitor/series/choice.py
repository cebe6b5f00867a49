"""Remembers which series satisfy which matchers, and in which columns of the blocks they stand."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from stationmaster.monitor.promql.samples import Block, Ids, Matcher
from stationmaster.monitor.series.index import SeriesIndex
from stationmaster.monitor.series.matching import Condition, conditions_of
from stationmaster.monitor.series.rows import RowBlock, View

_MOST_CHOICES = 2000
_MOST_CHOSEN = 10_000_000
"""Series of all choices together."""
_TIMES_REMEMBERED = 16
"""So often, on average, a block remembers each of its columns as a part of a choice."""

Columns: TypeAlias = Ids | slice


@dataclass(frozen=True, slots=True)
class Found:
    """The slots below `upto` that satisfy the matchers, ascending, and the same by the number of their stream."""

    upto: int
    slots: Ids
    by_stream: Sequence[tuple[int, Ids]]


class Choice:
    """The series that satisfy some matchers; told apart by identity."""

    __slots__ = ("conditions", "found")

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        self.conditions = conditions_of(matchers)
        self.found = Found(0, np.empty(0, dtype=np.int64), ())


class Choices:
    """Choices that were made lately; any thread may ask."""

    __slots__ = ("_index", "_kept", "_lock")

    def __init__(self, index: SeriesIndex) -> None:
        self._index = index
        self._kept: OrderedDict[tuple[Matcher, ...], Choice] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, matchers: Sequence[Matcher]) -> tuple[Choice, Found]:
        """Raises QueryError for a regular expression that is none. Series that came lately are looked at alone."""
        key = tuple(matchers)
        with self._lock:
            choice = self._kept.get(key)
            if choice is None:
                self._make_room()
                choice = self._kept[key] = Choice(key)
            else:
                self._kept.move_to_end(key)
        found = choice.found
        if found.upto != self._index.count:
            found = choice.found = self._extended(choice.conditions, found)
        return choice, found

    def _make_room(self) -> None:
        chosen = sum(len(choice.found.slots) for choice in self._kept.values())
        while self._kept and (chosen > _MOST_CHOSEN or len(self._kept) >= _MOST_CHOICES):
            _, oldest = self._kept.popitem(last=False)
            chosen -= len(oldest.found.slots)

    def _extended(self, conditions: Sequence[Condition], found: Found) -> Found:
        upto = self._index.count
        more = self._index.find(conditions, found.upto, upto)
        if not len(more):
            return Found(upto, found.slots, found.by_stream)
        slots = np.concatenate([found.slots, more])
        return Found(upto, slots, _by_stream(slots, self._index.streams()[slots]))


def _by_stream(slots: Ids, streams: Ids) -> list[tuple[int, Ids]]:
    order = np.argsort(streams, kind="stable")
    numbers, starts = np.unique(streams[order], return_index=True)
    return list(zip(numbers.tolist(), np.split(slots[order], starts[1:]), strict=True))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The slots of one stream that a choice found, when it had looked at those below `upto`."""

    choice: Choice
    upto: int
    slots: Ids


def cut_out(wanted: Wanted, block: RowBlock, first_ms: int, last_ms: int) -> Block | None:
    """The part of a block that a query asks for, None where there is nothing."""
    view = block.view
    start, stop = np.searchsorted(view.times, (first_ms, last_ms + 1))
    if start >= stop:
        return None
    columns, ids = _columns(wanted, block, view)
    if not len(ids):
        return None
    return Block(times=view.times[start:stop], values=view.values[start:stop, columns], series=ids)


def _columns(wanted: Wanted, block: RowBlock, view: View) -> tuple[Columns, Ids]:
    remembered = block.choices.get(wanted.choice)
    if isinstance(remembered, _Remembered) and remembered.width == len(view.ids):
        return remembered.columns, remembered.ids
    columns = chosen_columns(view.slots, wanted.slots)
    ids = view.ids[columns]
    ids.flags.writeable = False
    if len(view.slots) and view.slots.max() < wanted.upto:  # else a series came in between, which was not looked at
        if block.remembered > _TIMES_REMEMBERED * len(view.ids) + _MOST_CHOICES:
            block.choices.clear()
            block.remembered = 0
        block.choices[wanted.choice] = _Remembered(len(view.ids), columns, ids)
        block.remembered += 1 + (0 if isinstance(columns, slice) else len(ids))
    return columns, ids


def chosen_columns(held: Ids, wanted: Ids) -> Columns:
    """In which columns of `held` one of the wanted slots stands, as a slice where they are neighbours."""
    if not len(held) or not len(wanted):
        return slice(0, 0)
    mask = np.zeros(max(int(held.max()), int(wanted[-1])) + 1, dtype=np.bool_)
    mask[wanted] = True
    columns = np.flatnonzero(mask[held])
    if len(columns) and columns[-1] - columns[0] + 1 == len(columns):
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns if len(columns) else slice(0, 0)


@dataclass(frozen=True, slots=True)
class _Remembered:
    width: int
    columns: Columns
    ids: Ids
