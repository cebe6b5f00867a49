"""Statements of SQLite that take one way: all rows arrive, streams stay streams, what is cut off harms nobody."""

import asyncio
from contextlib import suppress

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from stationmaster.runtime.db import Database

_COUNT = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT i FROM n")


@pytest.mark.parametrize("most", [1, 2, 999, 1_000, 1_001, 2_500])
async def test_every_row_arrives_in_order(database: Database, most: int) -> None:
    async with database.read() as connection:
        assert list((await connection.execute(_COUNT, {"most": most})).scalars()) == [*range(1, most + 1)]
        result = await connection.execute(_COUNT, {"most": most})
        assert result.scalars().first() == 1


@pytest.mark.parametrize("most", [10, 1_000, 5_003])
async def test_a_stream_brings_every_row_once(database: Database, most: int) -> None:
    async with database.read() as connection:
        async with connection.stream(_COUNT.execution_options(yield_per=300), {"most": most}) as rows:
            found = [row.i async for row in rows]
        assert found == [*range(1, most + 1)]
        async with connection.stream(_COUNT.execution_options(yield_per=300), {"most": most}) as rows:
            assert (await anext(aiter(rows))).i == 1
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1, "the rest was left where it was"


async def test_a_statement_takes_one_way(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE thing (name TEXT UNIQUE)"))
    ways: list[str] = []
    execute = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, fn: object, *args: object) -> object:
        ways.append(getattr(fn, "__name__", ""))
        return await execute(self, fn, *args)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO thing VALUES ('a')"))
        assert (await connection.execute(text("SELECT name FROM thing"))).scalars().all() == ["a"]
    assert ways == ["_run", "_run", "_run", "commit", "rollback"], "BEGIN, INSERT, SELECT"


async def _write(database: Database, *statements: str) -> None:
    async with database.write() as connection:
        for each in statements:
            await connection.execute(text(each))


async def test_a_statement_that_fails_leaves_the_connection_usable(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE thing (name TEXT UNIQUE)"))
        await connection.execute(text("INSERT INTO thing VALUES (:name)"), [{"name": "a"}, {"name": "b"}])
    with pytest.raises(IntegrityError):
        await _write(database, "INSERT INTO thing VALUES ('c')", "INSERT INTO thing VALUES ('a')")
    with pytest.raises(OperationalError):
        await _write(database, "SELECT * FROM nothing")
    async with database.write() as connection:
        found = await connection.execute(text("SELECT name FROM thing ORDER BY name"))
        assert found.scalars().all() == ["a", "b"]


async def test_what_is_cancelled_while_it_runs_is_rolled_back_and_the_next_one_writes(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE thing (name INTEGER)"))

    async def long() -> None:
        async with database.write() as connection:
            await connection.execute(text(f"INSERT INTO thing {_COUNT.text}"), {"most": 500_000})

    for delay_s in (0.0, 0.001, 0.01, 0.05):
        task = asyncio.ensure_future(long())
        await asyncio.sleep(delay_s)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        async with database.write() as connection:
            assert (await connection.execute(text("SELECT count(*) FROM thing"))).scalar_one() == 0
            await connection.execute(text("INSERT INTO thing VALUES (1)"))
            await connection.execute(text("DELETE FROM thing"))
