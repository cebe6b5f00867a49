"""Lists the runs of incidents, without their plans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.store import runs


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRun:
    """`outcome` is None while it is open; `host` is the instance that it is about, if it is about one."""

    id: str
    incident: int
    runbook: str
    file: str
    host: str
    started_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    detail: str


async def incident_runs(
    connection: AsyncConnection, *, incident: int | None = None, limit: int
) -> Sequence[IncidentRun]:
    """The newest first, `limit` at most; of one incident where it is named."""
    named = (runs.c.started_at, runs.c.ended_at, runs.c.outcome, runs.c.detail)
    wanted = select(runs.c.id, runs.c.incident, runs.c.runbook, runs.c.file, runs.c.host, *named)
    wanted = wanted.where(runs.c.incident.is_not(None) if incident is None else runs.c.incident == incident)
    rows = await connection.execute(wanted.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit))
    return [_run(row._mapping) for row in rows]


def _run(values: RowMapping) -> IncidentRun:
    return IncidentRun(**{**values, "outcome": Outcome(values["outcome"]) if values["outcome"] else None})
