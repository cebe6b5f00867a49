"""The file that samples outlive the process in: one SQLite database, one writer, readers in any thread.

What is not sealed yet stands in it row by row, what is sealed as chunks of columns packed together.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stationmaster.monitor.promql.samples import Floats, Ids, Labels, Millis
from stationmaster.monitor.series import codec

FORMAT: Final = 1
PIECE_COLUMNS: Final = 256

_TABLES = """
CREATE TABLE stream (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE series (slot INTEGER PRIMARY KEY, stream INTEGER, born_ms INTEGER, died_ms INTEGER, labels BLOB);
CREATE INDEX series_stream ON series (stream);
CREATE TABLE head (id INTEGER PRIMARY KEY, stream INTEGER, slots BLOB);
CREATE TABLE row (id INTEGER PRIMARY KEY, head INTEGER, at_ms INTEGER, columns INTEGER, keyed INTEGER, data BLOB);
CREATE INDEX row_head ON row (head);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, stream INTEGER, first_ms INTEGER, last_ms INTEGER, slots BLOB, times BLOB);
CREATE INDEX chunk_stream ON chunk (stream, last_ms);
CREATE TABLE piece (id INTEGER PRIMARY KEY, chunk INTEGER, number INTEGER, data BLOB);
CREATE UNIQUE INDEX piece_chunk ON piece (chunk, number);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRow:
    slot: int
    stream: int
    born_ms: int
    died_ms: int
    labels: Labels | None
    """None: they are damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A sealed block on disk; `slots[column]` and `times[row]` of it."""

    id: int
    slots: Ids
    times: Millis

    @property
    def pieces(self) -> int:
        return -(-len(self.slots) // PIECE_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedChunk:
    id: int
    slots: bytes
    times: bytes

    def unpacked(self) -> Chunk:
        """Raises DamagedError."""
        return Chunk(id=self.id, slots=codec.unpack_whole(self.slots), times=codec.unpack_whole(self.times))


class SamplesFile:
    """Raises sqlite3.Error where the disk or the file is at fault, DamagedError where what it holds is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = _connect(path)
        try:
            path.chmod(0o600)
            self._prepare()
            self._reader = _connect(path)
        except BaseException:
            self._writer.close()
            raise
        self._reading = threading.Lock()

    def close(self) -> None:
        self._writer.close()
        with self._reading:
            self._reader.close()

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; commits when the block ends."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield self._writer
            self._writer.execute("COMMIT")
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def streams(self) -> list[tuple[int, str]]:
        found = self._read("SELECT number, name FROM stream ORDER BY number")
        if not all(isinstance(number, int) and isinstance(name, str) for number, name in found):
            raise codec.DamagedError("a stream has no number or no name")
        return found

    def series(self) -> Iterator[SeriesRow]:
        for slot, stream, born, died, labels in self._read(
            "SELECT slot, stream, born_ms, died_ms, labels FROM series ORDER BY slot"
        ):
            try:
                known = codec.unpack_labels(labels)
            except codec.DamagedError:
                known = None
            yield SeriesRow(slot=slot, stream=stream, born_ms=born, died_ms=died, labels=known)

    def heads(self) -> list[tuple[int, int, bytes]]:
        """Id, stream and packed slots."""
        return self._read("SELECT id, stream, slots FROM head ORDER BY id")

    def rows(self, head: int) -> list[tuple[int, int, int, bytes]]:
        """Moment, columns, whether it stands for itself, and the packed row."""
        return self._read("SELECT at_ms, columns, keyed, data FROM row WHERE head = ? ORDER BY id", head)

    def last_times(self) -> dict[int, int]:
        """The end of the newest chunk of every stream."""
        return dict(self._read("SELECT stream, MAX(last_ms) FROM chunk GROUP BY stream"))

    def chunks(self, stream: int, first_ms: int, last_ms: int) -> list[PackedChunk]:
        """Those of a stream that overlap with the span, in the order of time."""
        found = self._read(
            "SELECT id, slots, times FROM chunk WHERE stream = ? AND last_ms >= ? AND first_ms <= ? ORDER BY last_ms",
            stream,
            first_ms,
            last_ms,
        )
        return [PackedChunk(id=number, slots=slots, times=times) for number, slots, times in found]

    def pieces(self, chunk: int, numbers: Sequence[int]) -> list[Floats]:
        """`PIECE_COLUMNS` columns each, in the order of `numbers`."""
        found = []
        for number in numbers:
            rows = self._read("SELECT data FROM piece WHERE chunk = ? AND number = ?", chunk, number)
            if not rows:
                raise codec.DamagedError(f"chunk {chunk} lacks piece {number}")
            found.append(codec.unpack_values(rows[0][0]))
        return found

    def _read(self, text: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._reading:
            return self._reader.execute(text, values).fetchall()

    def _prepare(self) -> None:
        (found,) = self._writer.execute("PRAGMA user_version").fetchone()
        if found not in (0, FORMAT):
            raise codec.DamagedError(f"it has format {found}, this version reads {FORMAT}")
        if found == 0:
            self._writer.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def write_chunk(connection: sqlite3.Connection, stream: int, chunk: Chunk, values: Floats) -> int:
    """A sealed block of a stream; the id of its chunk, whatever id it had before."""
    slots, times = chunk.slots, chunk.times
    number = connection.execute(
        "INSERT INTO chunk (stream, first_ms, last_ms, slots, times) VALUES (?, ?, ?, ?, ?)",
        (stream, int(times[0]), int(times[-1]), codec.pack_whole(slots), codec.pack_whole(times)),
    ).lastrowid
    connection.executemany(
        "INSERT INTO piece (chunk, number, data) VALUES (?, ?, ?)",
        (
            (number, column // PIECE_COLUMNS, codec.pack_values(values[:, column : column + PIECE_COLUMNS]))
            for column in range(0, len(slots), PIECE_COLUMNS)
        ),
    )
    return int(number or 0)


def drop_head(connection: sqlite3.Connection, head: int) -> None:
    connection.execute("DELETE FROM row WHERE head = ?", (head,))
    connection.execute("DELETE FROM head WHERE id = ?", (head,))


def drop_chunk(connection: sqlite3.Connection, chunk: int) -> None:
    connection.execute("DELETE FROM piece WHERE chunk = ?", (chunk,))
    connection.execute("DELETE FROM chunk WHERE id = ?", (chunk,))


def drop_chunks_before(connection: sqlite3.Connection, at_ms: int) -> int:
    """Those that ended before a moment; how many."""
    connection.execute("DELETE FROM piece WHERE chunk IN (SELECT id FROM chunk WHERE last_ms < ?)", (at_ms,))
    dropped = connection.execute("DELETE FROM chunk WHERE last_ms < ?", (at_ms,)).rowcount
    if dropped:
        connection.execute("PRAGMA incremental_vacuum(10000)").fetchall()
    return dropped
