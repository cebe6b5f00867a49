"""What people do with incidents, over REST; everything stands in the audit trail with the caller's name."""

from datetime import datetime, timedelta

from litestar import Controller, post, put
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.incident_words import IncidentNumber, story_of
from stationmaster.api.wire_incidents import (
    ActOrder,
    AssignOrder,
    EscalateOrder,
    IncidentStory,
    MergeOrder,
    NoteOrder,
    RaiseOrder,
    SnoozeOrder,
    SplitOrder,
)
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.asking import target_of
from stationmaster.incidents.life import condition_of
from stationmaster.platform import Platform
from stationmaster.runtime.db import utc_now

_OPERATOR = {"role": Role.OPERATOR}
_OK = HTTP_200_OK


class IncidentActRoutes(Controller):
    path = "/api/v1/incidents/{number:int}"
    tags = ("incidents",)
    opt = _OPERATOR

    @post("/acknowledge", status_code=_OK, summary="Somebody looks at it: paging stops for as long as the policy says")
    async def acknowledge(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[ActOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.acknowledge(number, by=caller.name, note=data.why)
        return await _story(platform, number)

    @post("/unacknowledge", status_code=_OK, summary="Take the acknowledgement back")
    async def unacknowledge(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[ActOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.unacknowledge(number, by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/mitigate", status_code=_OK, summary="Nobody suffers any more; the cause is still there")
    async def mitigate(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[ActOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.mitigate(number, by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/resolve", status_code=_OK, summary="It is over")
    async def resolve(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[ActOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.resolve(number, by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/reopen", status_code=_OK, summary="It is not over: the chain of escalation begins anew")
    async def reopen(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[ActOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.reopen(number, by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/review", status_code=_OK, summary="What was to be learned from it stands written")
    async def review(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[ActOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.review(number, by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/snooze", status_code=_OK, summary="Page nobody until a moment")
    async def snooze(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[SnoozeOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.snooze(number, until=_until(data), by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/escalate", status_code=_OK, summary="Page the next level, or another one")
    async def escalate(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[EscalateOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.escalate(number, by=caller.name, level=data.level, why=data.why)
        return await _story(platform, number)

    @post("/assign", status_code=_OK, summary="Page somebody by name, or whoever is on duty")
    async def assign(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[AssignOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.assign(number, to=target_of(data.to), by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/raise", status_code=_OK, summary="A condition of the escalation policy holds from now on")
    async def raise_condition(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[RaiseOrder]
    ) -> IncidentStory:
        condition = condition_of(data.condition)
        await platform.incidents.acts.raise_condition(number, condition=condition, by=caller.name, why=data.why)
        return await _story(platform, number)

    @post("/notes", summary="Write a note")
    async def note(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[NoteOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.note(number, text=data.text, by=caller.name)
        return await _story(platform, number)

    @put("/notes/{note:int}", summary="Write a note anew; what stood there before is kept")
    async def rewrite_note(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        number: IncidentNumber,
        note: IncidentNumber,
        data: JSONBody[NoteOrder],
    ) -> IncidentStory:
        await platform.incidents.acts.rewrite_note(number, note, text=data.text, by=caller.name)
        return await _story(platform, number)

    @post("/merge", status_code=_OK, summary="Give its alerts to another incident, and end with it")
    async def merge(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[MergeOrder]
    ) -> IncidentStory:
        await platform.incidents.acts.merge(number, into=data.into, by=caller.name, why=data.why)
        return await _story(platform, data.into)

    @post("/split", summary="Give some of its alerts an incident of their own")
    async def split(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[SplitOrder]
    ) -> IncidentStory:
        chosen = data.fingerprints
        fresh = await platform.incidents.acts.split(number, fingerprints=chosen, by=caller.name, why=data.why)
        return await _story(platform, fresh)


async def _story(platform: Platform, number: int) -> IncidentStory:
    return story_of(await platform.incidents.story(number))


def _until(order: SnoozeOrder) -> datetime:
    if (order.until is None) == (order.seconds is None):
        hint = "say `seconds`, or `until` as 2026-11-21T03:00:00Z"
        raise PlatformError("bad-moment", "either how long or until when has to be said", hint=hint)
    if order.seconds is not None:
        return utc_now() + timedelta(seconds=order.seconds)
    if order.until is None or order.until.tzinfo is None:
        raise PlatformError("bad-moment", "`until` has no offset", hint="write it as 2026-11-21T03:00:00Z")
    return order.until
