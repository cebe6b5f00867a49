"""A connection to SQLite whose statements take one way to its thread and back, not three or four as the driver's."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite
from aiosqlite.context import Result

_CHUNK = 64
_AT_ONCE = 1_000
"""Rows that come with the statement; more are fetched when they are asked for."""


class OneWayCursor(aiosqlite.Cursor):
    """Fetches the first rows in the thread, right after the statement, and is closed without going there again: an
    event loop that is busy looks at what its threads have done once a turn, so that ways cost more than statements."""

    def __init__(self, connection: aiosqlite.Connection, cursor: sqlite3.Cursor) -> None:
        super().__init__(connection, cursor)
        self._rows: list[Any] = []
        self._is_done = True

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "OneWayCursor":
        self._is_done = False
        given = () if parameters is None else parameters
        self._rows = await self._execute(self._run, sql, given)  # type: ignore[no-untyped-call]
        self._is_done = len(self._rows) < _AT_ONCE
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "OneWayCursor":
        self._is_done = False
        await super().executemany(sql, parameters)
        self._is_done = True
        return self

    async def fetchone(self) -> Any:
        found = await self.fetchmany(1)
        return found[0] if found else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        count = self.arraysize if size is None else size
        found, self._rows = self._rows[:count], self._rows[count:]
        if len(found) < count and not self._is_done:
            found += await super().fetchmany(count - len(found))
        return found

    async def fetchall(self) -> list[Any]:
        found, self._rows = self._rows, []
        if not self._is_done:
            found += await super().fetchall()
            self._is_done = True
        return found

    async def close(self) -> None:
        """What was cut off may still run in the thread: then it is closed behind it."""
        if self._is_done:
            self._cursor.close()
        else:
            await super().close()

    def _run(self, sql: str, parameters: Any) -> list[Any]:
        self._cursor.execute(sql, parameters)
        return [] if self._cursor.description is None else self._cursor.fetchmany(_AT_ONCE)


async def _made(cursor: aiosqlite.Cursor) -> aiosqlite.Cursor:
    return cursor


class OneWayConnection(aiosqlite.Connection):
    def cursor(self) -> Result[aiosqlite.Cursor]:
        """SQLite itself is not asked for making one."""
        return Result(_made(OneWayCursor(self, self._conn.cursor())))


async def connect(path: Path) -> OneWayConnection:
    """Cursors are made and closed in the event loop's thread, statements run in that of the connection."""
    connection = OneWayConnection(lambda: sqlite3.connect(path, check_same_thread=False), _CHUNK)
    connection._thread.daemon = True  # as SQLAlchemy has it: the process ends without waiting for a statement
    await connection
    return connection
