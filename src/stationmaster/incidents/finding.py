"""Finds incidents and lines of timelines by many conditions at once, page by page, with what is told beside them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import TargetKind, Urgency
from stationmaster.incidents import store
from stationmaster.incidents.by_hand import KEY_LABEL
from stationmaster.incidents.life import OPEN, Status
from stationmaster.incidents.linked import incident_alerts
from stationmaster.incidents.paper import State, What, pages
from stationmaster.incidents.responders import Working, responders
from stationmaster.incidents.store import Incident, incidents, timeline
from stationmaster.incidents.timeline import Entry

SORTED_BY = ("number", "opened_at", "resolved_at", "urgency")
CHANGES = ("opened", "acknowledged", "unacknowledged", "mitigated", "resolved", "reopened", "reviewed", "merged")
"""Lines of a timeline by which its status changed."""


_FIRST = func.min(incident_alerts.c.starts_at).label("first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    by: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Empty and None ask for all. `since` and `until` bound the moment of opening; `assigned` are names of whom it was
    given to and that still is open; `fingerprints` are of one of its alerts."""

    statuses: Collection[Status] | None = None
    urgencies: Collection[Urgency] | None = None
    services: Collection[str] | None = None
    assigned: Collection[str] | None = None
    fingerprints: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    sorted_by: tuple[Order, ...] = (Order(by="number"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of what is found; `counted`: how many there are in all is asked for."""

    limit: int
    offset: int = 0
    counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What belongs to one incident."""

    alerts: int = 0
    firing: int = 0
    key: str = ""
    """What its first alert is told from others by: the key that somebody gave it, or its fingerprint."""
    given_to: tuple[Working, ...] = ()
    """Everybody who was paged for it or joined, with the first moment."""
    changed_at: datetime | None = None
    changed_by: str = ""
    first_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a timeline, with its number and that of its incident."""

    id: int
    incident: int
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesWanted:
    incident: int | None = None
    kinds: Collection[str] | None = None
    """Only lines of these kinds."""
    since: datetime | None = None
    until: datetime | None = None
    newest_first: bool = True


@dataclass(slots=True)
class _Gathered:
    """By number of incident."""

    alerts: dict[int, dict[str, Any]] = field(default_factory=dict)
    given_to: dict[int, dict[str, Working]] = field(default_factory=dict)
    changes: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    firsts: dict[int, int] = field(default_factory=dict)


async def search(
    connection: AsyncConnection, wanted: Wanted, window: Window
) -> tuple[Sequence[Incident], bool, int | None]:
    """Incidents; whether there are more behind them; how many in all, where that was asked."""
    chosen = select(incidents).where(*_conditions(wanted))
    for order in wanted.sorted_by:
        column = incidents.c[order.by]
        chosen = chosen.order_by(column.desc() if order.descending else column)
    rows, more, total = await _part(connection, chosen.order_by(incidents.c.number), window)
    return [store.incident_of(row) for row in rows], more, total


async def known(connection: AsyncConnection, numbers: Sequence[int]) -> Sequence[Incident]:
    """In the order of the numbers. Raises PlatformError `unknown-incident`."""
    rows = await connection.execute(select(incidents).where(incidents.c.number.in_(numbers)))
    found = {row.number: store.incident_of(row) for row in rows}
    return [found[each] if each in found else await store.known(connection, each) for each in numbers]


async def lines(
    connection: AsyncConnection, wanted: LinesWanted, window: Window
) -> tuple[Sequence[Line], bool, int | None]:
    order = timeline.c.id.desc() if wanted.newest_first else timeline.c.id
    at = timeline.c.at.desc() if wanted.newest_first else timeline.c.at
    chosen = select(timeline).order_by(at, order)
    if wanted.incident is not None:
        chosen = chosen.where(timeline.c.incident == wanted.incident)
    if wanted.kinds is not None:
        chosen = chosen.where(timeline.c.kind.in_(wanted.kinds))
    chosen = chosen.where(*_between(timeline.c.at, wanted.since, wanted.until))
    rows, more, total = await _part(connection, chosen, window)
    return [_line(row) for row in rows], more, total


async def line(connection: AsyncConnection, number: int) -> Line | None:
    row = (await connection.execute(select(timeline).where(timeline.c.id == number))).one_or_none()
    return None if row is None else _line(row)


async def open_services(connection: AsyncConnection) -> Mapping[str, Status]:
    """Services with open incidents, and whether one of them waits for somebody: TRIGGERED, else ACKNOWLEDGED."""
    wanted = select(incidents.c.service, incidents.c.status).distinct()
    rows = await connection.execute(wanted.where(incidents.c.status.in_([each.value for each in OPEN])))
    found: dict[str, Status] = {}
    for row in rows:
        waits = row.status == Status.TRIGGERED.value or found.get(row.service) is Status.TRIGGERED
        found[row.service] = Status.TRIGGERED if waits else Status.ACKNOWLEDGED
    return found


async def known_priorities(connection: AsyncConnection) -> Sequence[str]:
    """Every one that an incident has."""
    wanted = select(incidents.c.priority).where(incidents.c.priority != "").distinct().order_by(incidents.c.priority)
    return list((await connection.execute(wanted)).scalars())


async def beside(connection: AsyncConnection, numbers: Sequence[int]) -> Mapping[int, Beside]:
    """Of each of them."""
    found = _Gathered()
    await _gather_alerts(connection, numbers, found)
    await _gather_people(connection, numbers, found)
    await _gather_lines(connection, numbers, found)
    return {number: _beside(number, found) for number in numbers}


def _beside(number: int, found: _Gathered) -> Beside:
    changed_at, changed_by = found.changes.get(number, (None, ""))
    people = found.given_to.get(number, {}).values()
    return Beside(
        given_to=tuple(sorted(people, key=lambda each: (each.at, each.name))),
        changed_at=changed_at,
        changed_by=changed_by,
        first_line=found.firsts.get(number),
        **found.alerts.get(number, {}),
    )


async def _gather_alerts(connection: AsyncConnection, numbers: Sequence[int], found: _Gathered) -> None:
    of = incident_alerts.c
    counted = (
        select(of.incident, func.count().label("alerts"), func.sum(of.firing).label("firing"), _FIRST)
        .where(of.incident.in_(numbers))
        .group_by(of.incident)
        .subquery()
    )
    both = (of.incident == counted.c.incident) & (of.starts_at == counted.c.first)
    wanted = select(counted.c.alerts, counted.c.firing, of.incident, of.fingerprint, of.labels).join(counted, both)
    for row in await connection.execute(wanted.order_by(of.fingerprint)):
        key = row.labels.get(KEY_LABEL) or row.fingerprint
        found.alerts.setdefault(row.incident, {"alerts": row.alerts, "firing": row.firing, "key": key})


async def _gather_people(connection: AsyncConnection, numbers: Sequence[int], found: _Gathered) -> None:
    joined = select(responders).where(responders.c.incident.in_(numbers))
    paged = select(pages.c.incident, pages.c.target_name.label("name"), pages.c.reached_at.label("at"))
    for wanted in (joined, paged.where(pages.c.incident.in_(numbers), *_paged())):
        for row in await connection.execute(wanted):
            known = found.given_to.setdefault(row.incident, {})
            if row.name not in known or row.at < known[row.name].at:
                known[row.name] = Working(name=row.name, at=row.at, by="")


async def _gather_lines(connection: AsyncConnection, numbers: Sequence[int], found: _Gathered) -> None:
    firsts = select(timeline.c.incident, func.min(timeline.c.id)).where(timeline.c.incident.in_(numbers))
    found.firsts = {row[0]: row[1] for row in await connection.execute(firsts.group_by(timeline.c.incident))}
    kinds = [f"incident.{each}" for each in CHANGES]
    columns = (timeline.c.incident, timeline.c.at, timeline.c.by)
    changes = select(*columns).where(timeline.c.incident.in_(numbers), timeline.c.kind.in_(kinds))
    for row in await connection.execute(changes.order_by(timeline.c.at, timeline.c.id)):
        found.changes[row.incident] = (row.at, row.by)


def _paged() -> tuple[ColumnElement[bool], ...]:
    return (
        pages.c.what == What.PAGE.value,
        pages.c.target_kind == TargetKind.RESPONDER.value,
        pages.c.state != State.NEEDLESS.value,
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found = _between(incidents.c.opened_at, wanted.since, wanted.until)
    if wanted.statuses is not None:
        found.append(incidents.c.status.in_([each.value for each in wanted.statuses]))
    if wanted.urgencies is not None:
        found.append(incidents.c.urgency.in_([each.value for each in wanted.urgencies]))
    if wanted.services is not None:
        found.append(incidents.c.service.in_(wanted.services))
    if wanted.assigned is not None:
        joined = select(responders.c.incident).where(responders.c.name.in_(wanted.assigned))
        paged = select(pages.c.incident).where(pages.c.target_name.in_(wanted.assigned), *_paged())
        found.append(incidents.c.status.in_([each.value for each in OPEN]))
        found.append(or_(incidents.c.number.in_(joined), incidents.c.number.in_(paged)))
    if wanted.fingerprints is not None:
        of_alert = select(incident_alerts.c.incident).where(incident_alerts.c.fingerprint.in_(wanted.fingerprints))
        found.append(incidents.c.number.in_(of_alert))
    return found


def _between(
    column: ColumnElement[datetime], since: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    return [*([column >= since] if since else []), *([column < until] if until else [])]


async def _part(
    connection: AsyncConnection, chosen: Select[Any], window: Window
) -> tuple[Sequence[Row[Any]], bool, int | None]:
    """One row more than asked for tells whether there are any behind it."""
    rows = (await connection.execute(chosen.limit(window.limit + 1).offset(window.offset))).all()
    total: int | None = None
    if window.counted:
        counting = select(func.count()).select_from(chosen.order_by(None).subquery())
        total = (await connection.execute(counting)).scalar_one()
    return rows[: window.limit], len(rows) > window.limit, total


def _line(row: Row[Any]) -> Line:
    return Line(
        id=row.id,
        incident=row.incident,
        entry=Entry(at=row.at, kind=row.kind, by=row.by, text=row.text, key=row.key),
    )
