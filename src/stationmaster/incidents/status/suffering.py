"""Reads which services and APIs the open incidents are about."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Urgency
from stationmaster.incidents.life import Status
from stationmaster.incidents.linked import incident_alerts
from stationmaster.incidents.status.standing import Suffering
from stationmaster.incidents.store import incidents

_FELT = (Status.TRIGGERED.value, Status.ACKNOWLEDGED.value)
"""After it is mitigated nobody suffers any more."""
_LABELS = ("service", "api", "instance", "node", "severity")


async def suffering(connection: AsyncConnection) -> Sequence[Suffering]:
    """Of every incident that is felt: what fires, and what somebody keeps open although nothing does."""
    return [*await _firing(connection), *await _kept_open(connection)]


async def _firing(connection: AsyncConnection) -> list[Suffering]:
    labels = [incident_alerts.c.labels[name].as_string().label(name) for name in _LABELS]
    wanted = (
        select(incidents.c.number, incidents.c.urgency, incidents.c.severity.label("whole"), *labels)
        .join(incident_alerts, incident_alerts.c.incident == incidents.c.number)
        .where(incidents.c.status.in_(_FELT), incident_alerts.c.firing)
        .distinct()
    )
    return [
        Suffering(
            incident=row.number,
            severity=row.severity or row.whole,
            urgency=Urgency(row.urgency),
            service=row.service or "",
            api=row.api or "",
            instance=row.instance or "",
            node=row.node or "",
        )
        for row in await connection.execute(wanted)
    ]


async def _kept_open(connection: AsyncConnection) -> list[Suffering]:
    fires = exists().where(incident_alerts.c.incident == incidents.c.number, incident_alerts.c.firing)
    wanted = select(incidents).where(incidents.c.kept_open, incidents.c.status.in_(_FELT), ~fires)
    return [
        Suffering(
            incident=row.number,
            severity=row.severity,
            urgency=Urgency(row.urgency),
            service=row.service,
            instance=row.instance,
        )
        for row in await connection.execute(wanted)
    ]
