"""Single processes of the platform over REST: restart without loss, stop and keep stopped, start, read the log."""

from typing import Annotated, TypeAlias

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_instances import InstanceChange, InstanceLog, InstanceOrder
from stationmaster.runtime.db import utc_now

_OPERATOR = {"role": Role.OPERATOR}

Name: TypeAlias = Annotated[str, PathParameter(max_length=255, description="An instance or a gateway node.")]


class InstanceRoutes(Controller):
    path = "/api/v1/instances/{name:str}"
    tags = ("instances",)

    @post("/restart", opt=_OPERATOR, summary="Restart it; no request is sent to it meanwhile")
    async def restart(
        self, platform: GivenPlatform, caller: GivenCaller, name: Name, data: JSONBody[InstanceOrder]
    ) -> InstanceChange:
        running = await platform.fleet.replace(name, by=caller.name, why=data.reason)
        return _change(name, "restart", caller.name, data.reason, running.pid)

    @post("/stop", opt=_OPERATOR, summary="Stop it and keep it stopped until it is started")
    async def stop(
        self, platform: GivenPlatform, caller: GivenCaller, name: Name, data: JSONBody[InstanceOrder]
    ) -> InstanceChange:
        await platform.fleet.stop(name, by=caller.name, why=data.reason)
        return _change(name, "stop", caller.name, data.reason, None)

    @post("/start", opt=_OPERATOR, summary="Let a stopped one run again")
    async def start(
        self, platform: GivenPlatform, caller: GivenCaller, name: Name, data: JSONBody[InstanceOrder]
    ) -> InstanceChange:
        running = await platform.fleet.start(name, by=caller.name, why=data.reason)
        return _change(name, "start", caller.name, data.reason, running.pid)

    @get("/log", summary="The end of its log")
    async def log(
        self, platform: GivenPlatform, name: Name, tail: Annotated[int, QueryParameter(ge=1, le=10_000)] = 100
    ) -> InstanceLog:
        return InstanceLog(name=name, text=await platform.fleet.logs(name, tail=tail))


def _change(name: str, action: str, by: str, reason: str, pid: int | None) -> InstanceChange:
    return InstanceChange(name=name, action=action, by=by, reason=reason, pid=pid, at=utc_now())
