"""What incidents were found to share with others, as rows: it is never forgotten, and grows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, Text, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.correlate import Case, Relation
from stationmaster.incidents.life import OPEN
from stationmaster.incidents.linked import incident_alerts
from stationmaster.incidents.store import incidents
from stationmaster.runtime.db import Instant, metadata

_MOST_ALERTS = 2000
_MOST_CASES = 200

relations = Table(
    "incident_relation",
    metadata,
    Column("incident", ForeignKey("incident.number"), primary_key=True),
    Column("cause", String(300), primary_key=True),
    Column("kind", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("numbers", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """`numbers` are the other incidents, since `at`."""

    cause: str
    why: str
    numbers: tuple[int, ...]
    at: datetime


async def keep(connection: AsyncConnection, number: int, found: Relation, at: datetime) -> None:
    values = {"kind": found.kind.value, "why": found.why, "numbers": list(found.numbers), "at": at}
    row = upsert(relations).values(incident=number, cause=found.cause[:300], **values)
    keys = [relations.c.incident, relations.c.cause]
    await connection.execute(row.on_conflict_do_update(index_elements=keys, set_=values))


async def of(connection: AsyncConnection, number: int) -> Sequence[Related]:
    """What explains most first."""
    wanted = select(relations).where(relations.c.incident == number).order_by(relations.c.kind, relations.c.cause)
    rows = await connection.execute(wanted)
    return [Related(cause=row.cause, why=row.why, numbers=tuple(row.numbers), at=row.at) for row in rows]


async def known(connection: AsyncConnection, numbers: Sequence[int]) -> Mapping[tuple[int, str], frozenset[int]]:
    """The other incidents that are known already, by incident and cause."""
    rows = await connection.execute(select(relations).where(relations.c.incident.in_(numbers)))
    return {(row.incident, row.cause): frozenset(row.numbers) for row in rows}


async def cases(connection: AsyncConnection) -> tuple[Case, ...]:
    """The newest open incidents of which something fires: so many that a storm does not make this slow."""
    wanted = (
        select(incident_alerts.c.incident, incident_alerts.c.labels)
        .join(incidents, incidents.c.number == incident_alerts.c.incident)
        .where(incident_alerts.c.firing, incidents.c.status.in_([each.value for each in OPEN]))
        .order_by(incident_alerts.c.incident.desc(), incident_alerts.c.fingerprint)
        .limit(_MOST_ALERTS)
    )
    found: dict[int, list[Mapping[str, str]]] = {}
    for row in await connection.execute(wanted):
        if row.incident in found or len(found) < _MOST_CASES:
            found.setdefault(row.incident, []).append(row.labels)
    return tuple(Case(number=number, alerts=tuple(labels)) for number, labels in found.items())
