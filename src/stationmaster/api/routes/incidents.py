"""Incidents over REST."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import PathParameter, QueryParameter

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire import IncidentDetail, IncidentList, IncidentSummary, TimelineEntry
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.store import Incident, Status

_LARGEST_NUMBER = 2**63 - 1
"""What a database can hold."""


class IncidentRoutes(Controller):
    path = "/api/v1/incidents"

    @get()
    async def list_all(
        self,
        platform: GivenPlatform,
        status: Annotated[str, QueryParameter(description="Only triggered or only resolved ones.")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> IncidentList:
        found = await platform.incidents.all(status=_status(status), limit=limit)
        return IncidentList(incidents=tuple(map(_summary, found)))

    @get("/{number:int}")
    async def show(
        self, platform: GivenPlatform, number: Annotated[int, PathParameter(ge=1, le=_LARGEST_NUMBER)]
    ) -> IncidentDetail:
        found = await platform.incidents.find(number)
        if found is None:
            raise PlatformError(
                "unknown-incident", f"there is no incident #{number}", hint="`incident list` shows them", status=404
            )
        incident, entries = found
        timeline = (TimelineEntry(at=each.at, kind=each.kind, by=each.by, text=each.text) for each in entries)
        return IncidentDetail(incident=_summary(incident), timeline=tuple(timeline))


def _status(text: str) -> Status | None:
    try:
        return Status(text) if text else None
    except ValueError:
        known = ", ".join(each.value for each in Status)
        raise PlatformError("unknown-status", f"there is no status {text!r}", hint=f"known are {known}") from None


def _summary(incident: Incident) -> IncidentSummary:
    return IncidentSummary(
        number=incident.number,
        title=incident.title,
        status=incident.status.value,
        severity=incident.severity,
        service=incident.service,
        environment=incident.environment,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
    )
