"""Reads what a former run left on disk: its series, and the rows of the last hours."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog

from stationmaster.monitor.promql.samples import MISSING, Floats, Ids, LabelTable, Millis
from stationmaster.monitor.series import codec
from stationmaster.monitor.series.codec import DamagedError
from stationmaster.monitor.series.file import Chunk, SamplesFile
from stationmaster.monitor.series.index import NEVER, NOBODY, Entry, SeriesIndex
from stationmaster.monitor.series.keeping import Keeping, Record, set_aside
from stationmaster.monitor.series.rows import RowBlock, View
from stationmaster.monitor.series.stream import Stream

log = structlog.get_logger("series")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """`streams` by number, going on after their last blocks; `on_disk` tells until when chunks of a stream reach that
    are not in memory."""

    index: SeriesIndex = field(default_factory=SeriesIndex)
    streams: Mapping[int, Stream] = field(default_factory=dict)
    on_disk: Mapping[int, int] = field(default_factory=dict)
    keeping: Keeping | None = None


def reload(path: Path, table: LabelTable, raw_ms: int) -> Reloaded:
    """What the file at `path` holds, or a new file where it holds nothing or nothing that can be read; rows of the
    last `raw_ms` before its newest row come to memory. Raises sqlite3.OperationalError, OSError where there is no
    place for a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _read(path, table, raw_ms)
    except (sqlite3.DatabaseError, DamagedError, ValueError, TypeError, OverflowError) as error:
        # What is damaged may give values of any type, and errors of SQLite whose words are no text.
        if isinstance(error, sqlite3.OperationalError):
            raise
        set_aside(path, str(error))
        return _read(path, table, raw_ms)


def _read(path: Path, table: LabelTable, raw_ms: int) -> Reloaded:
    file = SamplesFile(path)
    try:
        return _Reading(file, table).read(raw_ms)
    except BaseException:
        file.close()
        raise


class _Reading:
    def __init__(self, file: SamplesFile, table: LabelTable) -> None:
        self.file, self.table = file, table
        self.index = SeriesIndex()
        self.damaged = 0

    def read(self, raw_ms: int) -> Reloaded:
        streams = {number: Stream(name, number) for number, name in self.file.streams()}
        self._read_series()
        heads = self._heads()
        ends = self.file.last_times()
        newest = max([*ends.values(), *(int(view.times[-1]) for _, view, _ in heads)], default=0)
        held: dict[int, list[tuple[View, Record]]] = {}
        for owner, view, record in heads:
            held.setdefault(owner, []).append((view, record))
        on_disk: dict[int, int] = {}
        records: dict[RowBlock, Record] = {}
        for number, stream in streams.items():
            chunks = self._chunks(number, newest - raw_ms)
            views = sorted([*chunks, *held.get(number, [])], key=lambda each: int(each[0].times[0]))
            blocks = [(RowBlock.whole(view), record) for view, record in views]
            records.update(blocks)
            stream.last_ms = max(stream.last_ms, ends.get(number, stream.last_ms))
            stream.resume(tuple(block for block, _ in blocks))
            if blocks and blocks[-1][1].chunk is not None:
                stream.seal()
            on_disk[number] = (int(views[0][0].times[0]) - 1) if chunks else ends.get(number, NOBODY)
        if self.damaged:
            log.error("damaged samples are left out", file=str(self.file.path), parts=self.damaged)
        return Reloaded(index=self.index, streams=streams, on_disk=on_disk, keeping=Keeping(self.file, records))

    def _read_series(self) -> None:
        for row in self.file.series():
            if row.labels is None:
                self.damaged += 1
                self.index.skip(row.slot + 1)
                continue
            entry = Entry(
                slot=row.slot,
                number=self.table.intern(row.labels),
                stream=row.stream,
                born_ms=row.born_ms,
                died_ms=row.died_ms,
            )
            self.index.restore(entry, row.labels)

    def _heads(self) -> list[tuple[int, View, Record]]:
        found = []
        for head, stream, packed in self.file.heads():
            try:
                slots = codec.unpack_whole(packed)
            except DamagedError:
                self.damaged += 1
                continue
            times, values, rows = self._rows(head, len(slots))
            view = self._known(slots, times, values)
            if len(times):
                intact = rows == len(times) and len(view.slots) == len(slots)
                record = Record(head=head, rows=rows, columns=len(slots)) if intact else Record(head=head)
                found.append((stream, view, record))
        return found

    def _rows(self, head: int, columns: int) -> tuple[Millis, Floats, int]:
        """Moments, values, and how many rows there should have been. After a damaged row the next that stands for
        itself goes on."""
        times: list[int] = []
        rows: list[Floats] = []
        before: Floats | None = None
        stored = self.file.rows(head)
        for at_ms, wide, keyed, data in stored:
            if not keyed and before is None:
                continue
            try:
                before = codec.unpack_row(data, wide, None if keyed else before)
            except DamagedError:
                self.damaged += 1
                before = None
                continue
            if wide <= columns and (not times or at_ms > times[-1]):
                times.append(at_ms)
                rows.append(before)
        values = np.full((len(rows), columns), MISSING)
        for number, row in enumerate(rows):
            values[number, : len(row)] = row
        return np.array(times, dtype=np.int64), values, len(stored)

    def _chunks(self, stream: int, since_ms: int) -> list[tuple[View, Record]]:
        found = []
        for packed in self.file.chunks(stream, since_ms, NEVER):
            try:
                chunk = packed.unpacked()
                view = self._known(chunk.slots, chunk.times, self._values(chunk))
            except DamagedError:
                self.damaged += 1
                continue
            record = Record(rows=len(chunk.times), columns=len(chunk.slots), chunk=chunk.id)
            found.append((view, record))
        return found

    def _values(self, chunk: Chunk) -> Floats:
        pieces = self.file.pieces(chunk.id, range(chunk.pieces))
        values = codec.beside(pieces) if pieces else np.empty((len(chunk.times), 0))
        if values.shape != (len(chunk.times), len(chunk.slots)):
            raise DamagedError("a chunk has pieces of another size")
        return values

    def _known(self, slots: Ids, times: Millis, values: Floats) -> View:
        """Without the columns of series whose labels are lost."""
        ids = np.full(len(slots), NOBODY, dtype=np.int64)
        inside = (slots >= 0) & (slots < self.index.count)
        ids[inside] = self.index.ids()[slots[inside]]
        known = ids != NOBODY
        if known.all():
            return View(times=times, values=values, ids=ids, slots=slots)
        return View(times=times, values=values[:, known], ids=ids[known], slots=slots[known])
