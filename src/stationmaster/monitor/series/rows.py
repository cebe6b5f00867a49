"""One block of samples in memory: rows are only ever added, and what was shown once never changes."""

from dataclasses import dataclass

import numpy as np

from stationmaster.monitor.promql.samples import MISSING, Floats, Ids, Millis

_FIRST_ROWS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a block held at one moment: `times[row]`, `values[row, column]`, and of every column the id of its label
    set and its slot."""

    times: Millis
    values: Floats
    ids: Ids
    slots: Ids


class RowBlock:
    """One thread adds columns and rows; any thread may read `view` meanwhile."""

    __slots__ = ("_ids", "_rows", "_slots", "_times", "_values", "choices", "remembered", "view")

    def __init__(self, ids: Ids, slots: Ids) -> None:
        wide = _with_slack(len(ids))
        self._ids = _widened(ids, wide)
        self._slots = _widened(slots, wide)
        self._times: Millis = np.empty(_FIRST_ROWS, dtype=np.int64)
        self._values: Floats = np.empty((_FIRST_ROWS, wide), dtype=np.float64)
        self._rows = 0
        self.choices: dict[object, object] = {}
        """What those who select remember of this block."""
        self.remembered = 0
        """How much that is."""
        self.view = self._seen(len(ids))

    @staticmethod
    def whole(view: View) -> "RowBlock":
        """A block that holds this already."""
        block = RowBlock(view.ids[:0], view.slots[:0])
        block._ids, block._slots, block._times, block._values = view.ids, view.slots, view.times, view.values
        block._rows = len(view.times)
        block.view = block._seen(len(view.ids))
        return block

    @property
    def columns(self) -> int:
        return len(self.view.ids)

    @property
    def rows(self) -> int:
        return self._rows

    @property
    def size_bytes(self) -> int:
        return self._values.nbytes + self._times.nbytes + self._ids.nbytes + self._slots.nbytes

    def add_columns(self, ids: Ids, slots: Ids) -> None:
        """New columns to the right, without samples in the rows so far."""
        before, after = self.columns, self.columns + len(ids)
        if after > len(self._ids):
            wide = _with_slack(after)
            self._ids, self._slots = _widened(self._ids, wide), _widened(self._slots, wide)
            self._values = self._resized(len(self._times), wide)
        self._ids[before:after] = ids
        self._slots[before:after] = slots
        self.view = self._seen(after)

    def add_row(self, at_ms: int, row: Floats) -> None:
        """`row` has a value for every column."""
        if self._rows == len(self._times):
            room = max(_FIRST_ROWS, 2 * self._rows)
            self._values = self._resized(room, self._values.shape[1])
            times = np.empty(room, dtype=np.int64)
            times[: self._rows] = self._times
            self._times = times
        columns = self.columns
        self._times[self._rows] = at_ms
        self._values[self._rows, :columns] = row
        self._values[self._rows, columns:] = MISSING
        self._rows += 1
        self.view = self._seen(columns)

    def trim(self) -> None:
        """Gives back the room to grow."""
        view = self.view
        if self._values.size - view.values.size <= view.values.size // 16:
            return
        self._times, self._values = view.times.copy(), view.values.copy()
        self._ids, self._slots = view.ids.copy(), view.slots.copy()
        self.view = self._seen(len(view.ids))

    def before(self, at_ms: int) -> "RowBlock":
        """A block of the rows before a moment; this one is not written any more."""
        rows = int(np.searchsorted(self.view.times, at_ms))
        view = self.view
        return RowBlock.whole(View(times=view.times[:rows], values=view.values[:rows], ids=view.ids, slots=view.slots))

    def _seen(self, columns: int) -> View:
        rows = self._rows
        view = View(
            times=self._times[:rows],
            values=self._values[:rows, :columns],
            ids=self._ids[:columns],
            slots=self._slots[:columns],
        )
        for array in (view.times, view.values, view.ids, view.slots):
            array.flags.writeable = False
        return view

    def _resized(self, rows: int, columns: int) -> Floats:
        larger = np.empty((rows, columns), dtype=np.float64)
        kept = min(columns, self._values.shape[1])
        larger[: self._rows, :kept] = self._values[: self._rows, :kept]
        larger[: self._rows, kept:] = MISSING
        return larger


def _with_slack(columns: int) -> int:
    return columns + max(4, columns // 16)


def _widened(ids: Ids, wide: int) -> Ids:
    larger = np.empty(wide, dtype=np.int64)
    larger[: len(ids)] = ids
    return larger
