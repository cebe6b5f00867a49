"""Alerts that fire and are silent for now, as rows: they are placed when no silence covers them any more."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import JSON, Column, Row, String, Table, Text, delete, exists, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert, AlertFired
from stationmaster.runtime.db import Instant, metadata

held_alerts = Table(
    "held_alert",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("alert", JSON, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("silences", JSON, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """`silences` are the ids of those that covered it when it came."""

    fired: AlertFired
    silences: tuple[str, ...]


async def hold(connection: AsyncConnection, fired: AlertFired, silences: Sequence[str]) -> None:
    """One that is held already is held as it is now."""
    values = {
        "alert": msgspec.to_builtins(fired.alert),
        "evidence": fired.evidence,
        "at": fired.at,
        "silences": list(silences),
    }
    row = upsert(held_alerts).values(fingerprint=fired.alert.fingerprint, **values)
    await connection.execute(row.on_conflict_do_update(index_elements=[held_alerts.c.fingerprint], set_=values))


async def drop(connection: AsyncConnection, fingerprint: str) -> None:
    await connection.execute(delete(held_alerts).where(held_alerts.c.fingerprint == fingerprint))


async def is_any(connection: AsyncConnection) -> bool:
    return bool((await connection.execute(select(exists(select(held_alerts.c.fingerprint))))).scalar_one())


async def all_held(connection: AsyncConnection) -> Sequence[Held]:
    """The longest held first."""
    rows = await connection.execute(select(held_alerts).order_by(held_alerts.c.at, held_alerts.c.fingerprint))
    return [_held(row) for row in rows]


def _held(row: Row[tuple[object, ...]]) -> Held:
    fired = AlertFired(at=row.at, alert=msgspec.convert(row.alert, Alert), evidence=row.evidence)
    return Held(fired=fired, silences=tuple(row.silences))
