"""PagerDuty's REST API v2, overrides of schedules: which there are, somebody else for a while, and an end of that."""

from typing import Any

from litestar import Controller, Response, delete, get, post
from litestar.status_codes import HTTP_201_CREATED, HTTP_204_NO_CONTENT

from stationmaster.api.pagerduty import ids, told_duty
from stationmaster.api.pagerduty.asked import asked, body, moment
from stationmaster.api.pagerduty.given import Requester, answer, requester, view_of
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.refusals import HANDLERS, bad, not_found
from stationmaster.api.pagerduty.view import View
from stationmaster.api.pagerduty.wire import GivenOverride, GivenOverrides
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.routes.oncall import oncall_of
from stationmaster.api.routes.pagerduty import TAKES_TOKEN, GivenId, GivenProof
from stationmaster.api.routes.pagerduty_directory import LONGEST, range_of
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override, ResponderName, Schedule
from stationmaster.incidents.duty_asking import Wanted
from stationmaster.platform import Platform

_MOST_AT_ONCE = 100


class PagerDutyOverrideRoutes(Controller):
    path = "/pagerduty/schedules/{own:str}/overrides"
    opt = TAKES_TOKEN
    include_in_schema = False
    exception_handlers = HANDLERS

    @get()
    async def all(self, request: ApiRequest, platform: GivenPlatform, own: GivenId) -> Response[bytes]:
        view, now = await view_of(request, platform), platform.incidents.clock.now()
        name, (since, until) = view.known_schedule(own).name, range_of(asked(request), now, LONGEST)
        found = [
            told_duty.override(view, each)
            for each in view.overrides
            if each.schedule == name and each.starts_at < until and since < each.ends_at
        ]
        return answer({"overrides": found})

    @post(status_code=HTTP_201_CREATED)
    async def add(
        self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof, own: GivenId
    ) -> Response[bytes]:
        """Of several each has a status of its own; one that is sent alone, as `override`, is answered alone."""
        view, given = await view_of(request, platform), await body(request, GivenOverrides)
        schedule, by = view.known_schedule(own), requester(request, proof, platform.spec)
        if given.override is not None:
            return answer({"override": await _add(platform, view, schedule, given.override, by)}, HTTP_201_CREATED)
        if not 0 < len(given.overrides) <= _MOST_AT_ONCE:
            raise bad(f"{len(given.overrides)} overrides are named", f"name 1 to {_MOST_AT_ONCE}")
        told = [await _tried(platform, view, schedule, each, by) for each in given.overrides]
        return answer(told, HTTP_201_CREATED)

    @delete("/{override:str}", status_code=HTTP_204_NO_CONTENT)
    async def end(
        self, request: ApiRequest, platform: GivenPlatform, proof: GivenProof, own: GivenId, override: GivenId
    ) -> None:
        """Whoever is on duty without it takes over at once."""
        view, number = await view_of(request, platform), ids.number_of(Kind.OVERRIDE, override)
        name = view.known_schedule(own).name
        if not any(each.number == number and each.schedule == name for each in view.overrides):
            raise not_found(override)
        by = requester(request, proof, platform.spec)
        await oncall_of(platform).end(number, by=by.signed)


async def _add(platform: Platform, view: View, schedule: Schedule, given: GivenOverride, by: Requester) -> object:
    wanted = Wanted(
        schedule=schedule.name,
        responder=ResponderName(view.known_user(given.user.id).name),
        starts_at=moment("start", given.start),
        ends_at=moment("end", given.end),
    )
    (kept,) = (await oncall_of(platform).add(wanted, by=by.signed)).overrides
    made = Override(
        number=kept.number,
        schedule=kept.schedule,
        responder=kept.responder,
        starts_at=kept.starts_at,
        ends_at=kept.ends_at,
    )
    return told_duty.override(view, made)


async def _tried(
    platform: Platform, view: View, schedule: Schedule, given: GivenOverride, by: Requester
) -> dict[str, Any]:
    try:
        return {"status": HTTP_201_CREATED, "override": await _add(platform, view, schedule, given, by)}
    except PlatformError as error:
        return {"status": 400, "errors": [each for each in (error.message, error.hint) if each], "override": given}
