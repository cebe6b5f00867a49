"""Heartbeats over REST: programs beat, people say how often."""

from typing import Annotated, TypeAlias

from litestar import Controller, HttpMethod, delete, get, put, route
from litestar.params import JSONBody, PathParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.alertmanager import intake_of
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_intake import HeartbeatList, HeartbeatOrder, HeartbeatShown
from stationmaster.incidents.intake.heartbeats import Heartbeat
from stationmaster.runtime.db import utc_now

HeartbeatName: TypeAlias = Annotated[str, PathParameter(description="As `nightly-backup`.")]


class HeartbeatRoutes(Controller):
    path = "/api/v1/heartbeats"
    tags = ("intake",)

    @get(summary="Heartbeats, and which are missed")
    async def all(self, platform: GivenPlatform) -> HeartbeatList:
        found = await intake_of(platform).heartbeats()
        return HeartbeatList(heartbeats=tuple(_shown(beat, missed=missed) for beat, missed in found))

    @route(
        "/{name:str}",
        http_method=[HttpMethod.GET, HttpMethod.POST],
        opt={"role": Role.OPERATOR, "basic": True},
        status_code=200,
        summary="Beat",
    )
    async def beat(self, platform: GivenPlatform, name: HeartbeatName) -> HeartbeatShown:
        """By GET as well: some programs can do nothing else."""
        return _shown(await intake_of(platform).beat(name))

    @put("/{name:str}", summary="Say how often it beats")
    async def declare(
        self, platform: GivenPlatform, caller: GivenCaller, name: HeartbeatName, data: JSONBody[HeartbeatOrder]
    ) -> HeartbeatShown:
        wanted = Heartbeat(
            name=name,
            interval_s=data.interval_s,
            grace_s=data.grace_s,
            service=data.service[:128],
            severity=data.severity[:64],
            created_by=caller.name,
            created_at=utc_now(),
        )
        return _shown(await intake_of(platform).set_heartbeat(wanted, by=caller.name))

    @delete("/{name:str}", summary="Forget it, with its alert")
    async def forget(self, platform: GivenPlatform, caller: GivenCaller, name: HeartbeatName) -> None:
        await intake_of(platform).forget_heartbeat(name, by=caller.name)


def _shown(beat: Heartbeat, *, missed: bool = False) -> HeartbeatShown:
    return HeartbeatShown(
        name=beat.name,
        interval_s=beat.interval_s,
        grace_s=beat.grace_s,
        service=beat.service,
        severity=beat.severity,
        created_by=beat.created_by,
        beat_at=beat.beat_at,
        missed=missed,
    )
