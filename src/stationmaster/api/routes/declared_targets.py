"""The declared targets of a virtual host over REST: list them, add one or change its weight, take one away."""

from typing import Annotated, TypeAlias

from litestar import Controller, Response, delete, get, put
from litestar.params import JSONBody, PathParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.entities import IfMatch, Name, Wait
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.refusals import refusals
from stationmaster.api.told import changed, quoted, receipt
from stationmaster.api.wire_catalog import Changed, TargetEntry, TargetEntryList, WeightOrder
from stationmaster.catalog.conditions import Condition
from stationmaster.catalog.loop import Source
from stationmaster.catalog.targets import with_target, without_target
from stationmaster.core.spec import VirtualHost
from stationmaster.manifest.entity import EntityKind
from stationmaster.platform import Platform

TargetName: TypeAlias = Annotated[str, PathParameter(max_length=300, description="An instance or HOST:PORT.")]

_HOST = EntityKind.VIRTUAL_HOST
_CHANGE = {"role": Role.OPERATOR}


class DeclaredTargetRoutes(Controller):
    path = "/api/v1/virtual-hosts/{name:str}/targets"
    tags = ("virtual hosts",)

    @get(summary="The declared targets of a virtual host", responses=refusals(404))
    async def list_targets(self, platform: GivenPlatform, name: Name) -> Response[TargetEntryList]:
        row = platform.catalog.find(_HOST, name)
        host = _declared(platform, name)
        items = tuple(
            TargetEntry(instance=each.instance, address=str(each.address), weight=each.weight)
            for each in (host.targets if host else ())
        )
        return Response(TargetEntryList(items=items), headers={"etag": quoted(row.etag)})

    @put(
        "/{target:str}",
        summary="Add a target, or change its weight",
        opt=_CHANGE,
        responses=refusals(400, 404, 412),
    )
    async def put_target(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        target: TargetName,
        data: JSONBody[WeightOrder],
        if_match: IfMatch = "",
        wait: Wait = True,
    ) -> Response[Changed]:
        written = await platform.catalog.edit(
            _HOST,
            name,
            lambda body: with_target(body, _declared(platform, name), target, data.weight),
            source=Source(file=f"virtual-hosts/{name}"),
            who=caller.name,
            condition=Condition(if_match=if_match),
        )
        answer = await changed(platform, written, wait=wait)
        return Response(answer, headers={"etag": answer.entry.etag})

    @delete("/{target:str}", summary="Take a target away", opt=_CHANGE, responses=refusals(400, 404, 412))
    async def remove_target(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        target: TargetName,
        if_match: IfMatch = "",
        wait: Wait = True,
    ) -> None:
        await platform.catalog.edit(
            _HOST,
            name,
            lambda body: without_target(body, _declared(platform, name), target),
            source=Source(file=f"virtual-hosts/{name}"),
            who=caller.name,
            condition=Condition(if_match=if_match),
        )
        if wait:
            await receipt(platform)


def _declared(platform: Platform, name: str) -> VirtualHost | None:
    return next((each for each in platform.catalog.declared.value.virtual_hosts if each.name == name), None)
