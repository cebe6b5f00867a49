"""A connection to SQLite whose statements take one way to its thread and back, where the driver's take three or four."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite
from aiosqlite.context import contextmanager

_CHUNK = 64


class OneWayCursor(aiosqlite.Cursor):
    """Fetches its rows in the thread, right after the statement, and is closed without going there again: an event loop
    that is busy looks at what its threads have done once a turn, so that ways cost more than statements."""

    def __init__(self, connection: aiosqlite.Connection, cursor: sqlite3.Cursor) -> None:
        super().__init__(connection, cursor)
        self._rows: list[Any] = []
        self._is_idle = True

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "OneWayCursor":
        self._is_idle = False
        self._rows = await self._execute(self._run, sql, () if parameters is None else parameters)
        self._is_idle = True
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "OneWayCursor":
        self._is_idle = False
        await super().executemany(sql, parameters)
        self._is_idle = True
        return self

    async def fetchone(self) -> Any:
        return self._rows.pop(0) if self._rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        count = self.arraysize if size is None else size
        found, self._rows = self._rows[:count], self._rows[count:]
        return found

    async def fetchall(self) -> list[Any]:
        found, self._rows = self._rows, []
        return found

    async def close(self) -> None:
        """What was cut off may still run in the thread: then it is closed behind it."""
        if self._is_idle:
            self._cursor.close()
        else:
            await super().close()

    def _run(self, sql: str, parameters: Iterable[Any]) -> list[Any]:
        self._cursor.execute(sql, parameters)  # type: ignore[arg-type]
        return [] if self._cursor.description is None else self._cursor.fetchall()


class OneWayConnection(aiosqlite.Connection):
    @contextmanager
    async def cursor(self) -> OneWayCursor:
        """SQLite is not asked for making one."""
        return OneWayCursor(self, self._conn.cursor())


async def connect(path: Path) -> OneWayConnection:
    """Cursors are made and closed by the event loop's thread, statements run in that of the connection."""
    connection = OneWayConnection(lambda: sqlite3.connect(path, check_same_thread=False), _CHUNK)
    connection._thread.daemon = True  # as SQLAlchemy has it: a process may end without waiting for its statements
    await connection
    return connection
