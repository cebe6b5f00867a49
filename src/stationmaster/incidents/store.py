"""Incidents, their alerts and their timelines, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert
from stationmaster.incidents.group import OpenIncident
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime.db import Instant, metadata

incidents = Table(
    "incident",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("title", String(500), nullable=False),
    Column("status", String(16), nullable=False),
    Column("severity", String(32), nullable=False),
    Column("service", String(128), nullable=False),
    Column("environment", String(128), nullable=False),
    Column("run_open", Boolean, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    Index("ix_incident_status", "status"),
    sqlite_autoincrement=True,
)

incident_alerts = Table(
    "incident_alert",
    metadata,
    Column("incident", ForeignKey("incident.number"), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("labels", JSON, nullable=False),
    Column("summary", Text, nullable=False),
    Column("firing", Boolean, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant),
)

timeline = Table(
    "timeline",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.number"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("by", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("key", String(200)),
    UniqueConstraint("incident", "key"),
)


class Status(Enum):
    TRIGGERED = "triggered"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    number: int
    title: str
    status: Status
    severity: str
    service: str
    environment: str
    opened_at: datetime
    resolved_at: datetime | None


async def open_incident(connection: AsyncConnection, title: str, alert: Alert, at: datetime) -> int:
    result = await connection.execute(
        insert(incidents)
        .values(
            title=title,
            status=Status.TRIGGERED.value,
            severity=alert.labels.get("severity", "critical"),
            service=alert.labels.get("service", ""),
            environment=alert.labels.get("environment", ""),
            run_open=True,
            opened_at=at,
        )
        .returning(incidents.c.number)
    )
    number: int = result.scalar_one()
    return number


async def record_alert(connection: AsyncConnection, number: int, alert: Alert) -> None:
    """Links a firing alert to the incident, anew if it had recovered."""
    values = {
        "labels": dict(alert.labels),
        "summary": alert.summary,
        "firing": True,
        "starts_at": alert.starts_at,
        "ends_at": None,
    }
    row = upsert(incident_alerts).values(incident=number, fingerprint=alert.fingerprint, **values)
    keys = [incident_alerts.c.incident, incident_alerts.c.fingerprint]
    await connection.execute(row.on_conflict_do_update(index_elements=keys, set_=values))


async def record_recovery(connection: AsyncConnection, fingerprint: str, at: datetime) -> tuple[int, ...]:
    """Ends the alert in every open incident that holds it as firing and returns those incidents' numbers."""
    result = await connection.execute(
        update(incident_alerts)
        .where(incident_alerts.c.fingerprint == fingerprint, incident_alerts.c.firing)
        .values(firing=False, ends_at=at)
        .returning(incident_alerts.c.incident)
    )
    return tuple(sorted(result.scalars()))


async def set_run_open(connection: AsyncConnection, number: int, run_open: bool) -> None:
    await connection.execute(update(incidents).where(incidents.c.number == number).values(run_open=run_open))


async def resolve(connection: AsyncConnection, number: int, at: datetime) -> None:
    done = {"status": Status.RESOLVED.value, "resolved_at": at}
    await connection.execute(update(incidents).where(incidents.c.number == number).values(**done))


async def add_entry(connection: AsyncConnection, number: int, entry: Entry) -> None:
    row = upsert(timeline).values(
        incident=number, at=entry.at, kind=entry.kind, by=entry.by, text=entry.text, key=entry.key
    )
    await connection.execute(row.on_conflict_do_nothing())


async def open_incidents(connection: AsyncConnection) -> tuple[OpenIncident, ...]:
    """Every unresolved incident with its alerts, the newest first."""
    rows = await connection.execute(
        select(incidents.c.number, incidents.c.run_open, incident_alerts.c.fingerprint, incident_alerts.c.firing)
        .join(incident_alerts, incident_alerts.c.incident == incidents.c.number)
        .where(incidents.c.status != Status.RESOLVED.value)
        .order_by(incidents.c.number.desc())
    )
    by_number: dict[int, list[Row[int, bool, str, bool]]] = {}
    for row in rows:
        by_number.setdefault(row.number, []).append(row)
    return tuple(
        OpenIncident(
            number=number,
            fingerprints=frozenset(row.fingerprint for row in alerts),
            firing=frozenset(row.fingerprint for row in alerts if row.firing),
            run_open=alerts[0].run_open,
        )
        for number, alerts in by_number.items()
    )


async def open_about(connection: AsyncConnection, *, instance: str = "", address: str = "") -> tuple[int, ...]:
    """Unresolved incidents with an alert of the instance, or with one whose URL is at the address."""
    rows = await connection.execute(
        select(incidents.c.number, incident_alerts.c.labels, incident_alerts.c.summary)
        .join(incident_alerts, incident_alerts.c.incident == incidents.c.number)
        .where(incidents.c.status != Status.RESOLVED.value)
    )
    found = {
        row.number
        for row in rows
        if (instance and row.labels.get("instance") == instance) or (address and f"//{address}/" in f"{row.summary}/")
    }
    return tuple(sorted(found))


async def all_incidents(
    connection: AsyncConnection, *, status: Status | None = None, limit: int = 100
) -> Sequence[Incident]:
    """Incidents, the newest first."""
    wanted = select(incidents).order_by(incidents.c.number.desc()).limit(limit)
    if status is not None:
        wanted = wanted.where(incidents.c.status == status.value)
    return [_incident(row) for row in await connection.execute(wanted)]


async def incident(connection: AsyncConnection, number: int) -> Incident | None:
    row = (await connection.execute(select(incidents).where(incidents.c.number == number))).one_or_none()
    return None if row is None else _incident(row)


async def entries(connection: AsyncConnection, number: int) -> Sequence[Entry]:
    """The incident's timeline, by time and, within a moment, in the order of writing."""
    wanted = select(timeline).where(timeline.c.incident == number).order_by(timeline.c.at, timeline.c.id)
    rows = await connection.execute(wanted)
    return [Entry(at=row.at, kind=row.kind, by=row.by, text=row.text, key=row.key) for row in rows]


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        number=row.number,
        title=row.title,
        status=Status(row.status),
        severity=row.severity,
        service=row.service,
        environment=row.environment,
        opened_at=row.opened_at,
        resolved_at=row.resolved_at,
    )
