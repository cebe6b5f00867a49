"""Samples that are written together: rows in the order of time, series that come and go, one block after the other."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stationmaster.monitor.promql.samples import MISSING, STALE, Floats, Ids, holes, stale
from stationmaster.monitor.series.rows import RowBlock

BLOCK_MS: Final = 30 * 60 * 1000
_MOST_HEAD_BYTES = 64 << 20
_FEW_DEAD = 64
"""So many columns of series that ended are borne in a block, or as many as live."""

Register = Callable[[Ids], Ids]
"""Gives the slots of series that the written block has not had, by their ids."""
Barred = Callable[[], Iterable[int]]
"""Gives the ids of series that the row may not have."""

_EMPTY: Ids = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What one row was: how many samples it has, how many were barred, and the slots of the series that began or ended
    with it."""

    samples: int
    barred: int
    began: Ids
    ended: Ids


class Stream:
    """Rows of one place. `blocks` are those in memory, the last of them is written; any thread may read them."""

    __slots__ = (
        "_column_of",
        "_columns",
        "_ids",
        "_live",
        "_offset_ms",
        "blocks",
        "last_ms",
        "name",
        "number",
        "shared",
        "slot_of",
    )

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.blocks: tuple[RowBlock, ...] = ()
        self.last_ms = -(1 << 62)
        self.shared: set[int] = set()
        """Ids of series that another stream has had too."""
        self.slot_of: dict[int, int] = {}
        """By id: the slot of every series that the stream has had."""
        self._offset_ms = zlib.crc32(name.encode()) % BLOCK_MS
        self._column_of: dict[int, int] = {}
        self._live: npt.NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self._ids: Ids = _EMPTY
        self._columns: Ids = _EMPTY

    @property
    def live(self) -> int:
        """How many series had a sample in the last row."""
        return int(np.count_nonzero(self._live))

    def add(self, at_ms: int, ids: Ids, values: Floats, *, register: Register, barred: Barred) -> Added:
        """Adds a row at a moment after `last_ms`; series of the row before that are not in it are marked stale.

        A value may be `MISSING`: then its series is not in the row. No id stands twice in `ids`.
        """
        head = self._head(at_ms)
        self._place(head, ids, register)
        row = np.full(head.columns, MISSING)
        row[self._columns] = values
        before = self._live
        row[before & holes(row)] = STALE
        refused = [self._column_of[number] for number in barred() if number in self._column_of]
        refused = [column for column in refused if not holes(row[column : column + 1])[0]]
        row[refused] = MISSING
        head.add_row(at_ms, row)
        self._live = ~(holes(row) | stale(row))
        self.last_ms = at_ms
        slots = head.view.slots
        began, ended = slots[self._live & ~before], slots[before & ~self._live]
        return Added(samples=self.live, barred=len(refused), began=began, ended=ended)

    def resume(self, blocks: tuple[RowBlock, ...]) -> None:
        """Goes on after blocks that a former run wrote, in the order of time."""
        self.blocks = tuple(block for block in blocks if block.rows)
        self._forget_columns()
        if not self.blocks:
            return
        view = self.blocks[-1].view
        self.last_ms = max(self.last_ms, int(view.times[-1]))
        self._column_of = {number: column for column, number in enumerate(view.ids.tolist())}
        self._live = ~(holes(view.values[-1]) | stale(view.values[-1]))

    def cut(self, at_ms: int) -> int:
        """Forgets the rows at and after a moment; how many they were."""
        held = [block for block in self.blocks if block.rows]
        kept = tuple(block if block.view.times[-1] < at_ms else block.before(at_ms) for block in held)
        dropped = sum(block.rows for block in held) - sum(block.rows for block in kept)
        self.last_ms = min(self.last_ms, at_ms - 1)
        self.resume(kept)
        return dropped

    def seal(self) -> None:
        """The next row begins a new block."""
        if self.blocks:
            self._begin_block()

    def drop(self, block: RowBlock) -> None:
        """Takes a block from memory."""
        if self.blocks and block is self.blocks[-1]:
            self._forget_columns()
        self.blocks = tuple(each for each in self.blocks if each is not block)

    def _head(self, at_ms: int) -> RowBlock:
        if not self.blocks or self._is_full(self.blocks[-1], at_ms):
            self._begin_block()
        return self.blocks[-1]

    def _is_full(self, head: RowBlock, at_ms: int) -> bool:
        if not head.rows:
            return False
        live = self.live
        return (
            self._span(at_ms) != self._span(int(head.view.times[0]))
            or head.columns - live > max(_FEW_DEAD, live)
            or head.size_bytes > _MOST_HEAD_BYTES
        )

    def _span(self, at_ms: int) -> int:
        return (at_ms + self._offset_ms) // BLOCK_MS

    def _begin_block(self) -> None:
        """A new block with the series that live; the one before keeps no room to grow."""
        if not self.blocks:
            self._begin(_EMPTY, _EMPTY)
            return
        last = self.blocks[-1]
        if not last.rows:
            return
        last.trim()
        view = last.view
        self._begin(view.ids[self._live], view.slots[self._live])

    def _begin(self, ids: Ids, slots: Ids) -> None:
        self.blocks = (*self.blocks, RowBlock(ids, slots))
        self._column_of = {number: column for column, number in enumerate(ids.tolist())}
        self._live = np.ones(len(ids), dtype=np.bool_)
        self._ids = self._columns = _EMPTY

    def _forget_columns(self) -> None:
        self._column_of, self._live = {}, np.empty(0, dtype=np.bool_)
        self._ids = self._columns = _EMPTY

    def _place(self, head: RowBlock, ids: Ids, register: Register) -> None:
        """Finds the columns of the ids; the same array as last time has the same columns."""
        if ids is self._ids and len(ids):
            return
        column_of = self._column_of
        unknown = [number for number in ids.tolist() if number not in column_of]
        if unknown:
            fresh = np.array(unknown, dtype=np.int64)
            column_of.update(zip(unknown, range(head.columns, head.columns + len(unknown)), strict=True))
            head.add_columns(fresh, register(fresh))
            self._live = np.concatenate([self._live, np.zeros(len(unknown), dtype=np.bool_)])
        self._columns = np.fromiter(map(column_of.__getitem__, ids.tolist()), dtype=np.int64, count=len(ids))
        self._ids = ids
