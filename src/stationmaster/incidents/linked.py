"""The alerts of incidents, as rows: which alert belongs to which incident, and what fires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert
from stationmaster.incidents.group import OpenIncident
from stationmaster.incidents.life import OPEN
from stationmaster.incidents.store import incidents
from stationmaster.runtime.db import Instant, metadata

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
    Index("ix_incident_alert_fingerprint", "fingerprint"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAlert:
    fingerprint: str
    labels: dict[str, str]
    summary: str
    firing: bool
    starts_at: datetime
    ends_at: datetime | None


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


async def move_alerts(connection: AsyncConnection, number: int, into: int, fingerprints: Sequence[str] = ()) -> None:
    """Links the alerts of an incident, or some of them, to another one instead; what both have fires if it does in
    one of them."""
    source = incident_alerts.alias()
    chosen = [source.c.incident == number, *([source.c.fingerprint.in_(fingerprints)] if fingerprints else [])]
    rows = (await connection.execute(select(source).where(*chosen))).mappings().all()
    for row in rows:
        fresh = upsert(incident_alerts).values(**{**row, "incident": into})
        both = {"firing": or_(incident_alerts.c.firing, fresh.excluded.firing), "ends_at": fresh.excluded.ends_at}
        keys = [incident_alerts.c.incident, incident_alerts.c.fingerprint]
        await connection.execute(fresh.on_conflict_do_update(index_elements=keys, set_=both))
    gone = [incident_alerts.c.incident == number]
    gone += [incident_alerts.c.fingerprint.in_(fingerprints)] if fingerprints else []
    await connection.execute(delete(incident_alerts).where(*gone))


async def alerts_of(connection: AsyncConnection, number: int, limit: int = 100) -> tuple[LinkedAlert, ...]:
    """Its alerts, those that fire first."""
    wanted = select(incident_alerts).where(incident_alerts.c.incident == number)
    ordered = wanted.order_by(incident_alerts.c.firing.desc(), incident_alerts.c.starts_at).limit(limit)
    return tuple(
        LinkedAlert(
            fingerprint=row.fingerprint,
            labels=row.labels,
            summary=row.summary,
            firing=row.firing,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
        )
        for row in await connection.execute(ordered)
    )


async def open_incidents(
    connection: AsyncConnection, *, numbers: Sequence[int] = (), fingerprint: str = ""
) -> tuple[OpenIncident, ...]:
    """Unresolved incidents with their alerts, the newest first: all, those of the numbers, or those that the alert
    belongs to. One into which others were merged has an open run as long as one of them has."""
    chosen = [incidents.c.status.in_([each.value for each in OPEN])]
    chosen += [incidents.c.number.in_(numbers)] if numbers else []
    if fingerprint:
        of_alert = select(incident_alerts.c.incident).where(incident_alerts.c.fingerprint == fingerprint)
        chosen.append(incidents.c.number.in_(of_alert))
    merged = incidents.alias()
    others = select(func.max(merged.c.run_open)).where(merged.c.merged_into == incidents.c.number).scalar_subquery()
    rows = await connection.execute(
        select(
            incidents.c.number,
            incidents.c.kept_open,
            or_(incidents.c.run_open, func.coalesce(others, False)).label("run_open"),
            incident_alerts.c.fingerprint,
            incident_alerts.c.firing,
        )
        .join(incident_alerts, incident_alerts.c.incident == incidents.c.number)
        .where(*chosen)
        .order_by(incidents.c.number.desc())
    )
    by_number: dict[int, list[Row[Any]]] = {}
    for row in rows:
        by_number.setdefault(row.number, []).append(row)
    return tuple(
        OpenIncident(
            number=number,
            fingerprints=frozenset(row.fingerprint for row in alerts),
            firing=frozenset(row.fingerprint for row in alerts if row.firing),
            run_open=bool(alerts[0].run_open),
            kept_open=alerts[0].kept_open,
        )
        for number, alerts in by_number.items()
    )


async def open_about(connection: AsyncConnection, *, instance: str = "", address: str = "") -> tuple[int, ...]:
    """Unresolved incidents with an alert of the instance, or with one whose URL is at the address."""
    rows = await connection.execute(
        select(incidents.c.number, incident_alerts.c.labels, incident_alerts.c.summary)
        .join(incident_alerts, incident_alerts.c.incident == incidents.c.number)
        .where(incidents.c.status.in_([each.value for each in OPEN]))
    )
    found = {
        row.number
        for row in rows
        if (instance and row.labels.get("instance") == instance) or (address and f"//{address}/" in f"{row.summary}/")
    }
    return tuple(sorted(found))
