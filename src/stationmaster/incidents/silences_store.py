"""The table of silences; expired ones stay for a while, so that it can be seen what was silent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, Row, String, Table, Text, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import LabelMatch
from stationmaster.incidents.silences import Silence
from stationmaster.runtime.db import Instant, metadata

silences = Table(
    "silence",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("matchers", JSON, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("created_by", String(255), nullable=False),
    Column("comment", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("noticed_at", Instant),
)


async def keep(connection: AsyncConnection, *kept: Silence) -> None:
    """Writes them, over those of the same ids."""
    for each in kept:
        values = _values(each)
        row = upsert(silences).values(**values)
        await connection.execute(row.on_conflict_do_update(index_elements=[silences.c.id], set_=values))


async def find(connection: AsyncConnection, number: str) -> Silence | None:
    row = (await connection.execute(select(silences).where(silences.c.id == number))).one_or_none()
    return None if row is None else _silence(row)


async def ending_after(connection: AsyncConnection, moment: datetime) -> Sequence[Silence]:
    """Those that end later, by their end."""
    wanted = select(silences).where(silences.c.ends_at > moment).order_by(silences.c.ends_at, silences.c.id)
    return [_silence(row) for row in await connection.execute(wanted)]


async def forget_ended(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(delete(silences).where(silences.c.ends_at < before))


def _values(each: Silence) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "matchers": msgspec.to_builtins(each.matchers),
        "starts_at": each.starts_at,
        "ends_at": each.ends_at,
        "created_by": each.created_by,
        "comment": each.comment,
        "updated_at": each.updated_at,
        "noticed_at": each.noticed_at,
    }


def _silence(row: Row[Any]) -> Silence:
    return Silence(
        id=row.id,
        name=row.name,
        matchers=msgspec.convert(row.matchers, tuple[LabelMatch, ...]),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        created_by=row.created_by,
        comment=row.comment,
        updated_at=row.updated_at,
        noticed_at=row.noticed_at,
    )
