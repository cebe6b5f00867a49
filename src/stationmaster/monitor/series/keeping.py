"""Brings what is in memory to the file: new series, new rows of blocks that are written, sealed blocks as chunks."""

import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from stationmaster.monitor.series import codec
from stationmaster.monitor.series import file as samples_file
from stationmaster.monitor.series.codec import DamagedError
from stationmaster.monitor.series.file import Chunk, PackedChunk, SamplesFile, SeriesRow
from stationmaster.monitor.series.rows import RowBlock, View

log = structlog.get_logger("series")

KEY_EVERY = 60
"""Every so many rows one stands for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What of a block is on disk: rows and columns of it as a head, or all of it as a chunk."""

    head: int | None = None
    rows: int = 0
    columns: int = 0
    chunk: int | None = None


NOTHING = Record()


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockWork:
    block: RowBlock
    stream: int
    view: View
    sealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What has come in memory since the last time; `died` is by slot, of series that were written before."""

    streams: Sequence[tuple[int, str]] = ()
    series: Iterable[SeriesRow] = ()
    """Gone through once, in the thread that saves."""
    died: Mapping[int, int] = field(default_factory=dict)
    blocks: Sequence[BlockWork] = ()
    cut: Sequence[RowBlock] = ()
    """Blocks that hold no longer: the clock was set back."""
    cut_from_ms: int | None = None
    expire_before_ms: int = 0
    forgotten: Sequence[int] = ()
    """Slots of series whose samples have all expired."""
    gone: Sequence[int] = ()
    """Numbers of streams that have no series any more."""
    upto: int = 0
    """Slots below it have been looked at."""


class Keeping:
    """The file and what it holds of every block in memory. `save` runs in a worker thread, one at a time."""

    __slots__ = ("_records", "_turn", "file")

    def __init__(self, file: SamplesFile, records: Mapping[RowBlock, Record]) -> None:
        self.file = file
        self._records = dict(records)
        self._turn = threading.Lock()

    def is_saved(self, block: RowBlock) -> bool:
        """Whether all of a sealed block is on disk."""
        return self._records.get(block, NOTHING).chunk is not None

    def needs(self, block: RowBlock, *, sealed: bool) -> bool:
        record = self._records.get(block, NOTHING)
        if record.chunk is not None or not block.rows:
            return False
        return sealed or record.rows < block.rows

    def forget(self, block: RowBlock) -> None:
        """The block has left memory."""
        self._records.pop(block, None)

    def save(self, work: Work) -> None:
        """All of it or nothing. Raises sqlite3.Error."""
        written: dict[RowBlock, Record] = {}
        with self._turn, self.file.write() as connection:
            _save_names(connection, work)
            for block in work.cut:
                _drop(connection, self._records.get(block, NOTHING))
            if work.cut_from_ms is not None:
                _cut_chunks(connection, work.cut_from_ms)
            for each in work.blocks:
                record = self._records.get(each.block, NOTHING)
                if record.chunk is not None:
                    continue
                written[each.block] = _seal(connection, each, record) if each.sealed else _log(connection, each, record)
            if work.expire_before_ms:
                samples_file.drop_chunks_before(connection, work.expire_before_ms)
            connection.executemany("DELETE FROM series WHERE slot = ?", ((slot,) for slot in work.forgotten))
            connection.executemany("DELETE FROM stream WHERE number = ?", ((number,) for number in work.gone))
        self._records.update(written)
        for block in work.cut:
            self._records.pop(block, None)

    def close(self) -> None:
        with self._turn:
            self.file.close()


def _save_names(connection: sqlite3.Connection, work: Work) -> None:
    connection.executemany("INSERT OR REPLACE INTO stream (number, name) VALUES (?, ?)", work.streams)
    connection.executemany(
        "INSERT OR REPLACE INTO series (slot, stream, born_ms, died_ms, labels) VALUES (?, ?, ?, ?, ?)",
        (
            (each.slot, each.stream, each.born_ms, each.died_ms, codec.pack_labels(each.labels or ()))
            for each in work.series
        ),
    )
    connection.executemany(
        "UPDATE series SET died_ms = ? WHERE slot = ?", ((died, slot) for slot, died in work.died.items())
    )


def _drop(connection: sqlite3.Connection, record: Record) -> None:
    if record.head is not None:
        samples_file.drop_head(connection, record.head)
    if record.chunk is not None:
        samples_file.drop_chunk(connection, record.chunk)


def _log(connection: sqlite3.Connection, work: BlockWork, record: Record) -> Record:
    view = work.view
    if record.head is None:
        head = connection.execute(
            "INSERT INTO head (stream, slots) VALUES (?, ?)", (work.stream, codec.pack_whole(view.slots))
        ).lastrowid
        record = replace(record, head=head)
    elif record.columns != len(view.slots):
        packed = codec.pack_whole(view.slots)
        connection.execute("UPDATE head SET slots = ? WHERE id = ?", (packed, record.head))
    if not record.rows:
        connection.execute("DELETE FROM row WHERE head = ?", (record.head,))
    for row in range(record.rows, len(view.times)):
        keyed = row % KEY_EVERY == 0
        data = codec.pack_row(view.values[row], None if keyed else view.values[row - 1])
        connection.execute(
            "INSERT INTO row (head, at_ms, columns, keyed, data) VALUES (?, ?, ?, ?, ?)",
            (record.head, int(view.times[row]), len(view.slots), keyed, data),
        )
    return replace(record, rows=len(view.times), columns=len(view.slots))


def _seal(connection: sqlite3.Connection, work: BlockWork, record: Record) -> Record:
    view = work.view
    whole = Chunk(id=0, slots=view.slots, times=view.times)
    chunk = samples_file.write_chunk(connection, work.stream, whole, view.values)
    if record.head is not None:
        samples_file.drop_head(connection, record.head)
    return Record(rows=len(view.times), columns=len(view.slots), chunk=chunk)


def _cut_chunks(connection: sqlite3.Connection, at_ms: int) -> None:
    """Takes the rows at and after a moment from the chunks that are not in memory."""
    overlapping = connection.execute(
        "SELECT id, stream, slots, times FROM chunk WHERE last_ms >= ?", (at_ms,)
    ).fetchall()
    for chunk, stream, slots, times in overlapping:
        packed = PackedChunk(id=chunk, slots=slots, times=times)
        with suppress(DamagedError):
            _save_beginning(connection, stream, packed.unpacked(), at_ms)
        samples_file.drop_chunk(connection, chunk)


def _save_beginning(connection: sqlite3.Connection, stream: int, chunk: Chunk, at_ms: int) -> None:
    rows = int((chunk.times < at_ms).sum())
    if not rows:
        return
    pieces = connection.execute("SELECT data FROM piece WHERE chunk = ? ORDER BY number", (chunk.id,)).fetchall()
    values = codec.beside([codec.unpack_values(data) for (data,) in pieces])
    if values.shape != (len(chunk.times), len(chunk.slots)):
        raise DamagedError("a chunk has pieces of another size")
    samples_file.write_chunk(connection, stream, replace(chunk, times=chunk.times[:rows]), values[:rows])


def set_aside(path: Path, why: str, *, name: str = "damaged") -> Path:
    """Gives a file another name, so that a new one can take its place."""
    number = 1
    while (aside := path.with_name(f"{path.name}.{name}-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    log.error("the file of samples is set aside and begun anew", file=str(path), set_aside=str(aside), why=why)
    return aside
