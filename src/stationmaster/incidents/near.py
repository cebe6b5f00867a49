"""By what incidents take further alerts, as rows that are found by label, value and time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Column, ForeignKey, Index, String, Table, and_, false, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.group import Near, Terms
from stationmaster.incidents.life import OPEN
from stationmaster.incidents.linked import live_alert
from stationmaster.incidents.store import incidents
from stationmaster.runtime.db import Instant, metadata

_MOST = 20

groups = Table(
    "incident_group",
    metadata,
    Column("incident", ForeignKey("incident.number"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("value", String(4096), nullable=False),
    Column("last_at", Instant, nullable=False),
    Index("ix_incident_group_name_value", "name", "value", "last_at"),
)


async def keep(connection: AsyncConnection, number: int, group: Mapping[str, str], at: datetime) -> None:
    rows = [{"incident": number, "name": name, "value": value, "last_at": at} for name, value in group.items()]
    if rows:
        await connection.execute(insert(groups), rows)


async def touch(connection: AsyncConnection, number: int, at: datetime) -> None:
    """Another alert came."""
    later = groups.c.incident == number, groups.c.last_at < at
    await connection.execute(update(groups).where(*later).values(last_at=at))


async def of(connection: AsyncConnection, labels: Mapping[str, str], at: datetime, terms: Terms) -> Sequence[Near]:
    """Open incidents that agree with the labels, those of the latest alerts; few of them, however many are open."""
    shared = terms.shared(labels)
    if not shared:
        return ()
    same = or_(*(and_(groups.c.name == name, groups.c.value == labels.get(name, "")) for name in shared))
    other = groups.alias()
    differs = or_(
        false(),
        *(and_(other.c.name == name, other.c.value != labels[name]) for name in terms.group_by if labels.get(name)),
    )
    apart = select(other.c.incident).where(other.c.incident == groups.c.incident, differs).exists()
    wanted = (
        select(groups.c.incident, groups.c.last_at)
        .join(incidents, incidents.c.number == groups.c.incident)
        .where(
            same,
            groups.c.last_at >= at - timedelta(seconds=terms.window_s),
            incidents.c.status.in_([each.value for each in OPEN]),
            ~apart,
            live_alert(groups.c.incident),
        )
        .order_by(groups.c.last_at.desc(), groups.c.incident.desc())
        .limit(_MOST)
    )
    found = {row.incident: row.last_at for row in await connection.execute(wanted)}
    return await _loaded(connection, found)


async def _loaded(connection: AsyncConnection, found: Mapping[int, datetime]) -> Sequence[Near]:
    labels: dict[int, dict[str, str]] = {number: {} for number in found}
    for row in await connection.execute(select(groups).where(groups.c.incident.in_(list(found)))) if found else ():
        labels[row.incident][row.name] = row.value
    return [Near(number=number, group=labels[number], last_alert_at=at) for number, at in found.items()]
