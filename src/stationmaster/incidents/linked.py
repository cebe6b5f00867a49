"""The alerts of incidents, as rows: which alert belongs to which incident, what fires, and what is worked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    exists,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert
from stationmaster.incidents.group import Known, OpenIncident
from stationmaster.incidents.inhibit import Source
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
    Column("name", String(4096), nullable=False, server_default=""),
    Column("service", String(4096), nullable=False, server_default=""),
    Column("instance", String(4096), nullable=False, server_default=""),
    Column("address", String(2048), nullable=False, server_default=""),
    Column("run_open", Boolean, nullable=False, default=False, server_default="0"),
    Column("worked_for", Integer, index=True),
    Column("restart_tried", Boolean, nullable=False, default=False, server_default="0"),
    Column("inhibited_by", String(64), nullable=False, server_default=""),
    Index("ix_incident_alert_fingerprint", "fingerprint"),
    Index("ix_incident_alert_incident_firing", "incident", "firing"),
    Index("ix_incident_alert_incident_run_open", "incident", "run_open"),
    Index("ix_incident_alert_firing_name", "firing", "name", "service"),
    Index("ix_incident_alert_instance", "instance"),
    Index("ix_incident_alert_address", "address"),
)
"""`name`, `service` and `instance` are its labels of that name, `address` that of its URL, so that they are found
quickly. `run_open`: a runbook is looked for or worked, under the number `worked_for`, which it keeps when the alert
moves to another incident. `inhibited_by` is the fingerprint of the alert that it only follows from."""

_KEYS = (incident_alerts.c.incident, incident_alerts.c.fingerprint)
_COLUMNS = {"alertname": incident_alerts.c.name} | {name: incident_alerts.c[name] for name in ("service", "instance")}
_MOST_SOURCES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAlert:
    fingerprint: str
    labels: dict[str, str]
    summary: str
    firing: bool
    starts_at: datetime
    ends_at: datetime | None
    run_open: bool = False
    inhibited_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """An alert of an incident whose state changed."""

    number: int
    instance: str
    firing: bool


async def record_alert(
    connection: AsyncConnection, number: int, alert: Alert, *, worked: bool = False, inhibited_by: str = ""
) -> None:
    """Links an alert that is new to the incident, or that had recovered and belongs to it anew."""
    values = {
        **_of(alert),
        "run_open": worked,
        "worked_for": number if worked else None,
        "restart_tried": False,
        "inhibited_by": inhibited_by,
    }
    row = upsert(incident_alerts).values(incident=number, fingerprint=alert.fingerprint, **values)
    await connection.execute(row.on_conflict_do_update(index_elements=_KEYS, set_=values))


async def fire_again(connection: AsyncConnection, number: int, alert: Alert) -> None:
    """What the incident has and works fires, whether it had recovered or not."""
    mine = incident_alerts.c.incident == number, incident_alerts.c.fingerprint == alert.fingerprint
    await connection.execute(update(incident_alerts).where(*mine).values(**_of(alert)))


async def record_recovery(connection: AsyncConnection, fingerprint: str, at: datetime) -> tuple[Concerned, ...]:
    """Ends the alert in every incident that holds it as firing."""
    ending = (
        update(incident_alerts)
        .where(incident_alerts.c.fingerprint == fingerprint, incident_alerts.c.firing)
        .values(firing=False, ends_at=at, restart_tried=False)
    )
    return await _changed(connection, ending)


async def set_firing(connection: AsyncConnection, number: int, one: LinkedAlert) -> None:
    """As it is: an incident may open with an alert that has recovered, where it is split off."""
    mine = incident_alerts.c.incident == number, incident_alerts.c.fingerprint == one.fingerprint
    await connection.execute(update(incident_alerts).where(*mine).values(firing=one.firing, ends_at=one.ends_at))


async def begin_run(connection: AsyncConnection, number: int, fingerprint: str) -> None:
    """A runbook is worked for it; without a fingerprint for every alert of the incident. What is over stays so."""
    mine = or_(incident_alerts.c.incident == number, incident_alerts.c.worked_for == number)
    which = [incident_alerts.c.fingerprint == fingerprint] if fingerprint else []
    open_ones = incident_alerts.c.incident.in_(select(incidents.c.number).where(_is_open()))
    begun = update(incident_alerts).where(mine, open_ones, *which)
    await connection.execute(begun.values(run_open=True, worked_for=number))


async def end_runs(connection: AsyncConnection, number: int, fingerprint: str) -> tuple[Concerned, ...]:
    """No runbook is worked under this number for the alert any more, or for any of it; wherever they belong now."""
    which = [incident_alerts.c.fingerprint == fingerprint] if fingerprint else []
    ending = (
        update(incident_alerts)
        .where(incident_alerts.c.worked_for == number, incident_alerts.c.run_open, *which)
        .values(run_open=False)
    )
    return await _changed(connection, ending)


async def is_quiet(connection: AsyncConnection, number: int, instance: str) -> bool:
    """Whether nothing about the instance fires or is worked in the incident."""
    busy = select(incident_alerts.c.incident).where(
        incident_alerts.c.incident == number, incident_alerts.c.instance == instance, _live()
    )
    return not (await connection.execute(select(exists(busy)))).scalar_one()


async def try_restart(connection: AsyncConnection, number: int, instance: str) -> bool:
    """Notes a restart for the alerts about the instance, or for all where none is about it; says whether one before
    did not help."""
    mine = incident_alerts.c.incident == number
    about = select(incident_alerts.c.incident).where(mine, incident_alerts.c.instance == instance)
    known = (await connection.execute(select(exists(about)))).scalar_one()
    which = [mine, incident_alerts.c.instance == instance] if known else [mine]
    failed = await _any(connection, *which, incident_alerts.c.restart_tried, incident_alerts.c.firing)
    await connection.execute(update(incident_alerts).where(*which).values(restart_tried=True))
    return failed


async def restart_failed(connection: AsyncConnection, number: int, fingerprint: str) -> bool:
    """Whether the alert, or any where none is named, was to be cured by a restart and fires; from now on none was
    tried."""
    which = [incident_alerts.c.incident == number, incident_alerts.c.restart_tried]
    which += [incident_alerts.c.fingerprint == fingerprint] if fingerprint else []
    failed = await _any(connection, *which, incident_alerts.c.firing)
    await connection.execute(update(incident_alerts).where(*which).values(restart_tried=False))
    return failed


async def move_alerts(connection: AsyncConnection, number: int, into: int, fingerprints: Sequence[str] = ()) -> None:
    """Links the alerts of an incident, or some of them, to another one instead; what both have fires if it does in
    one of them, and the run that is under way goes before one that is only looked for."""
    source = incident_alerts.alias()
    chosen = [source.c.incident == number, *([source.c.fingerprint.in_(fingerprints)] if fingerprints else [])]
    rows = (await connection.execute(select(source).where(*chosen))).mappings().all()
    for row in rows:
        fresh = upsert(incident_alerts).values(**{**row, "incident": into})
        both = {"firing": or_(incident_alerts.c.firing, fresh.excluded.firing), "ends_at": fresh.excluded.ends_at}
        both |= {name: row[name] for name in ("run_open", "worked_for")} if row["run_open"] else {}
        await connection.execute(fresh.on_conflict_do_update(index_elements=_KEYS, set_=both))
    gone = [incident_alerts.c.incident == number]
    gone += [incident_alerts.c.fingerprint.in_(fingerprints)] if fingerprints else []
    await connection.execute(delete(incident_alerts).where(*gone))


async def alerts_of(connection: AsyncConnection, number: int, limit: int = 100) -> tuple[LinkedAlert, ...]:
    """Its alerts, those that fire first."""
    wanted = select(incident_alerts).where(incident_alerts.c.incident == number)
    ordered = wanted.order_by(incident_alerts.c.firing.desc(), incident_alerts.c.starts_at).limit(limit)
    return tuple(_linked(row) for row in await connection.execute(ordered))


async def inhibited(connection: AsyncConnection) -> Mapping[str, str]:
    """Alerts of open incidents that follow from another one which fires, by their fingerprints."""
    source = incident_alerts.alias()
    wanted = (
        select(incident_alerts.c.fingerprint, incident_alerts.c.inhibited_by)
        .join(incidents, incidents.c.number == incident_alerts.c.incident)
        .join(source, source.c.fingerprint == incident_alerts.c.inhibited_by)
        .where(incident_alerts.c.firing, incident_alerts.c.inhibited_by != "", source.c.firing, _is_open())
    )
    return {row.fingerprint: row.inhibited_by for row in await connection.execute(wanted)}


async def known_of(connection: AsyncConnection, fingerprint: str) -> tuple[Known, ...]:
    """Unresolved incidents that have the alert."""
    wanted = (
        select(incident_alerts.c.incident, _live().label("active"))
        .join(incidents, incidents.c.number == incident_alerts.c.incident)
        .where(incident_alerts.c.fingerprint == fingerprint, _is_open())
    )
    return tuple(Known(number=row.incident, active=bool(row.active)) for row in await connection.execute(wanted))


async def firing_with(connection: AsyncConnection, wanted: Mapping[str, frozenset[str]]) -> tuple[Source, ...]:
    """Alerts that fire in unresolved incidents and have one of the values of each label (an absent one is empty), the
    newest incidents first."""
    conditions = [_one_of(name, values) for name, values in wanted.items()]
    found = (
        select(incident_alerts.c.incident, incident_alerts.c.fingerprint, incident_alerts.c.labels)
        .join(incidents, incidents.c.number == incident_alerts.c.incident)
        .where(incident_alerts.c.firing, _is_open(), *conditions)
        .order_by(incident_alerts.c.incident.desc(), incident_alerts.c.fingerprint)
        .limit(_MOST_SOURCES)
    )
    rows = await connection.execute(found)
    return tuple(Source(number=row.incident, fingerprint=row.fingerprint, labels=row.labels) for row in rows)


async def moved(connection: AsyncConnection) -> Mapping[tuple[int, str], frozenset[int]]:
    """By the incident for which alerts were worked, and by their instance, where they belong to others now: those of
    them that are open and in which they fire or are worked, or else all."""
    column = incident_alerts.c
    away = select(column.worked_for, column.instance).where(column.worked_for != column.incident).distinct().subquery()
    home = [column.worked_for == away.c.worked_for, column.instance == away.c.instance]
    wanted = (
        select(away.c.worked_for, away.c.instance, column.incident, (_live() & _is_open()).label("live"))
        .join(incidents, incidents.c.number == column.incident)
        .where(*home)
    )
    found: dict[tuple[int, str], dict[int, bool]] = {}
    for row in await connection.execute(wanted):
        numbers = found.setdefault((row.worked_for, row.instance), {})
        numbers[row.incident] = numbers.get(row.incident, False) or bool(row.live)
    return {
        of: frozenset(number for number, live in numbers.items() if live) or frozenset({of[0], *numbers})
        for of, numbers in found.items()
    }


async def open_incidents(
    connection: AsyncConnection, *, numbers: Sequence[int] = (), fingerprint: str = ""
) -> tuple[OpenIncident, ...]:
    """Unresolved incidents of these numbers, or that the alert belongs to; the newest first."""
    chosen = [incidents.c.number.in_(numbers)]
    if fingerprint:
        of_alert = select(incident_alerts.c.incident).where(incident_alerts.c.fingerprint == fingerprint)
        chosen = [incidents.c.number.in_(of_alert)]
    rows = await connection.execute(
        select(
            incidents.c.number,
            incidents.c.kept_open,
            _has(incident_alerts.c.firing).label("firing"),
            _has(incident_alerts.c.run_open).label("worked"),
        )
        .where(*chosen, _is_open())
        .order_by(incidents.c.number.desc())
    )
    return tuple(
        OpenIncident(number=row.number, firing=row.firing, worked=row.worked, kept_open=row.kept_open) for row in rows
    )


async def open_about(connection: AsyncConnection, *, instance: str = "", address: str = "") -> tuple[int, ...]:
    """Unresolved incidents with an alert of the instance, or with one whose URL is at the address."""
    if not instance and not address:
        return ()
    about = [incident_alerts.c.instance == instance] if instance else [incident_alerts.c.address == address]
    wanted = (
        select(incident_alerts.c.incident)
        .join(incidents, incidents.c.number == incident_alerts.c.incident)
        .where(*about, _is_open())
        .distinct()
    )
    return tuple(sorted((await connection.execute(wanted)).scalars()))


async def open_about_node(connection: AsyncConnection, node: str) -> tuple[int, ...]:
    """Unresolved incidents with an alert that names the gateway node."""
    wanted = (
        select(incident_alerts.c.incident)
        .join(incidents, incidents.c.number == incident_alerts.c.incident)
        .where(incident_alerts.c.labels["node"].as_string() == node, _is_open())
        .distinct()
    )
    return tuple(sorted((await connection.execute(wanted)).scalars()))


def live_alert(number: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether an alert of the incident fires or is worked."""
    mine = select(incident_alerts.c.fingerprint).where(incident_alerts.c.incident == number)
    return or_(mine.where(incident_alerts.c.firing).exists(), mine.where(incident_alerts.c.run_open).exists())


def _of(alert: Alert) -> dict[str, Any]:
    labels = alert.labels
    return {
        "labels": dict(labels),
        "summary": alert.summary,
        "firing": True,
        "starts_at": alert.starts_at,
        "ends_at": None,
        "name": alert.name,
        "service": labels.get("service", ""),
        "instance": labels.get("instance", ""),
        "address": _address(alert.url),
    }


def _address(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _live() -> ColumnElement[bool]:
    return or_(incident_alerts.c.firing, incident_alerts.c.run_open)


def _has(column: Column[bool]) -> ColumnElement[bool]:
    return (
        select(incident_alerts.c.fingerprint).where(incident_alerts.c.incident == incidents.c.number, column).exists()
    )


def _is_open() -> ColumnElement[bool]:
    return incidents.c.status.in_([each.value for each in OPEN])


def _one_of(name: str, values: frozenset[str]) -> ColumnElement[bool]:
    column = _COLUMNS.get(name)
    if column is not None:
        return column.in_(sorted(values))
    found = incident_alerts.c.labels[name].as_string()
    present = found.in_(sorted(values))
    return or_(present, found.is_(None)) if "" in values else present


async def _any(connection: AsyncConnection, *conditions: ColumnElement[bool]) -> bool:
    wanted = select(exists(select(incident_alerts.c.incident).where(*conditions)))
    return bool((await connection.execute(wanted)).scalar_one())


async def _changed(connection: AsyncConnection, change: Any) -> tuple[Concerned, ...]:
    returned = incident_alerts.c.incident, incident_alerts.c.instance, incident_alerts.c.firing
    rows = await connection.execute(change.returning(*returned))
    found = [Concerned(number=row.incident, instance=row.instance, firing=row.firing) for row in rows]
    return tuple(sorted(found, key=lambda each: (each.number, each.instance)))


def _linked(row: Row[Any]) -> LinkedAlert:
    return LinkedAlert(
        fingerprint=row.fingerprint,
        labels=row.labels,
        summary=row.summary,
        firing=row.firing,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        run_open=row.run_open,
        inhibited_by=row.inhibited_by,
    )
