"""The declared platform one entity at a time over REST: list, show, put, patch and delete, by kind."""

from collections.abc import Mapping
from email.utils import format_datetime
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from litestar import Controller, Response, delete, get, patch, put
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter, RawBody

from stationmaster.access.roles import Role
from stationmaster.api.guard import ADMIN_KINDS, PERSON_KINDS
from stationmaster.api.openapi_bodies import operation_with, schema_of
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.refusals import refusals
from stationmaster.api.told import changed, entry, quoted, receipt
from stationmaster.api.wire_catalog import Changed, EntryList
from stationmaster.catalog.conditions import Condition
from stationmaster.catalog.filters import Wanted
from stationmaster.catalog.loop import Source, Written
from stationmaster.catalog.store import Declared
from stationmaster.core.problem import PlatformError
from stationmaster.manifest.entity import SETTINGS, EntityKind
from stationmaster.manifest.schema import (
    ApiDocument,
    ApiUserDocument,
    NodeDocument,
    SettingsDocument,
    TokenIssuerDocument,
)
from stationmaster.manifest.schema_hosts import ServiceDocument, VirtualHostDocument
from stationmaster.manifest.schema_response import ChannelDocument, PolicyDocument, ResponderDocument, ScheduleDocument
from stationmaster.platform import Platform

Name: TypeAlias = Annotated[str, PathParameter(max_length=255)]
IfMatch: TypeAlias = Annotated[str, HeaderParameter(name="If-Match", description="Only if it still has this ETag.")]
IfNoneMatch: TypeAlias = Annotated[
    str, HeaderParameter(name="If-None-Match", description="`*`: only if there is none of that name yet.")
]
Wait: TypeAlias = Annotated[
    bool, QueryParameter(description="Wait, at most 3 s, until the gateway nodes have answered.")
]
NameLike: TypeAlias = Annotated[str, QueryParameter(description="A part of the name, or a pattern with * and ?.")]
HostLike: TypeAlias = Annotated[str, QueryParameter(description="A part of a host name, or a pattern with * and ?.")]
PathLike: TypeAlias = Annotated[str, QueryParameter(description="A part of a path, or a pattern with * and ?.")]
HostName: TypeAlias = Annotated[str, QueryParameter(description="Those that lead to this virtual host.")]
UserName: TypeAlias = Annotated[str, QueryParameter(description="Those that this API user may call.")]
ApiName: TypeAlias = Annotated[str, QueryParameter(description="Those who may call this API.")]
GroupName: TypeAlias = Annotated[str, QueryParameter(description="Those with this group.")]
TargetName: TypeAlias = Annotated[str, QueryParameter(description="Those with this target, an instance or an address.")]
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=1000)]
After: TypeAlias = Annotated[str, QueryParameter(description="The `next` of the page before.")]

_CHANGE = {"role": Role.OPERATOR}
_MADE = ResponseSpec(Changed, description="There was none of that name before.", generate_examples=False)
_ANY_OBJECT = {"type": "object"}


class _Entities(Controller):
    """`noun` fills the summaries, `schema` describes one entity."""

    kind: ClassVar[EntityKind]
    noun: ClassVar[str]
    schema: ClassVar[Mapping[str, Any]] = _ANY_OBJECT

    def get_route_handlers(self) -> list[BaseRouteHandler]:
        handlers = super().get_route_handlers()
        bodies: dict[str, dict[str, Any]] = {
            "PUT": {"application/json": self.schema, "application/yaml": self.schema},
            "PATCH": {"application/merge-patch+json": _ANY_OBJECT},
        }
        for each in handlers:
            if self.kind in ADMIN_KINDS and "role" in each.opt:
                each.opt = {**each.opt, "role": Role.ADMIN}
            if self.kind in PERSON_KINDS and "role" in each.opt:
                each.opt = {**each.opt, "runs": False}
            if isinstance(each, HTTPRouteHandler) and each.summary:
                each.summary = each.summary.format(noun=self.noun)
                for method in each.http_methods & bodies.keys():
                    each.operation_class = operation_with(f"{self.noun} as the platform YAML writes it", bodies[method])
        return handlers


class NamedEntities(_Entities):
    """What all kinds with names have in common; each adds how it is listed."""

    @get("/{name:str}", summary="Show {noun}", responses=refusals(404))
    async def show(self, platform: GivenPlatform, name: Name) -> Response[dict[str, Any]]:
        return _shown(platform.catalog.find(self.kind, name))

    @put(
        "/{name:str}",
        summary="Create or replace {noun}",
        opt=_CHANGE,
        responses={201: _MADE, **refusals(400, 412, 413)},
    )
    async def replace(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        body: RawBody,
        if_match: IfMatch = "",
        if_none_match: IfNoneMatch = "",
        wait: Wait = True,
    ) -> Response[Changed]:
        written = await platform.catalog.put(
            self.kind,
            name,
            _text(body),
            source=self._source(name),
            who=caller.name,
            condition=Condition(if_match=if_match, if_none_match=if_none_match),
        )
        return await _written(platform, written, wait=wait)

    @patch(
        "/{name:str}",
        summary="Change some fields of {noun} by a JSON merge patch (RFC 7396)",
        opt=_CHANGE,
        responses=refusals(400, 404, 412, 413),
    )
    async def amend(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        body: RawBody,
        if_match: IfMatch = "",
        wait: Wait = True,
    ) -> Response[Changed]:
        written = await platform.catalog.patch(
            self.kind,
            name,
            _merge_patch(body),
            source=self._source(name),
            who=caller.name,
            condition=Condition(if_match=if_match),
        )
        return await _written(platform, written, wait=wait)

    @delete(
        "/{name:str}", summary="Delete {noun} that nothing refers to", opt=_CHANGE, responses=refusals(404, 409, 412)
    )
    async def remove(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: Name,
        if_match: IfMatch = "",
        wait: Wait = True,
    ) -> None:
        await platform.catalog.delete(self.kind, name, who=caller.name, condition=Condition(if_match=if_match))
        if wait:
            await receipt(platform)

    def _source(self, name: str) -> Source:
        return Source(file=f"{self.path.rpartition('/')[2]}/{name}")

    def _listed(self, platform: Platform, wanted: Wanted, limit: int, after: str) -> EntryList:
        page = platform.catalog.page(self.kind, wanted, limit=limit, after=after)
        items = tuple(map(entry, page.entries))
        return EntryList(items=items, total=page.total, next=items[-1].name if page.more else None)


class ApiRoutes(NamedEntities):
    path = "/api/v1/apis"
    tags = ("apis",)
    kind, noun = EntityKind.API, "an API"
    schema = schema_of(ApiDocument)

    @get(summary="APIs by name")
    async def list_apis(
        self,
        platform: GivenPlatform,
        name: NameLike = "",
        virtual_host: HostName = "",
        host: HostLike = "",
        path: PathLike = "",
        user: UserName = "",
        group: GroupName = "",
        limit: Limit = 100,
        after: After = "",
    ) -> EntryList:
        wanted = Wanted(name=name, virtual_host=virtual_host, host=host, path=path, user=user, group=group)
        return self._listed(platform, wanted, limit, after)


class UserRoutes(NamedEntities):
    path = "/api/v1/users"
    tags = ("users",)
    kind, noun = EntityKind.USER, "an API user"
    schema = schema_of(ApiUserDocument)

    @get(summary="API users by name")
    async def list_users(
        self,
        platform: GivenPlatform,
        name: NameLike = "",
        api: ApiName = "",
        group: GroupName = "",
        limit: Limit = 100,
        after: After = "",
    ) -> EntryList:
        return self._listed(platform, Wanted(name=name, api=api, group=group), limit, after)


class VirtualHostRoutes(NamedEntities):
    path = "/api/v1/virtual-hosts"
    tags = ("virtual hosts",)
    kind, noun = EntityKind.VIRTUAL_HOST, "a virtual host"
    schema = schema_of(VirtualHostDocument)

    @get(summary="Virtual hosts by name")
    async def list_virtual_hosts(
        self,
        platform: GivenPlatform,
        name: NameLike = "",
        target: TargetName = "",
        limit: Limit = 100,
        after: After = "",
    ) -> EntryList:
        return self._listed(platform, Wanted(name=name, target=target), limit, after)


class _NamedAlone(NamedEntities):
    @get(summary="All by name")
    async def list_all(
        self, platform: GivenPlatform, name: NameLike = "", limit: Limit = 100, after: After = ""
    ) -> EntryList:
        return self._listed(platform, Wanted(name=name), limit, after)


class ServiceRoutes(_NamedAlone):
    path = "/api/v1/services"
    tags = ("services",)
    kind, noun = EntityKind.SERVICE, "a service"
    schema = schema_of(ServiceDocument)


class NodeRoutes(_NamedAlone):
    path = "/api/v1/nodes"
    tags = ("gateway nodes",)
    kind, noun = EntityKind.NODE, "a gateway node"
    schema = schema_of(NodeDocument)


class TokenIssuerRoutes(_NamedAlone):
    path = "/api/v1/token-issuers"
    tags = ("token issuers",)
    kind, noun = EntityKind.TOKEN_ISSUER, "a token issuer"
    schema = schema_of(TokenIssuerDocument)


class ResponderRoutes(_NamedAlone):
    path = "/api/v1/responders"
    tags = ("responders",)
    kind, noun = EntityKind.RESPONDER, "a responder"
    schema = schema_of(ResponderDocument)


class ChannelRoutes(_NamedAlone):
    path = "/api/v1/channels"
    tags = ("channels",)
    kind, noun = EntityKind.CHANNEL, "a channel"
    schema = schema_of(ChannelDocument)


class ScheduleRoutes(_NamedAlone):
    path = "/api/v1/schedules"
    tags = ("schedules",)
    kind, noun = EntityKind.SCHEDULE, "a schedule"
    schema = schema_of(ScheduleDocument)


class EscalationPolicyRoutes(_NamedAlone):
    path = "/api/v1/escalation-policies"
    tags = ("escalation policies",)
    kind, noun = EntityKind.ESCALATION_POLICY, "an escalation policy"
    schema = schema_of(PolicyDocument)


class SettingsRoutes(_Entities):
    """What has no name of its own; there is always one."""

    path = "/api/v1/settings"
    tags = ("settings",)
    kind, noun = EntityKind.SETTINGS, "the settings"
    schema = schema_of(SettingsDocument)

    @get(summary="Show {noun}")
    async def show(self, platform: GivenPlatform) -> Response[dict[str, Any]]:
        return _shown(platform.catalog.find(self.kind, SETTINGS))

    @put(summary="Replace {noun}", opt=_CHANGE, responses=refusals(400, 412, 413))
    async def replace(
        self, platform: GivenPlatform, caller: GivenCaller, body: RawBody, if_match: IfMatch = "", wait: Wait = True
    ) -> Response[Changed]:
        written = await platform.catalog.put(
            self.kind,
            SETTINGS,
            _text(body),
            source=Source(file=SETTINGS),
            who=caller.name,
            condition=Condition(if_match=if_match),
        )
        return await _written(platform, written, wait=wait)

    @patch(
        summary="Change some of {noun} by a JSON merge patch (RFC 7396)", opt=_CHANGE, responses=refusals(400, 412, 413)
    )
    async def amend(
        self, platform: GivenPlatform, caller: GivenCaller, body: RawBody, if_match: IfMatch = "", wait: Wait = True
    ) -> Response[Changed]:
        written = await platform.catalog.patch(
            self.kind,
            SETTINGS,
            _merge_patch(body),
            source=Source(file=SETTINGS),
            who=caller.name,
            condition=Condition(if_match=if_match),
        )
        return await _written(platform, written, wait=wait)


def _shown(row: Declared) -> Response[dict[str, Any]]:
    """The entity as it is declared: what a client gets, edits and puts back with If-Match."""
    headers = {"etag": quoted(row.etag), "last-modified": format_datetime(row.changed_at, usegmt=True)}
    return Response(row.entity.body, headers=headers)


async def _written(platform: Platform, written: Written, *, wait: bool) -> Response[Changed]:
    made = written.change is not None and written.change.before is None
    answer = await changed(platform, written, wait=wait)
    return Response(answer, status_code=201 if made else 200, headers={"etag": answer.entry.etag})


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PlatformError("not-utf8", f"the body is no UTF-8: {error.reason}", hint="send it as UTF-8") from error


def _merge_patch(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        hint = 'send a JSON object with the fields to change, as {"timeout": "5s"}'
        raise PlatformError("bad-patch", f"the body is no merge patch: {error}", hint=hint) from error


ENTITY_ROUTES = (
    ApiRoutes,
    UserRoutes,
    VirtualHostRoutes,
    ServiceRoutes,
    NodeRoutes,
    TokenIssuerRoutes,
    ResponderRoutes,
    ChannelRoutes,
    ScheduleRoutes,
    EscalationPolicyRoutes,
    SettingsRoutes,
)
