"""The store: one writer with immediate transactions, readers that see the last commit, a pulse after each commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Double, MetaData, TypeDecorator, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from stationmaster.runtime.board import Pulse
from stationmaster.runtime.one_way import connect
from stationmaster.runtime.wall import utc_now as utc_now  # noqa: PLC0414 whoever writes moments needs it

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_LAST_S = 253_402_300_799.0
"""The last second of the year 9999: a fraction more would be rounded into a year that no datetime has."""


class Instant(TypeDecorator[datetime]):
    """A moment in UTC, stored as seconds since the epoch so that it sorts and subtracts in SQL."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> float | None:
        return None if value is None else min(value.timestamp(), _LAST_S)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


@dataclass(frozen=True, slots=True)
class Database:
    """One SQLite file and the only process that writes it.

    `write()` holds the single writer for one BEGIN IMMEDIATE transaction: it commits when its block ends and rolls
    back when the block raises. Never wait for the network inside it.
    """

    writer: AsyncEngine
    reader: AsyncEngine
    committed: Pulse = field(default_factory=Pulse)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with self.turn, self.writer.begin() as connection:
            yield connection
        self.committed.beat()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with self.reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        await self.writer.dispose()
        await self.reader.dispose()


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


def open_database(path: Path) -> Database:
    """Opens (or makes) the SQLite file at `path`; its tables are the business of the migrations."""
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = partial(connect, path)
    writer = create_async_engine(sqlite_url(path), async_creator=opened, pool_size=1, max_overflow=0)
    reader = create_async_engine(sqlite_url(path), async_creator=opened, pool_size=4, max_overflow=4)
    for engine in (writer, reader):
        event.listen(engine.sync_engine, "connect", _configure)
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    event.listen(reader.sync_engine, "begin", _begin_deferred)
    return Database(writer=writer, reader=reader)


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")
