"""What is known of streams and their series, whether their samples are in memory or on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stationmaster.monitor.promql.samples import Ids, LabelTable
from stationmaster.monitor.series.file import SeriesRow
from stationmaster.monitor.series.index import NOBODY, SeriesIndex
from stationmaster.monitor.series.shared import SharedSeries
from stationmaster.monitor.series.stream import Stream

_FORGOTTEN_AT_ONCE = 25_000
_PART_FORGOTTEN = 20
"""Series are forgotten when they are at least that part of all: whoever remembers ids begins anew after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Slots of series and numbers of streams that nothing is kept of any more; `more` says that others wait."""

    slots: Sequence[int] = ()
    streams: Sequence[int] = ()
    more: bool = False


class Held:
    """Streams by number and by name, the index of their series, and what the ids of label sets mean."""

    def __init__(self, table: LabelTable, index: SeriesIndex, streams: Mapping[int, Stream]) -> None:
        self.table = table
        self.index = index
        self.streams = dict(streams)
        self.by_name = {stream.name: stream for stream in self.streams.values()}
        self.shared = SharedSeries(self.streams)
        self._next = max(self.streams, default=-1) + 1
        numbers, owners = index.ids().tolist(), index.streams().tolist()
        for slot, (number, owner) in enumerate(zip(numbers, owners, strict=True)):
            if number != NOBODY and owner in self.streams:
                self.streams[owner].slot_of[number] = slot
                self.shared.note(self.streams[owner], number)

    def stream(self, name: str) -> Stream:
        found = self.by_name.get(name)
        if found is None:
            found = self.by_name[name] = self.streams[self._next] = Stream(name, self._next)
            self._next += 1
        return found

    def register(self, stream: Stream, numbers: Ids, at_ms: int) -> Ids:
        """The slots of series of a stream; those that it never had get a new one."""
        return np.array([self._slot(stream, number, at_ms) for number in numbers.tolist()], dtype=np.int64)

    def row(self, slot: int) -> SeriesRow | None:
        """What is to be known of a series after a restart; None where it is forgotten."""
        number = int(self.index.ids()[slot])
        if number == NOBODY:
            return None
        born_ms, died_ms = self.index.span(slot)
        return SeriesRow(
            slot=slot,
            stream=int(self.index.streams()[slot]),
            born_ms=born_ms,
            died_ms=died_ms,
            labels=self.table.labels(number),
        )

    def lived(self, by_stream: Sequence[tuple[int, Ids]], first_ms: int, last_ms: int) -> set[int]:
        """The ids of the series among those slots that lived at some moment in between, as far as is known."""
        found: set[int] = set()
        for number, slots in by_stream:
            stream = self.streams.get(number)
            if stream is not None and stream.last_ms >= first_ms:
                found.update(self.index.ids()[self.index.lived(slots, first_ms, last_ms)].tolist())
        return found - {NOBODY}

    def forget_before(self, at_ms: int) -> Forgotten:
        """Forgets series that ended before a moment, and all of streams that were written last before it, when they are
        many: some at a time, as everybody waits meanwhile."""
        quiet = [n for n, each in self.streams.items() if each.last_ms < at_ms and not any(b.rows for b in each.blocks)]
        gone = self._gone(quiet, at_ms)
        known = int(np.count_nonzero(self.index.ids() != NOBODY))
        if not (len(gone) or quiet) or len(gone) < known // _PART_FORGOTTEN:
            return Forgotten()
        now, more = gone[:_FORGOTTEN_AT_ONCE], len(gone) > _FORGOTTEN_AT_ONCE
        self._forget_series(now)
        for number in () if more else quiet:
            del self.by_name[self.streams.pop(number).name]
        return Forgotten(slots=now.tolist(), streams=() if more else quiet, more=more)

    def _gone(self, quiet: Sequence[int], at_ms: int) -> Ids:
        ended = self.index.ended_before(at_ms) | np.isin(self.index.streams(), np.array(quiet, dtype=np.int64))
        return np.flatnonzero(ended & (self.index.ids() != NOBODY))

    def _forget_series(self, gone: Ids) -> None:
        numbers, owners = self.index.ids()[gone].copy(), self.index.streams()[gone].copy()
        self.index.forget(gone)
        for number, owner in zip(numbers.tolist(), owners.tolist(), strict=True):
            stream = self.streams.get(owner)
            if stream is not None:
                stream.slot_of.pop(number, None)
        ids = self.index.ids()
        held = np.zeros(len(self.table), dtype=np.bool_)
        held[ids[ids != NOBODY]] = True
        unheld = np.unique(numbers[~held[numbers]])
        self.shared.forget(unheld)
        self.table.forget(unheld.tolist())

    def _slot(self, stream: Stream, number: int, at_ms: int) -> int:
        slot = stream.slot_of.get(number)
        if slot is None:
            slot = stream.slot_of[number] = self.index.add(number, self.table.labels(number), stream.number, at_ms)
            self.shared.note(stream, number)
        return slot
