"""How far the consumers of facts are behind."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import cursors, outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """What one consumer has still to handle; `seconds` is the age of the oldest such fact, 0 where there is none."""

    consumer: str
    facts: int
    seconds: float


async def lags(database: Database, now: datetime) -> list[Lag]:
    """Of every consumer that has handled a fact before."""
    behind = outbox.c.id > cursors.c.last_id
    query = (
        select(cursors.c.consumer, func.count(outbox.c.id).label("facts"), func.min(outbox.c.at).label("oldest"))
        .select_from(cursors.outerjoin(outbox, behind))
        .group_by(cursors.c.consumer)
        .order_by(cursors.c.consumer)
    )
    async with database.read() as connection:
        return [
            Lag(
                consumer=row.consumer,
                facts=row.facts,
                seconds=0.0 if row.oldest is None else max(0.0, (now - row.oldest).total_seconds()),
            )
            for row in await connection.execute(query)
        ]
