"""The table of alerts: at most one firing row a fingerprint, closed ones stay as history."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    bindparam,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert
from stationmaster.runtime.db import Instant, metadata

FIRING, RECOVERED = "firing", "recovered"
_AT_ONCE = 500
"""How many values one statement names."""

alerts = Table(
    "alert",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fingerprint", String(64), nullable=False),
    Column("labels", JSON, nullable=False),
    Column("summary", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("annotations", JSON, nullable=False, server_default="{}"),
    Column("rule", Text, nullable=False, server_default=""),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("state", String(16), nullable=False),
    Index(
        "uq_alert_firing",
        "fingerprint",
        unique=True,
        sqlite_where=text("state = 'firing'"),
        postgresql_where=text("state = 'firing'"),
    ),
)


async def open_alert(connection: AsyncConnection, alert: Alert) -> bool:
    """Writes a firing alert; False when its fingerprint fires already."""
    row = insert(alerts).values(**_row(alert))
    made = await connection.execute(row.on_conflict_do_nothing().returning(alerts.c.id))
    return made.first() is not None


async def close_alert(connection: AsyncConnection, fingerprint: str, ends_at: datetime) -> Alert | None:
    """Ends the firing alert and returns it; None when it does not fire."""
    ended = await connection.execute(
        update(alerts)
        .where(alerts.c.fingerprint == fingerprint, alerts.c.state == FIRING)
        .values(state=RECOVERED, ends_at=ends_at)
        .returning(*alerts.c)
    )
    row = ended.first()
    return None if row is None else _alert(row)


async def firing_of(connection: AsyncConnection, fingerprints: Sequence[str]) -> dict[str, Alert]:
    """Those of the fingerprints that fire now."""
    found: dict[str, Alert] = {}
    for start in range(0, len(fingerprints), _AT_ONCE):
        some = fingerprints[start : start + _AT_ONCE]
        wanted = select(alerts).where(alerts.c.state == FIRING, alerts.c.fingerprint.in_(some))
        found |= {row.fingerprint: _alert(row) for row in await connection.execute(wanted)}
    return found


async def open_alerts(connection: AsyncConnection, opened: Sequence[Alert]) -> None:
    """Writes firing alerts; none of their fingerprints may fire yet."""
    if opened:
        await connection.execute(insert(alerts), [_row(alert) for alert in opened])


async def close_alerts(connection: AsyncConnection, ends: Mapping[str, datetime]) -> None:
    """Ends the firing alerts of these fingerprints."""
    if ends:
        ending = update(alerts).where(alerts.c.fingerprint == bindparam("which"), alerts.c.state == FIRING)
        rows = [{"which": fingerprint, "ended": at} for fingerprint, at in ends.items()]
        await connection.execute(ending.values(state=RECOVERED, ends_at=bindparam("ended")), rows)


async def firing_alerts(connection: AsyncConnection) -> list[Alert]:
    """What fires now, oldest first."""
    rows = await connection.execute(select(alerts).where(alerts.c.state == FIRING).order_by(alerts.c.id))
    return [_alert(row) for row in rows]


def _row(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "labels": dict(alert.labels),
        "summary": alert.summary,
        "url": alert.url,
        "annotations": dict(alert.annotations),
        "rule": alert.rule,
        "starts_at": alert.starts_at,
        "state": FIRING,
    }


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        fingerprint=row.fingerprint,
        labels=row.labels,
        summary=row.summary,
        url=row.url,
        starts_at=row.starts_at,
        annotations=row.annotations,
        rule=row.rule,
    )
