"""Silences and maintenance windows over REST, in the words of the platform's own verbs."""

from datetime import datetime
from typing import Annotated, TypeAlias

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter

from stationmaster.api.routes.alertmanager import intake_of
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_intake import SilenceList, SilenceOrder, SilenceShown
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake import filters
from stationmaster.incidents.intake.alertmanager import moment
from stationmaster.incidents.routing import written
from stationmaster.incidents.silences import Silence
from stationmaster.runtime.db import utc_now

SilenceId: TypeAlias = Annotated[str, PathParameter(description="As the list shows it.")]


class SilenceRoutes(Controller):
    path = "/api/v1/silences"
    tags = ("intake",)

    @get(summary="Silences, those that ended lately too")
    async def all(self, platform: GivenPlatform) -> SilenceList:
        found = await intake_of(platform).silences.all()
        return SilenceList(silences=tuple(map(_shown, found)))

    @post(summary="Make a silence or a maintenance window")
    async def make(self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[SilenceOrder]) -> SilenceShown:
        now, silences = utc_now(), intake_of(platform).silences
        wanted = Silence(
            id="",
            matchers=tuple(map(filters.read, data.matchers)),
            starts_at=_moment(data.starts_at) or now,
            ends_at=_moment(data.ends_at) or now,
            created_by=caller.name,
            comment=data.comment[:4_096],
            updated_at=now,
            name=data.name[:200],
        )
        return _shown(await silences.find(await silences.put(wanted, by=caller.name)))

    @delete("/{number:str}", summary="End a silence")
    async def expire(self, platform: GivenPlatform, caller: GivenCaller, number: SilenceId) -> None:
        await intake_of(platform).silences.expire(number, by=caller.name)


def _moment(given: datetime | None) -> datetime | None:
    try:
        return moment(given)
    except ValueError as error:
        raise PlatformError("bad-moment", str(error), hint="is the year right?") from error


def _shown(silence: Silence) -> SilenceShown:
    now = utc_now()
    return SilenceShown(
        id=silence.id,
        state=silence.state(now).value,
        matchers=tuple(map(written, silence.matchers)),
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        created_by=silence.created_by,
        comment=silence.comment,
        name=silence.name,
        ends_soon=silence.notice_at <= now < silence.ends_at,
    )
