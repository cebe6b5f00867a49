"""Reads everything that is known of an incident, or of a time, out of the store: row by row, at one moment."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Select, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents import linked, silences_store, store
from stationmaster.incidents.bundle_clean import clean
from stationmaster.incidents.routing import matches
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.silences_store import silences
from stationmaster.runtime.audit import audit
from stationmaster.runtime.db import metadata
from stationmaster.runtime.outbox import outbox

Body: TypeAlias = Mapping[str, Any]
Found: TypeAlias = AsyncGenerator[tuple[str, Body], None]

_BEFORE, _AFTER = timedelta(hours=1), timedelta(minutes=15)
_LEFT_OUT = frozenset({"run_value"})
"""Values that somebody typed in may be secrets."""
_ABOUT_ALL = frozenset({"TargetChanged", "InstanceRestarted", "FaultInjected"})
"""Kinds of facts that bear on an incident although they name none."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    since: datetime
    until: datetime


async def of_incident(connection: AsyncConnection, number: int, now: datetime) -> Found:
    """Kinds and bodies: the incident and those merged into it, every table that names them with what belongs to its
    rows, the audit trail and the facts of that time, silences and revisions. Raises PlatformError `unknown-incident`.
    """
    incident = await store.known(connection, number)
    numbers = (number, *await store.merged_with(connection, number))
    async for found in _rows(connection, "incident", select(store.incidents).where(_in(store.incidents, numbers))):
        yield found
    for table in _roots():
        async for found in _rows(connection, table.name, select(table).where(table.c.incident.in_(numbers))):
            yield found
        for child, wanted in _children(table, numbers):
            async for found in _rows(connection, child.name, wanted):
                yield found
    window = await _window(connection, numbers, incident.opened_at, now if not incident.status.is_over else None)
    alerts = [each for one in numbers for each in await linked.alerts_of(connection, one, limit=10_000)]
    async for found in _changes(connection, window, numbers):
        yield found
    async for found in _facts(connection, window, numbers, frozenset(each.fingerprint for each in alerts)):
        yield found
    async for found in _silences(connection, window, [each.labels for each in alerts]):
        yield found
    async for found in _revisions(connection, window):
        yield found


async def of_time(connection: AsyncConnection, window: Window) -> Found:
    """The audit trail and every fact from `since` until `until` (not included)."""
    async for found in _rows(connection, "audit", select(audit).where(*_during(audit, window)).order_by(audit.c.id)):
        yield found
    async for found in _rows(connection, "fact", select(outbox).where(*_during(outbox, window)).order_by(outbox.c.id)):
        yield found


def _roots() -> list[Table]:
    """Tables whose rows name an incident, whichever room keeps them."""
    return [each for each in metadata.sorted_tables if "incident" in each.c and each.name not in _LEFT_OUT]


def _children(table: Table, numbers: Sequence[int]) -> list[tuple[Table, Select[Any]]]:
    """What belongs to rows of that table and names no incident itself."""
    found = []
    for child in metadata.sorted_tables:
        if "incident" in child.c or child.name in _LEFT_OUT:
            continue
        for key in child.foreign_keys:
            if key.column.table is table:
                ours = select(key.column).where(table.c.incident.in_(numbers))
                found.append((child, select(child).where(key.parent.in_(ours))))
    return found


async def _window(
    connection: AsyncConnection, numbers: Sequence[int], opened_at: datetime, open_until: datetime | None
) -> Window:
    """From an hour before it began until a while after the last that was written of it."""
    times = select(func.min(store.timeline.c.at), func.max(store.timeline.c.at))
    first, last = (await connection.execute(times.where(store.timeline.c.incident.in_(numbers)))).one()
    since, until = min(first or opened_at, opened_at), max(open_until or opened_at, last or opened_at)
    return Window(since=since - _BEFORE, until=until + _AFTER)


def _changes(connection: AsyncConnection, window: Window, numbers: Sequence[int]) -> Found:
    since, until = _during(audit, window)
    own = (audit.c.kind == "incident") & audit.c.name.in_([str(each) for each in numbers])
    return _rows(connection, "audit", select(audit).where(or_(since & until, own)).order_by(audit.c.id))


async def _facts(
    connection: AsyncConnection, window: Window, numbers: Sequence[int], fingerprints: frozenset[str]
) -> Found:
    wanted = select(outbox).where(*_during(outbox, window)).order_by(outbox.c.id)
    async for kind, body in _rows(connection, "fact", wanted):
        told = body["body"]
        about = told.get("incident")
        alert = told.get("alert")
        ours = isinstance(alert, dict) and alert.get("fingerprint") in fingerprints
        if about in numbers or (about is None and (ours or body["kind"] in _ABOUT_ALL)):
            yield kind, body


async def _silences(connection: AsyncConnection, window: Window, labels: Sequence[Mapping[str, str]]) -> Found:
    """Those that held at the time and are about one of the alerts."""
    held = await silences_store.ending_after(connection, window.since)
    ours = [each.id for each in held if each.starts_at < window.until and _is_about(each, labels)]
    async for found in _rows(connection, "silence", select(silences).where(silences.c.id.in_(ours))):
        yield found


def _is_about(silence: Silence, labels: Sequence[Mapping[str, str]]) -> bool:
    return any(matches(silence.matchers, each) for each in labels)


async def _revisions(connection: AsyncConnection, window: Window) -> Found:
    """What was declared: the revision that held when it began, and those of the time."""
    table = metadata.tables.get("catalog_revision")
    if table is None:
        return
    held = select(func.max(table.c.number)).where(table.c.at <= window.since).scalar_subquery()
    wanted = select(table).where(or_(table.c.number == held, table.c.at.between(window.since, window.until)))
    async for found in _rows(connection, table.name, wanted.order_by(table.c.number)):
        yield found


def _during(table: Table, window: Window) -> tuple[Any, Any]:
    return table.c.at >= window.since, table.c.at < window.until


def _in(table: Table, numbers: Sequence[int]) -> Any:
    return table.c.number.in_(numbers)


async def _rows(connection: AsyncConnection, kind: str, wanted: Select[Any]) -> Found:
    """Never more than some hundred at once in memory."""
    async with connection.stream(wanted.execution_options(yield_per=_AT_ONCE)) as rows:
        async for part in rows.mappings().partitions(_AT_ONCE):
            for row in part:
                # Names of tables and columns are a kind of str of their own.
                yield str(kind), {str(name): clean(name, value) for name, value in row.items()}
