"""How far consumers of facts are behind."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Fact, FaultInjected
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox_lag import Lag, lags

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def fact(database: Database, at: datetime) -> None:
    async with database.write() as connection:
        await outbox.append(connection, FaultInjected(at=at, drill="d", instance="i", fault="kill"))


async def ignored(_connection: AsyncConnection, _fact: Fact) -> None: ...


async def test_a_consumer_is_behind_by_what_it_has_not_handled(database: Database) -> None:
    assert await lags(database, NOON) == []
    for minute in range(3):
        await fact(database, NOON + timedelta(minutes=minute))
    await outbox.drain(database, "slow", ignored, batch=1)
    await outbox.drain(database, "quick", ignored)
    assert await lags(database, NOON + timedelta(minutes=5)) == [
        Lag(consumer="quick", facts=0, seconds=0.0),
        Lag(consumer="slow", facts=2, seconds=240.0),
    ]
