"""On-call over REST: who is on duty, shifts, overrides and swaps."""

from datetime import datetime, timedelta
from typing import Annotated, TypeAlias

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.oncall_words import LOOKED, on_duty_of, outcome_of, override_of, shift_of
from stationmaster.api.wire_oncall import (
    OnCallNow,
    OverrideList,
    OverrideOrder,
    OverrideOutcome,
    OverrideShown,
    ShiftList,
    SpanOrder,
    SwapOrder,
)
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ResponderName, ScheduleName
from stationmaster.incidents import duty_asking
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.duty_asking import Wanted
from stationmaster.platform import Platform

_OPERATOR = {"role": Role.OPERATOR}
_SHOWN = timedelta(days=14)
_LONGEST = timedelta(days=366)
_LARGEST_NUMBER = 2**31 - 1

ScheduleInPath: TypeAlias = Annotated[str, PathParameter(max_length=255, description="A schedule.")]
OverrideNumber: TypeAlias = Annotated[int, PathParameter(ge=1, le=_LARGEST_NUMBER)]
At: TypeAlias = Annotated[datetime | None, QueryParameter(description="A moment (RFC 3339, with its offset).")]


def oncall_of(platform: Platform) -> OnCall:
    if platform.oncall is None:
        hint = "ask the control plane of a whole platform"
        raise PlatformError("no-on-call", "no schedules are kept here", hint=hint, status=503)
    return platform.oncall


class OnCallRoutes(Controller):
    path = "/api/v1/on-call"
    tags = ("on-call",)

    @get(summary="Who is on duty at a moment, and until when")
    async def who(
        self,
        platform: GivenPlatform,
        at: At = None,
        service: Annotated[str, QueryParameter(description="The schedules that are paged for this service.")] = "",
        schedule: Annotated[str, QueryParameter(description="This schedule alone.")] = "",
    ) -> OnCallNow:
        oncall, spec = oncall_of(platform), platform.spec
        when = in_zone(at) or oncall.now()
        only = {duty_asking.schedule_of(spec, schedule).name} if schedule else {each.name for each in spec.schedules}
        only = only & duty_asking.schedules_for(spec, service) if service else only
        wanted = [each for each in spec.schedules if each.name in only]
        spans = [await oncall.duties(each, when - LOOKED, when + LOOKED) for each in wanted]
        shown = tuple(on_duty_of(spec, each, found, when) for each, found in zip(wanted, spans, strict=True))
        return OnCallNow(at=when, on_duty=shown)


class ShiftRoutes(Controller):
    path = "/api/v1/schedules/{name:str}/shifts"
    tags = ("on-call",)

    @get(summary="Shifts of a schedule, gaps included")
    async def shifts(
        self, platform: GivenPlatform, name: ScheduleInPath, since: At = None, until: At = None
    ) -> ShiftList:
        oncall = oncall_of(platform)
        schedule = duty_asking.schedule_of(platform.spec, name)
        begins = in_zone(since) or oncall.now()
        ends = in_zone(until) or begins + _SHOWN
        if not timedelta() < ends - begins <= _LONGEST:
            hint = "name a time of at most 366 days, its beginning first"
            raise PlatformError("bad-span", f"{begins.isoformat()} to {ends.isoformat()} cannot be shown", hint=hint)
        spans = await oncall.duties(schedule, begins, ends)
        return ShiftList(schedule=schedule.name, time_zone=schedule.time_zone, shifts=tuple(map(shift_of, spans)))


class OverrideRoutes(Controller):
    """Whoever may acknowledge an incident may also take over a shift, or give one away."""

    path = "/api/v1/overrides"
    tags = ("on-call",)

    @get(summary="Overrides, the newest first")
    async def all(
        self,
        platform: GivenPlatform,
        schedule: Annotated[str, QueryParameter(description="Of this schedule alone.")] = "",
        since: Annotated[
            datetime | None, QueryParameter(description="Those that end later than this; else that are not over.")
        ] = None,
    ) -> OverrideList:
        oncall = oncall_of(platform)
        found = await oncall.listed(schedule, since=in_zone(since) or oncall.now())
        spec = platform.spec
        return OverrideList(overrides=tuple(override_of(each, spec, oncall.now()) for each in found))

    @post(opt=_OPERATOR, summary="Put somebody on duty for a while, whatever the layers say")
    async def add(self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[OverrideOrder]) -> OverrideOutcome:
        oncall = oncall_of(platform)
        wanted = Wanted(
            schedule=ScheduleName(data.schedule),
            responder=ResponderName(data.responder),
            starts_at=in_zone(data.starts_at) or oncall.now(),
            ends_at=needed(data.ends_at),
            reason=data.reason,
        )
        outcome = await oncall.add(wanted, by=caller.name, dry_run=data.dry_run)
        return outcome_of(outcome, platform.spec, oncall.now(), dry_run=data.dry_run)

    @post("/swap", opt=_OPERATOR, summary="Let two people change turns")
    async def swap(self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[SwapOrder]) -> OverrideOutcome:
        oncall = oncall_of(platform)
        outcome = await oncall.swap(
            data.schedule,
            _span(data.one),
            _span(data.other),
            by=caller.name,
            reason=data.reason,
            dry_run=data.dry_run,
        )
        return outcome_of(outcome, platform.spec, oncall.now(), dry_run=data.dry_run)

    @delete("/{number:int}", opt=_OPERATOR, status_code=HTTP_200_OK, summary="End an override now")
    async def end(self, platform: GivenPlatform, caller: GivenCaller, number: OverrideNumber) -> OverrideShown:
        oncall = oncall_of(platform)
        ended = await oncall.end(number, by=caller.name)
        return override_of(ended, platform.spec, oncall.now())


def in_zone(at: datetime | None) -> datetime | None:
    return None if at is None else needed(at)


def needed(at: datetime) -> datetime:
    """Raises PlatformError `bad-moment` where nobody can know which zone is meant."""
    if at.tzinfo is None:
        hint = "write it as 2026-12-24T09:00:00Z or with +01:00"
        raise PlatformError("bad-moment", f"{at.isoformat()} has no offset", hint=hint)
    if not 2000 <= at.year <= 2200:
        hint = "is the year right?"
        raise PlatformError("bad-moment", f"{at.isoformat()} is too far away", hint=hint)
    return at


def _span(order: SpanOrder) -> tuple[datetime, datetime | None]:
    return needed(order.starts_at), in_zone(order.ends_at)
