"""Incidents over REST: which there are, all that is known of one, and how it is described."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Controller, get, patch
from litestar.params import JSONBody, QueryParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.incident_words import IncidentNumber, diagnosis_of, story_of, summary_of, with_debts
from stationmaster.api.wire import IncidentList
from stationmaster.api.wire_incidents import IncidentEdit, IncidentStory
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Urgency
from stationmaster.incidents.acts import Edit
from stationmaster.incidents.life import OPEN, Status

_OPEN = "open"


class IncidentRoutes(Controller):
    path = "/api/v1/incidents"
    tags = ("incidents",)

    @get(summary="Incidents, the newest first")
    async def list_all(
        self,
        platform: GivenPlatform,
        status: Annotated[str, QueryParameter(description="Only those of one status; `open`: not resolved.")] = "",
        limit: Annotated[int, QueryParameter(ge=1, le=1000)] = 100,
    ) -> IncidentList:
        found = await platform.incidents.all(statuses=_statuses(status), limit=limit)
        owed = platform.incidents.updates_owed.value
        return IncidentList(incidents=tuple(with_debts(summary_of(each), owed) for each in found))

    @get("/{number:int}", summary="One incident with its timeline, alerts, pages and notes")
    async def show(self, platform: GivenPlatform, number: IncidentNumber) -> IncidentStory:
        found = story_of(await platform.incidents.story(number))
        incident = with_debts(found.incident, platform.incidents.updates_owed.value)
        made = await platform.runbooks.unattended.diagnoses(number)
        return msgspec.structs.replace(found, incident=incident, diagnoses=tuple(map(diagnosis_of, made)))

    @patch("/{number:int}", opt={"role": Role.OPERATOR}, summary="Change its title, severity, urgency or priority")
    async def edit(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[IncidentEdit]
    ) -> IncidentStory:
        urgency = None if data.urgency is None else _urgency(data.urgency)
        edit = Edit(title=data.title, severity=data.severity, urgency=urgency, priority=data.priority)
        await platform.incidents.acts.edit(number, edit, by=caller.name)
        return story_of(await platform.incidents.story(number))


def _statuses(text: str) -> Sequence[Status]:
    if text == _OPEN:
        return OPEN
    try:
        return (Status(text),) if text else ()
    except ValueError:
        known = ", ".join([_OPEN, *(each.value for each in Status)])
        raise PlatformError("unknown-status", f"there is no status {text!r}", hint=f"known are {known}") from None


def _urgency(text: str) -> Urgency:
    known = {each.value: each for each in Urgency}
    if text not in known:
        raise PlatformError("unknown-urgency", f"there is no urgency {text!r}", hint="write high or low")
    return known[text]
