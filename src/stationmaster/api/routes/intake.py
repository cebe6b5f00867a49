"""Alerts from everywhere else: webhooks, events by routing key, any JSON; and what was taken in."""

from typing import Annotated, Any, Final, TypeAlias

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.params import JSONBody, PathParameter

from stationmaster.access.roles import Role
from stationmaster.api.guard import Public
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.alertmanager import BATCH_BYTES, intake_of
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_intake import (
    ForeignAlertList,
    ForeignAlertShown,
    MappingList,
    MappingOrder,
    NewRoutingKey,
    RoutingKeyList,
    RoutingKeyMade,
    RoutingKeyShown,
    Taken,
)
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake import events, generic, mappings, webhook
from stationmaster.incidents.intake.alertmanager import Batch
from stationmaster.incidents.intake.events import Event, EventAction
from stationmaster.incidents.intake.foreign import Ended
from stationmaster.incidents.intake.loop import Intake
from stationmaster.incidents.intake.routing_keys import RoutingKey
from stationmaster.platform import Platform
from stationmaster.runtime.db import utc_now

_SEND: Final = {"role": Role.OPERATOR, "basic": True}
_KEYED: Final = {"role": Public.ANYONE}
"""The routing key in the body is the proof."""
_EVENT_BYTES: Final = 524_288
SenderName: TypeAlias = Annotated[str, PathParameter(description="What sends, as `jenkins`.")]


class IntakeRoutes(Controller):
    path = "/api/v1/intake"
    tags = ("intake",)

    @get("/alerts", summary="Foreign alerts that fire")
    async def alerts(self, platform: GivenPlatform) -> ForeignAlertList:
        intake, now = intake_of(platform), utc_now()
        return ForeignAlertList(
            alerts=tuple(
                ForeignAlertShown(
                    key=each.given.key,
                    source=each.given.source,
                    labels=each.given.labels,
                    annotations=each.given.annotations,
                    starts_at=each.given.starts_at,
                    ends_at=each.given.ends_at,
                    updated_at=each.updated_at,
                    url=each.given.url,
                    silenced_by=tuple(one.id for one in intake.silences.of(each.given.labels, now)),
                    flapping=each.flaps.flapping,
                )
                for each in await intake.desk.firing()
            )
        )

    @post("/alertmanager", opt=_SEND, status_code=200, request_max_body_size=BATCH_BYTES, summary="Webhook, version 4")
    async def take_webhook(self, request: ApiRequest, platform: GivenPlatform) -> Response[Taken]:
        """Of Alertmanager's `webhook_configs`, and of Grafana."""
        return await _taken(intake_of(platform), webhook.read(await request.body(), utc_now()))

    @post("/json/{name:str}", opt=_SEND, status_code=200, request_max_body_size=BATCH_BYTES, summary="Any JSON")
    async def take_json(self, request: ApiRequest, platform: GivenPlatform, name: SenderName) -> Response[Taken]:
        """Read by the mapping that is kept for the name; parameters of the query go before it."""
        intake = intake_of(platform)
        async with intake.database.read() as connection:
            kept = await mappings.of(connection, mappings.checked_name(name))
        mapping = generic.checked({**kept, **dict(request.query_params)})
        if not mapping.fields:
            hint = "keep a mapping by PUT /api/v1/intake/mappings/NAME, or name paths in the query: ?summary=$.title"
            raise PlatformError("no-mapping", f"no mapping is known for {name}", hint=hint)
        return await _taken(intake, generic.read(name, await request.body(), mapping, utc_now()))

    @get("/mappings", summary="How foreign JSON is read")
    async def show_mappings(self, platform: GivenPlatform) -> MappingList:
        async with intake_of(platform).database.read() as connection:
            return MappingList(mappings=await mappings.all_of(connection))

    @put("/mappings/{name:str}", summary="Keep a mapping")
    async def keep_mapping(
        self, platform: GivenPlatform, name: SenderName, data: JSONBody[MappingOrder]
    ) -> MappingList:
        fields = generic.checked(data.fields).fields
        async with intake_of(platform).database.write() as connection:
            await mappings.keep(connection, name, fields)
            return MappingList(mappings=await mappings.all_of(connection))

    @delete("/mappings/{name:str}", summary="Forget a mapping")
    async def forget_mapping(self, platform: GivenPlatform, name: SenderName) -> None:
        async with intake_of(platform).database.write() as connection:
            await mappings.forget(connection, name)

    @get("/routing-keys", summary="Routing keys, revoked ones too")
    async def routing_keys(self, platform: GivenPlatform) -> RoutingKeyList:
        found = await intake_of(platform).keys.all()
        return RoutingKeyList(keys=tuple(map(_key, found)))

    @post("/routing-keys", summary="Make a routing key of a service", opt={"runs": False})
    async def make_routing_key(
        self, platform: GivenPlatform, caller: GivenCaller, data: JSONBody[NewRoutingKey]
    ) -> RoutingKeyMade:
        intake = intake_of(platform)
        known = {each.name for each in intake.declared.value.services}
        if data.service not in known:
            hint = f"declared are {', '.join(sorted(known)) or 'none'}"
            text = f"there is no service {data.service[:80]!r}"
            raise PlatformError("unknown-service", text, hint=hint, status=404)
        made, secret = await intake.keys.create(data.service, by=caller.name)
        return RoutingKeyMade(key=_key(made), routing_key=secret)

    @delete("/routing-keys/{number:str}", summary="Revoke a routing key")
    async def revoke_routing_key(self, platform: GivenPlatform, caller: GivenCaller, number: SenderName) -> None:
        await intake_of(platform).keys.revoke(number, by=caller.name)


class EventRoutes(Controller):
    """PagerDuty's Events API v2."""

    path = "/v2"
    tags = ("intake",)
    opt = _KEYED
    security = ({},)

    @post("/enqueue", status_code=202, request_max_body_size=_EVENT_BYTES, summary="Trigger, acknowledge, resolve")
    async def enqueue(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        try:
            event = events.read(await request.body())
            key = await _known(platform, event.routing_key)
        except PlatformError as error:
            return _invalid(error)
        await _done(intake_of(platform), event, key)
        return _event({"status": "success", "message": "Event processed", "dedup_key": event.dedup_key}, 202)

    @post("/change/enqueue", status_code=202, request_max_body_size=_EVENT_BYTES, summary="Something was changed")
    async def enqueue_change(self, request: ApiRequest, platform: GivenPlatform) -> Response[bytes]:
        try:
            change = events.read_change(await request.body())
            key = await _known(platform, change.routing_key)
        except PlatformError as error:
            return _invalid(error)
        await intake_of(platform).note_change(change, key)
        return _event({"status": "success", "message": "Change event processed"}, 202)


async def _taken(intake: Intake, batch: Batch) -> Response[Taken]:
    """Good alerts are kept, also where others are refused."""
    await intake.desk.take(batch.alerts)
    answer = Taken(accepted=len(batch.alerts), problems=batch.problems)
    return Response(answer, status_code=400 if batch.problems else 200)


async def _known(platform: Platform, routing_key: str) -> RoutingKey:
    found = await intake_of(platform).keys.service_of(routing_key)
    if found is None:
        raise PlatformError("invalid-event", "Invalid routing key", hint="`alert key create --service S` makes one")
    return found


async def _done(intake: Intake, event: Event, key: RoutingKey) -> None:
    now, alert_key = utc_now(), events.key_of(key.id, event.dedup_key)
    match event.action:
        case EventAction.TRIGGER:
            await intake.desk.take([events.alert_of(event, alert_key, key.service, now)])
        case EventAction.RESOLVE:
            await intake.desk.take([Ended(key=alert_key, at=now)])
        case EventAction.ACKNOWLEDGE:
            await intake.acknowledge(alert_key, f"routing key {key.id}")


def _invalid(error: PlatformError) -> Response[bytes]:
    if error.code != "invalid-event":
        raise error
    said = {"status": "invalid event", "message": "Event object is invalid", "errors": [error.message]}
    return _event(said, 400)


def _event(said: dict[str, Any], status: int) -> Response[bytes]:
    return Response(msgspec.json.encode(said), status_code=status, media_type="application/json")


def _key(key: RoutingKey) -> RoutingKeyShown:
    return RoutingKeyShown(
        id=key.id,
        service=key.service,
        prefix=key.prefix,
        created_at=key.created_at,
        created_by=key.created_by,
        revoked_at=key.revoked_at,
    )
