"""Who works on which incident, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.runtime.db import Instant, metadata

responders = Table(
    "incident_responder",
    metadata,
    Column("incident", ForeignKey("incident.number"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """`by` asked them to; themselves, when they acknowledged."""

    name: str
    at: datetime
    by: str


async def join(connection: AsyncConnection, incident: int, working: Working) -> None:
    row = upsert(responders).values(incident=incident, name=working.name, at=working.at, by=working.by)
    await connection.execute(row.on_conflict_do_nothing())


async def of(connection: AsyncConnection, incident: int) -> Sequence[Working]:
    wanted = select(responders).where(responders.c.incident == incident).order_by(responders.c.at, responders.c.name)
    return [Working(name=row.name, at=row.at, by=row.by) for row in await connection.execute(wanted)]
