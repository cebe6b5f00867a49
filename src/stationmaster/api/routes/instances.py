"""Single processes of the platform over REST: restart without loss, stop and keep stopped, start, read the
log, look inside."""

from typing import Annotated, TypeAlias

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_instances import (
    ExecOrder,
    ExecResult,
    InstanceChange,
    InstanceLog,
    InstanceOrder,
    InstanceUsage,
)
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

    @get("/log/follow", summary="The end of its log, then what it writes, for as long as somebody reads")
    async def follow(
        self, platform: GivenPlatform, name: Name, tail: Annotated[int, QueryParameter(ge=0, le=10_000)] = 20
    ) -> Stream:
        return Stream(platform.fleet.inside.follow(name, tail=tail), media_type="text/plain; charset=utf-8")

    @get("/usage", summary="What it uses at this moment")
    async def usage(self, platform: GivenPlatform, name: Name) -> InstanceUsage:
        used = await platform.fleet.inside.usage(name)
        return InstanceUsage(
            name=name,
            cpu_s=used.cpu_s if used else None,
            memory_bytes=used.memory_bytes if used else None,
            processes=used.processes if used else None,
        )

    @post("/exec", opt={"role": Role.ADMIN}, summary="Run a command inside of its surroundings", status_code=200)
    async def exec(
        self, platform: GivenPlatform, caller: GivenCaller, name: Name, data: JSONBody[ExecOrder]
    ) -> ExecResult:
        await platform.fleet.inside.note_exec(name, data.argv, by=caller.name, why=data.reason)
        result = await platform.fleet.inside.exec(name, data.argv, timeout_s=data.timeout_s)
        return ExecResult(name=name, exit_status=result.exit_status, output=result.output)


def _change(name: str, action: str, by: str, reason: str, pid: int | None) -> InstanceChange:
    return InstanceChange(name=name, action=action, by=by, reason=reason, pid=pid, at=utc_now())
