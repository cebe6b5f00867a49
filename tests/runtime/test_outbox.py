"""Facts are durable, ordered and handled once by every consumer."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import BalancerState, Fact, NoteAdded, TargetChanged
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def note(key: str) -> NoteAdded:
    return NoteAdded(at=NOW, incident=1, key=key, by="test", text=f"note {key}")


async def write(database: Database, *facts: Fact) -> None:
    async with database.write() as connection:
        for fact in facts:
            await outbox.append(connection, fact)


async def test_a_fact_comes_back_as_it_was_written(database: Database) -> None:
    change = TargetChanged(
        at=NOW,
        virtual_host="keys",
        target="127.0.0.1:8888",
        state=BalancerState.OUT,
        by="healing",
        why="down",
        acknowledged={"gateway-1": 12.5},
        pending=("gateway-2",),
    )
    await write(database, change)
    assert await outbox.facts_since(database, NOW) == [change]


async def test_every_consumer_sees_every_fact_once_and_in_order(database: Database) -> None:
    await write(database, note("a"), note("b"))
    seen: list[tuple[str, str]] = []

    def handler(consumer: str) -> outbox.Handler:
        async def handle(_connection: AsyncConnection, fact: Fact) -> None:
            assert isinstance(fact, NoteAdded)
            seen.append((consumer, fact.key))

        return handle

    for consumer in ("first", "second", "first"):
        await outbox.drain(database, consumer, handler(consumer))
    assert seen == [("first", "a"), ("first", "b"), ("second", "a"), ("second", "b")]


async def test_a_handler_that_fails_keeps_its_place_and_writes_nothing(database: Database) -> None:
    await write(database, note("a"))

    async def write_then_fail(connection: AsyncConnection, fact: Fact) -> None:
        await outbox.append(connection, note("from the handler"))
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await outbox.drain(database, "healing", write_then_fail)
    facts = await outbox.facts_since(database, NOW)
    assert [fact.key for fact in facts if isinstance(fact, NoteAdded)] == ["a"]

    async def accept(_connection: AsyncConnection, _fact: Fact) -> None:
        return

    assert await outbox.drain(database, "healing", accept) == 1
    assert await outbox.drain(database, "healing", accept) == 0
