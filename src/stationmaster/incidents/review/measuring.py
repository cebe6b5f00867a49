"""Reads from the store what is needed to measure incidents: openings, alerts, moments, faults that were injected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert, FaultInjected, IncidentOpened
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.linked import incident_alerts
from stationmaster.incidents.review.durations import BEFORE, Measured, Subject, measure, named
from stationmaster.incidents.store import incidents, merged_with, timeline
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_of

_MOMENTS = (
    "incident.acknowledged",
    "incident.mitigated",
    "incident.recovered",
    "incident.resolved",
    "incident.reopened",
)
_OF_MERGED = "incident.acknowledged"
_SLACK = timedelta(seconds=1)
"""Moments are kept as floating seconds."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What opened incidents, by their number, and what drills injected."""

    alerts: Mapping[int, Alert]
    faults: tuple[FaultInjected, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    service: str
    severity: str
    environment: str
    opened_at: datetime
    merged_into: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Lines of the timeline and labels of alerts are by the number of their incident."""

    opened: Opened
    lines: Mapping[int, list[Entry]]
    labels: Mapping[int, list[Mapping[str, str]]]


async def opened_since(database: Database, since: datetime) -> Opened:
    opened = await facts_of(database, IncidentOpened, since - _SLACK)
    faults = await facts_of(database, FaultInjected, since - BEFORE - _SLACK)
    return Opened({each.incident: each.alert for each in opened}, tuple(faults))


async def measured_since(database: Database, since: datetime, services: Mapping[str, str]) -> list[Measured]:
    """Every incident that opened since then; those that were merged belong to the one that they went into."""
    opened = await opened_since(database, since)
    async with database.read() as connection:
        subjects = await _subjects(connection, since, opened)
    return [measure(each, opened.faults, services) for each in subjects]


def services_of(spec: PlatformSpec) -> Mapping[str, str]:
    """Of every instance that is declared."""
    return {str(each.name): str(service.name) for service in spec.services for each in service.instances}


async def measured(
    database: Database, number: int, opened_at: datetime, services: Mapping[str, str]
) -> Measured | None:
    """None where the incident belongs to another one."""
    async with database.read() as connection:
        merged = await merged_with(connection, number)
        wanted = select(func.min(incidents.c.opened_at)).where(incidents.c.number.in_(merged))
        earliest: datetime | None = (await connection.execute(wanted)).scalar_one()
    since = opened_at if earliest is None else min(earliest, opened_at)
    opened = await opened_since(database, since)
    async with database.read() as connection:
        subjects = await _subjects(connection, since, opened)
    return next((measure(each, opened.faults, services) for each in subjects if each.number == number), None)


async def _subjects(connection: AsyncConnection, since: datetime, opened: Opened) -> list[Subject]:
    recent = incidents.c.opened_at >= since - _SLACK
    columns = (
        incidents.c.number,
        incidents.c.service,
        incidents.c.severity,
        incidents.c.environment,
        incidents.c.opened_at,
        incidents.c.merged_into,
    )
    found = await connection.execute(select(*columns).where(recent))
    rows = {row.number: _Row(**row._mapping) for row in found}
    lines = await _lines(connection, since)
    labels = await _labels(connection, since)
    members: dict[int, list[_Row]] = {}
    for row in rows.values():
        members.setdefault(_root(row.number, rows), []).append(row)
    known = _Known(opened=opened, lines=lines, labels=labels)
    return [_subject(rows[root], group, known) for root, group in members.items() if root in rows]


def _root(number: int, rows: Mapping[int, _Row]) -> int:
    """The incident that it went into at last, which may be older than what is looked at."""
    seen = {number}
    while number in rows and (into := rows[number].merged_into) is not None and into not in seen:
        number = into
        seen.add(number)
    return number


def _subject(
    row: _Row,
    group: Sequence[_Row],
    known: _Known,
) -> Subject:
    opened, lines, labels = known.opened, known.lines, known.labels
    others = [each for each in group if each.number != row.number]
    of_others = [line for each in others for line in lines.get(each.number, ()) if line.kind == _OF_MERGED]
    about, whole = named(labels.get(row.number, ()))
    return Subject(
        number=row.number,
        service=row.service,
        severity=row.severity,
        environment=row.environment,
        openings=tuple(each.opened_at for each in group),
        alerts=tuple(opened.alerts[each.number] for each in group if each.number in opened.alerts),
        lines=(*lines.get(row.number, ()), *of_others),
        about=about,
        whole=whole,
    )


async def _lines(connection: AsyncConnection, since: datetime) -> dict[int, list[Entry]]:
    recent = select(incidents.c.number).where(incidents.c.opened_at >= since - _SLACK)
    columns = (timeline.c.incident, timeline.c.at, timeline.c.kind, timeline.c.by)
    wanted = select(*columns).where(timeline.c.kind.in_(_MOMENTS), timeline.c.incident.in_(recent))
    found: dict[int, list[Entry]] = {}
    for row in await connection.execute(wanted.order_by(timeline.c.at, timeline.c.id)):
        found.setdefault(row.incident, []).append(Entry(at=row.at, kind=row.kind, by=row.by, text=""))
    return found


async def _labels(connection: AsyncConnection, since: datetime) -> dict[int, list[Mapping[str, str]]]:
    recent = select(incidents.c.number).where(incidents.c.opened_at >= since - _SLACK)
    wanted = select(incident_alerts.c.incident, incident_alerts.c.labels).where(incident_alerts.c.incident.in_(recent))
    found: dict[int, list[Mapping[str, str]]] = {}
    for row in await connection.execute(wanted):
        found.setdefault(row.incident, []).append(row.labels)
    return found
