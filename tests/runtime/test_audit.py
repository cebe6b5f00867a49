"""The audit trail keeps what was changed and answers narrow questions."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stationmaster.runtime.audit import Asked, Change, changes, record
from stationmaster.runtime.db import Database, metadata, open_database

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(tmp_path / "audit.db")
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    yield database
    await database.close()


def change(minute: int, who: str, name: str) -> Change:
    return Change(
        at=NOW + timedelta(minutes=minute),
        who=who,
        action="update",
        kind="api",
        name=name,
        before={"timeout": "1s"},
        after={"timeout": "2s"},
    )


async def asked(database: Database, question: Asked) -> list[str]:
    async with database.read() as connection:
        return [each.name for _, each in await changes(connection, question)]


async def test_changes_come_back_newest_first_as_they_were_written(database: Database) -> None:
    written = [change(0, "ada", "first"), change(1, "grace", "second")]
    async with database.write() as connection:
        await record(connection, *written)
    async with database.read() as connection:
        assert [each for _, each in await changes(connection, Asked())] == written[::-1]


async def test_questions_narrow_by_person_name_time_and_number(database: Database) -> None:
    async with database.write() as connection:
        await record(connection, change(0, "ada", "first"), change(1, "grace", "second"), change(2, "ada", "third"))
    assert await asked(database, Asked(who="ada")) == ["third", "first"]
    assert await asked(database, Asked(name="second")) == ["second"]
    assert await asked(database, Asked(since=NOW + timedelta(minutes=1))) == ["third", "second"]
    assert await asked(database, Asked(below=2)) == ["first"]
    assert await asked(database, Asked(limit=1)) == ["third"]


async def test_a_change_that_is_rolled_back_leaves_no_trace(database: Database) -> None:
    async def change_and_fail() -> None:
        async with database.write() as connection:
            await record(connection, change(0, "ada", "first"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await change_and_fail()
    assert await asked(database, Asked()) == []


async def test_what_is_created_had_nothing_before(database: Database) -> None:
    made = Change(at=NOW, who="ada", action="create", kind="api", name="first", after={"paths": ["/x"]})
    async with database.write() as connection:
        await record(connection, made)
    async with database.read() as connection:
        [(_, found)] = await changes(connection, Asked())
    assert found == made
