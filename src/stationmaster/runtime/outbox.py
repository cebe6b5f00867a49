"""Durable facts: written in the transaction of the change they tell of, handled once by every consumer, in order."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Integer, String, Table, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import FACT_KINDS, Fact
from stationmaster.runtime.db import Database, Instant, metadata
from stationmaster.runtime.tracing import span

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    sqlite_autoincrement=True,
)

cursors = Table(
    "outbox_cursor",
    metadata,
    Column("consumer", String(64), primary_key=True),
    Column("last_id", BigInteger, nullable=False),
)

F = TypeVar("F", bound=Fact)

Handler = Callable[[AsyncConnection, Fact], Awaitable[None]]
Effect = Callable[[Fact], Awaitable[None]]

_KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in FACT_KINDS}


async def append(connection: AsyncConnection, *facts: Fact) -> None:
    """Writes the facts, in this order, in the caller's transaction."""
    rows = [{"at": fact.at, "kind": type(fact).__name__, "body": msgspec.to_builtins(fact)} for fact in facts]
    if rows:
        await connection.execute(insert(outbox), rows)


async def consume(database: Database, consumer: str, handle: Handler, *, batch: int = 100) -> None:
    """Hands every fact to `handle` in the order of writing, for ever.

    The handler's writes and the consumer's place commit together: what `handle` writes happens exactly once. An
    effect outside the database may happen again after a crash and has to be idempotent.
    """
    while True:
        seen = database.committed.count
        if not await drain(database, consumer, handle, batch=batch):
            await database.committed.beyond(seen, 1.0)


async def drain(database: Database, consumer: str, handle: Handler, *, batch: int = 100) -> int:
    """Handles at most `batch` waiting facts and says how many there were."""
    waiting = await _waiting(database, consumer, batch)
    for number, fact in waiting:
        with span(f"{consumer}: {type(fact).__name__}", fact=number):
            async with database.write() as connection:
                await handle(connection, fact)
                await _advance(connection, consumer, number)
    return len(waiting)


async def drain_at_once(database: Database, consumer: str, handle: Handler, *, batch: int = 100) -> int:
    """As `drain`, in one transaction: for handlers that write little, as one that looks at few kinds of facts."""
    waiting = await _waiting(database, consumer, batch)
    if waiting:
        async with database.write() as connection:
            for _, fact in waiting:
                await handle(connection, fact)
            await _advance(connection, consumer, waiting[-1][0])
    return len(waiting)


async def follow(database: Database, consumer: str, effect: Effect) -> None:
    """Hands every fact to `effect` in the order of writing, for ever, at least once: the effect leaves the process,
    holds no transaction, and has to be idempotent."""
    while True:
        seen = database.committed.count
        for number, fact in await _waiting(database, consumer, 100):
            await effect(fact)
            async with database.write() as connection:
                await _advance(connection, consumer, number)
        await database.committed.beyond(seen, 1.0)


async def _waiting(database: Database, consumer: str, batch: int) -> list[tuple[int, Fact]]:
    place = select(cursors.c.last_id).where(cursors.c.consumer == consumer)
    async with database.read() as connection:
        last = (await connection.execute(place)).scalar_one_or_none() or 0
        rows = await connection.execute(
            select(outbox.c.id, outbox.c.kind, outbox.c.body)
            .where(outbox.c.id > last)
            .order_by(outbox.c.id)
            .limit(batch)
        )
        return [(row.id, msgspec.convert(row.body, _KINDS[row.kind])) for row in rows]


async def _advance(connection: AsyncConnection, consumer: str, number: int) -> None:
    row = upsert(cursors).values(consumer=consumer, last_id=number)
    await connection.execute(row.on_conflict_do_update(index_elements=[cursors.c.consumer], set_={"last_id": number}))


async def facts_since(database: Database, moment: datetime) -> list[Fact]:
    """The facts that tell of a moment or later, in the order of writing."""
    async with database.read() as connection:
        rows = await connection.execute(select(outbox).where(outbox.c.at >= moment).order_by(outbox.c.id))
        return [msgspec.convert(row.body, _KINDS[row.kind]) for row in rows]


async def facts_of(database: Database, kind: type[F], moment: datetime) -> list[F]:
    """Those of them that are of one kind."""
    async with database.read() as connection:
        return await facts_in(connection, kind, moment)


async def facts_in(connection: AsyncConnection, kind: type[F], moment: datetime) -> list[F]:
    """As `facts_of`, as the transaction of the caller sees them."""
    wanted = select(outbox.c.body).where(outbox.c.at >= moment, outbox.c.kind == kind.__name__).order_by(outbox.c.id)
    return [msgspec.convert(row.body, kind) for row in await connection.execute(wanted)]
