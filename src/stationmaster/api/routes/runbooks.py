"""Runbooks over REST: the last drill of each."""

from litestar import Controller, get

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_runbooks import DrilledRunbookList, DrilledRunbookShown
from stationmaster.core.drilled import DrilledRunbook


class RunbookRoutes(Controller):
    path = "/api/v1/runbooks"
    tags = ("runs",)

    @get("/drills", summary="The last drill of each text of each runbook, the newest first")
    async def drills(self, platform: GivenPlatform) -> DrilledRunbookList:
        return DrilledRunbookList(runbooks=tuple(map(_shown, await platform.drilled())))


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
