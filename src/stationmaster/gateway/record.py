"""What a node acknowledged last, on its own disk: enough to start it again while the control plane is away.

It holds API keys: the file is its owner's alone. A row is written when the node has acknowledged it, so that the record
grows and shrinks with single resources and never has to be written as a whole.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from stationmaster.gateway.ledger import Row

log = structlog.get_logger("gateway.record")

_TABLE = """
CREATE TABLE IF NOT EXISTS acknowledged (
  kind TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID
"""


class Record:
    """Kinds are type addresses. A file that cannot be read is put aside and begun anew."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        path.chmod(0o600)
        try:
            self._database = _opened(path)
        except sqlite3.DatabaseError as error:
            log.warning("record of the node cannot be read; it is begun anew", path=str(path), error=str(error))
            for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                with suppress(FileNotFoundError):
                    each.replace(each.with_name(f"{each.name}.broken"))
            path.touch(mode=0o600)
            self._database = _opened(path)

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction. A full disk must not keep configuration from a node: the record falls behind, and what it
        lacks is asked for again with the next stream."""
        try:
            with self._database:
                yield
        except sqlite3.Error as error:
            log.error("record of the node cannot be written", error=str(error), hint="see whether its disk is full")

    def put(self, kind: str, rows: Iterable[Row]) -> None:
        with self._writing():
            self._database.executemany(
                "INSERT INTO acknowledged VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, "
                "body = excluded.body",
                [(kind, name, version, body) for name, version, body in rows],
            )

    def drop(self, kind: str, names: Iterable[str]) -> None:
        with self._writing():
            self._database.executemany(
                "DELETE FROM acknowledged WHERE kind = ? AND name = ?", [(kind, name) for name in names]
            )

    def keep_only(self, held: Mapping[str, Iterable[str]]) -> None:
        """Drops whatever the node does not hold, by kind."""
        with self._writing():
            for kind, name in self._database.execute("SELECT kind, name FROM acknowledged").fetchall():
                if name not in held.get(kind, ()):
                    self._database.execute("DELETE FROM acknowledged WHERE kind = ? AND name = ?", (kind, name))

    def versions(self, kind: str) -> Mapping[str, str]:
        rows = self._database.execute("SELECT name, version FROM acknowledged WHERE kind = ?", (kind,))
        return dict(rows.fetchall())

    def everything(self) -> Iterator[tuple[str, Row]]:
        for kind, *row in self._database.execute("SELECT kind, name, version, body FROM acknowledged"):
            yield kind, (row[0], row[1], row[2])


def _opened(path: Path) -> sqlite3.Connection:
    """A crash of this process loses nothing; a loss of power may lose the last moment."""
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(_TABLE)
        database.execute("SELECT count(*) FROM acknowledged").fetchall()
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
