"""What bears on an incident's chain of escalation, as rows, and the history that they make."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Row, String, Table, Text, func, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import ConditionKind
from stationmaster.incidents.escalate import Happened, History, Move, Reached
from stationmaster.incidents.store import Incident
from stationmaster.runtime.db import Instant, metadata

moves = Table(
    "incident_move",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.number"), nullable=False, index=True),
    Column("chain", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("move", String(32), nullable=False),
    Column("by", String(255), nullable=False),
    Column("until", Instant),
    Column("level", Integer),
    Column("condition", String(32)),
    Column("value", Text, nullable=False),
)

levels = Table(
    "incident_level",
    metadata,
    Column("incident", ForeignKey("incident.number"), primary_key=True),
    Column("chain", Integer, primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("level", Integer, primary_key=True),
    Column("at_ms", BigInteger, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("why", Text, nullable=False),
)
"""Levels that were reached: their pages stand written, whatever becomes of schedules and people."""

_REACH = upsert(levels).on_conflict_do_nothing()


async def add(connection: AsyncConnection, incident: Incident, *happened: Happened) -> None:
    """To the chain that holds now."""
    rows = [
        {
            "incident": incident.number,
            "chain": incident.chain,
            "at": each.at,
            "move": each.move.value,
            "by": each.by,
            "until": each.until,
            "level": each.level,
            "condition": None if each.condition is None else each.condition.value,
            "value": each.value,
        }
        for each in happened
    ]
    if rows:
        await connection.execute(insert(moves), rows)


async def history(connection: AsyncConnection, incident: Incident) -> History:
    """That of the chain that holds now: it begins anew when an incident is opened again."""
    wanted = select(moves).where(moves.c.incident == incident.number, moves.c.chain == incident.chain)
    found = [_happened(row) for row in await connection.execute(wanted.order_by(moves.c.id))]
    return History(opened_at=incident.chain_at, severity=incident.chain_severity, moves=tuple(found))


async def reach(connection: AsyncConnection, incident: Incident, found: Reached) -> bool:
    """Writes down that the level is reached; False where that stands already."""
    row = {
        "incident": incident.number,
        "chain": incident.chain,
        "round": found.round,
        "level": found.level,
        "at_ms": int(found.at.timestamp() * 1000),
        "at": found.at,
        "why": found.why,
    }
    return (await connection.execute(_REACH, row)).rowcount > 0


async def levels_of(connection: AsyncConnection, incident: Incident) -> Sequence[Reached]:
    """The levels that the chain of now has reached, in their order."""
    wanted = select(levels).where(levels.c.incident == incident.number, levels.c.chain == incident.chain)
    rows = await connection.execute(wanted.order_by(levels.c.at, levels.c.round, levels.c.level))
    return [Reached(level=row.level, round=row.round, at=row.at, why=row.why) for row in rows]


async def latest(connection: AsyncConnection) -> datetime | None:
    """The moment of the last move."""
    found: datetime | None = (await connection.execute(select(func.max(moves.c.at)))).scalar_one()
    return found


def _happened(row: Row[Any]) -> Happened:
    return Happened(
        at=row.at,
        move=Move(row.move),
        by=row.by,
        until=row.until,
        level=row.level,
        condition=None if row.condition is None else ConditionKind(row.condition),
        value=row.value,
    )
