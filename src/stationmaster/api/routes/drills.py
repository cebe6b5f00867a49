"""Drills over REST: what may be broken on purpose, breaking it, taking it back, and the reports."""

from collections.abc import Iterator
from typing import Annotated, TypeAlias

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK

from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_drills import (
    DrillFault,
    DrillList,
    DrillReportList,
    DrillReportOrder,
    DrillReportShown,
    DrillShown,
    DrillToken,
    FaultList,
    FaultOrder,
    FaultShown,
)
from stationmaster.core.drills import Fault
from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Api, PlatformSpec, Service
from stationmaster.drills.catalogue import Drill, drill_named, drills_of
from stationmaster.drills.desk import Drills
from stationmaster.drills.store import Injected, Reported
from stationmaster.platform import Platform
from stationmaster.runtime.db import utc_now

FaultId: TypeAlias = Annotated[str, PathParameter(max_length=64)]
DrillName: TypeAlias = Annotated[str, PathParameter(max_length=100, description="As the list of drills has it.")]
OfDrill: TypeAlias = Annotated[str, QueryParameter(max_length=100, description="Of this drill alone.")]
Instance: TypeAlias = Annotated[str, QueryParameter(max_length=255, description="Breaks this one, not the first.")]
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=1000)]


class FaultRoutes(Controller):
    path = "/api/v1/faults"
    tags = ("drills",)

    @get(summary="What was broken on purpose, the newest first")
    async def all(self, platform: GivenPlatform, limit: Limit = 50) -> FaultList:
        return FaultList(faults=tuple(map(_shown, await drills_room(platform).latest(limit))))

    @post(summary="Break something on purpose", opt={"runs": False})
    async def inject(self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[FaultOrder]) -> FaultShown:
        """403 where the environment does not allow drills."""
        fault = Fault(
            kind=data.kind,
            of=data.of,
            delay_ms=data.delay_ms,
            status=data.status,
            percent=data.percent,
            sticky=data.sticky,
        )
        made = await drills_room(platform).inject(fault, drill=data.drill, for_s=data.for_s, by=caller.name)
        return _shown(made)

    @delete("/{number:str}", status_code=HTTP_200_OK, summary="Take one back")
    async def take_back(self, platform: GivenPlatform, caller: GivenCaller, number: FaultId) -> FaultShown:
        return _shown(await drills_room(platform).take_back(number, by=caller.name))

    @delete(status_code=HTTP_200_OK, summary="Take all of a drill back, or all there are")
    async def take_all_back(self, platform: GivenPlatform, caller: GivenCaller, drill: OfDrill = "") -> FaultList:
        found = await drills_room(platform).take_back_all(drill=drill, by=caller.name)
        return FaultList(faults=tuple(map(_shown, found)))


class DrillRoutes(Controller):
    path = "/api/v1/drills"
    tags = ("drills",)

    @get(summary="The drills that what is declared makes possible")
    async def all(self, platform: GivenPlatform) -> DrillList:
        last = {each.drill: each for each in reversed(await drills_room(platform).reports(limit=1000))}
        shown = (shown_drill(each, platform.spec, last.get(each.name)) for each in drills_of(platform.spec))
        return DrillList(allowed=platform.spec.drills.allowed, drills=tuple(shown))

    @get("/reports", summary="What came of drills, the newest first")
    async def reports(self, platform: GivenPlatform, drill: OfDrill = "", limit: Limit = 50) -> DrillReportList:
        found = await drills_room(platform).reports(drill=drill, limit=limit)
        return DrillReportList(reports=tuple(map(_report, found)))

    @post("/reports", summary="Keep a report")
    async def report(
        self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[DrillReportOrder]
    ) -> DrillReportShown:
        room = drills_room(platform)
        number = await room.keep_report(
            drill=data.drill, runbook=data.runbook, by=caller.name, began_at=data.began_at, body=data.body
        )
        found = {each.id: each for each in await room.reports(drill=data.drill)}
        return _report(found[number])

    @get("/{name:str}", summary="One drill")
    async def one(self, platform: GivenPlatform, name: DrillName, instance: Instance = "") -> DrillShown:
        drill = drill_named(platform.spec, name, instance=instance)
        found = await drills_room(platform).reports(drill=name, limit=1)
        return shown_drill(drill, platform.spec, found[0] if found else None)

    @post("/{name:str}/token", summary="What its clients prove themselves with")
    async def token(self, platform: GivenPlatform, name: DrillName) -> DrillToken:
        """In the name of the user in whose name the API is probed; good for the life of a token of the key service."""
        return DrillToken(token=token_of(platform, drill_named(platform.spec, name).api))


def token_of(platform: Platform, name: str) -> str:
    """For calls of that API; empty where it is public, or probed in nobody's name."""
    api = _api(platform.spec, name)
    if api is None or not api.accepts or api.probe is None or api.probe.user is None:
        return ""
    return platform.keys.probe_token(UserName(api.probe.user), utc_now()) or ""


def drills_room(platform: Platform) -> Drills:
    """Raises PlatformError `no-drills` where nothing can be broken."""
    if platform.drills is None:
        hint = "ask the control plane of the platform"
        raise PlatformError("no-drills", "nothing can be broken on purpose here", hint=hint, status=404)
    return platform.drills


def _api(spec: PlatformSpec, name: str) -> Api | None:
    return next((each for each in spec.apis if each.name == name), None)


def shown_drill(drill: Drill, spec: PlatformSpec, last: Reported | None) -> DrillShown:
    api = _api(spec, drill.api)
    return DrillShown(
        name=drill.name,
        what=drill.what,
        faults=tuple(map(shown_fault, drill.faults)),
        for_s=drill.for_s,
        api=drill.api,
        url_paths=() if api is None else (_path(api, spec),),
        spared=drill.spared,
        cured=drill.cured,
        last_at=None if last is None else last.ended_at,
        last_passed=None if last is None else last.passed,
    )


def _path(api: Api, spec: PlatformSpec) -> str:
    """Of a call that its probe would make, otherwise of the health check behind it, otherwise its first plain path."""
    plain = next((each.lstrip("=") for each in api.paths if not each.startswith("~")), "/").rstrip("/")
    if api.probe is not None:
        return f"{plain}{api.probe.check.path}"
    health = next((each.health.path for each in _behind(api, spec) if each.health is not None), "")
    if api.strip_path:
        return f"{plain}{health}" or "/"
    return health if health.startswith(plain) else plain or "/"


def _behind(api: Api, spec: PlatformSpec) -> Iterator[Service]:
    host = next((each for each in spec.virtual_hosts if each.name == api.virtual_host), None)
    named = {target.instance for target in host.targets} if host is not None else set()
    return (each for each in spec.services if named & {instance.name for instance in each.instances})


def shown_fault(fault: Fault) -> DrillFault:
    return DrillFault(
        kind=fault.kind.value,
        of=fault.of,
        delay_ms=fault.delay_ms,
        status=fault.status,
        percent=fault.percent,
        sticky=fault.sticky,
    )


def _shown(each: Injected) -> FaultShown:
    return FaultShown(
        id=each.id,
        drill=each.drill,
        kind=each.fault.kind.value,
        of=each.fault.of,
        by=each.by,
        began_at=each.began_at,
        ends_at=each.ends_at,
        undone_at=each.undone_at,
        detail=each.detail,
    )


def _report(each: Reported) -> DrillReportShown:
    return DrillReportShown(
        id=each.id,
        drill=each.drill,
        runbook=each.runbook,
        by=each.by,
        began_at=each.began_at,
        ended_at=each.ended_at,
        passed=each.passed,
        body=each.body,
    )
