"""Runbooks over REST: the last drill of each, and the runs of incidents."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_runbooks import DrilledRunbookList, DrilledRunbookShown, IncidentRunList, IncidentRunShown
from stationmaster.core.drilled import DrilledRunbook
from stationmaster.runbooks.run_list import IncidentRun

_MOST = 1000


class RunbookRoutes(Controller):
    path = "/api/v1/runbooks"
    tags = ("runs",)

    @get("/drills", summary="The last drill of each text of each runbook, the newest first")
    async def drills(self, platform: GivenPlatform) -> DrilledRunbookList:
        return DrilledRunbookList(runbooks=tuple(map(_shown, await platform.drilled())))

    @get("/runs", summary="The runs that were opened for incidents, the newest first")
    async def runs(
        self,
        platform: GivenPlatform,
        incident: Annotated[int | None, QueryParameter(description="Those of one incident.", ge=1)] = None,
        limit: Annotated[int, QueryParameter(description="How many at most.", ge=1, le=_MOST)] = 100,
    ) -> IncidentRunList:
        found = await platform.runbooks.latest(incident=incident, limit=limit)
        return IncidentRunList(runs=tuple(map(_run_shown, found)))


def _shown(each: DrilledRunbook) -> DrilledRunbookShown:
    return DrilledRunbookShown(
        runbook=each.runbook,
        file=each.file,
        digest=each.digest,
        drill=each.drill,
        at=each.at,
        passed=each.passed,
        outcome=each.outcome,
        incident=each.incident,
    )


def _run_shown(each: IncidentRun) -> IncidentRunShown:
    return IncidentRunShown(
        run=each.id,
        incident=each.incident,
        runbook=each.runbook,
        file=each.file,
        host=each.host,
        began_at=each.started_at,
        ended_at=each.ended_at,
        outcome=each.outcome.value if each.outcome is not None else None,
        why=each.detail,
    )
