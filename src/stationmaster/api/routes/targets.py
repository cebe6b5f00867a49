"""Targets over REST: their states, holds by hand, and why they are as they are."""

from dataclasses import replace
from typing import Annotated, TypeAlias

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_targets import (
    Event,
    FoundDisagreement,
    ReleaseOrder,
    SeenByNode,
    SeenDirectly,
    TargetChange,
    TargetExplanation,
    TargetOrder,
    TargetState,
    TargetStateList,
    WatchdogReport,
)
from stationmaster.core.facts import BalancerState, TargetChanged
from stationmaster.gateway.disagreement import Finding
from stationmaster.gateway.explain import Evidence, NodeSays, story, verdict
from stationmaster.gateway.inquiry import inquire
from stationmaster.gateway.targets import Sighting, TargetRow
from stationmaster.incidents.life import OPEN
from stationmaster.platform import Platform
from stationmaster.runtime.db import utc_now

HostName: TypeAlias = Annotated[str, PathParameter(max_length=255, description="A virtual host.")]
TargetName: TypeAlias = Annotated[str, PathParameter(max_length=300, description="An instance or HOST:PORT.")]
_CHANGE = {"role": Role.OPERATOR}


class TargetRoutes(Controller):
    path = "/api/v1"
    tags = ("targets",)

    @get("/targets", summary="Every target and its state")
    async def list_all(
        self,
        platform: GivenPlatform,
        virtual_host: Annotated[str, QueryParameter(description="Only those of one virtual host.")] = "",
        only: Annotated[str, QueryParameter(name="state", description="Only those in, out or drain.")] = "",
    ) -> TargetStateList:
        rows = await platform.gateway.rotation.targets()
        return TargetStateList(
            targets=tuple(
                _state(row) for row in rows if virtual_host in ("", row.virtual_host) and only in ("", row.state.value)
            )
        )

    @get("/watchdog", summary="Where nodes, registry and direct checks disagree for too long")
    async def watchdog(self, platform: GivenPlatform) -> WatchdogReport:
        return WatchdogReport(
            looked_at=platform.watchdog.looked_at, findings=tuple(map(found, platform.watchdog.findings.value))
        )

    @get("/virtual-hosts/{name:str}/targets/{target:str}/explain", summary="Why a target is in its state")
    async def explain(self, platform: GivenPlatform, name: HostName, target: TargetName) -> TargetExplanation:
        evidence = await inquire(platform.watchdog, name, target)
        return _explanation(evidence, await _incident(platform, evidence.row))

    @post("/virtual-hosts/{name:str}/targets/{target:str}/drain", summary="Let a target finish", opt=_CHANGE)
    async def drain(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: HostName,
        target: TargetName,
        data: JSONBody[TargetOrder],
    ) -> TargetChange:
        """It finishes the requests that it has and gets no new ones, until it is released."""
        return await _hold(platform, caller.name, name, target, BalancerState.DRAIN, data)

    @post("/virtual-hosts/{name:str}/targets/{target:str}/out", summary="Take a target out", opt=_CHANGE)
    async def take_out(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: HostName,
        target: TargetName,
        data: JSONBody[TargetOrder],
    ) -> TargetChange:
        """The gateway nodes forget it, until it is released."""
        return await _hold(platform, caller.name, name, target, BalancerState.OUT, data)

    @post("/virtual-hosts/{name:str}/targets/{target:str}/in", summary="Hold a target in", opt=_CHANGE)
    async def hold_in(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: HostName,
        target: TargetName,
        data: JSONBody[TargetOrder],
    ) -> TargetChange:
        """Self-healing and runbooks may not take it out, until it is released. The nodes go on checking it."""
        return await _hold(platform, caller.name, name, target, BalancerState.IN, data)

    @post("/virtual-hosts/{name:str}/targets/{target:str}/auto", summary="Release a target", opt=_CHANGE)
    async def release(
        self,
        platform: GivenPlatform,
        caller: GivenCaller,
        name: HostName,
        target: TargetName,
        data: JSONBody[ReleaseOrder],
    ) -> TargetChange:
        """It is in rotation, and automatic changes apply to it again."""
        return _change(await platform.gateway.rotation.release(name, target, by=caller.name, why=data.reason))


async def _hold(
    platform: Platform, by: str, host: str, target: str, state: BalancerState, order: TargetOrder
) -> TargetChange:
    change = await platform.gateway.rotation.hold(host, target, state, by=by, why=order.reason, force=order.force)
    return _change(change)


async def _incident(platform: Platform, row: TargetRow) -> str:
    """What an incident has to do with the target, in words."""
    if row.incident is not None and (about := await platform.incidents.find(row.incident)) is not None:
        return f"incident #{row.incident}, {about[0].title}, is {about[0].status.value}"
    owners = (each for each in platform.spec.services if row.instance in {own.name for own in each.instances})
    service = next((each.name for each in owners), "")
    for each in await platform.incidents.all(statuses=OPEN):
        if service and each.service == service:
            return f"incident #{each.number}, {each.title}, is open about its service {service}"
    return ""


def _explanation(evidence: Evidence, incident: str) -> TargetExplanation:
    now, direct = utc_now(), evidence.direct
    told = replace(evidence, incident=incident)
    return TargetExplanation(
        verdict=verdict(told),
        story=story(told, now),
        target=_state(told.row),
        declared_at=told.declared_at,
        nodes=tuple(map(_seen, told.nodes)),
        direct=SeenDirectly(ok=direct.ok, detail=direct.detail, since=direct.since) if direct else None,
        incident=incident,
        history=tuple(Event(at=each.at, by=each.by, text=each.text) for each in told.history),
        findings=tuple(map(found, told.findings)),
    )


def _seen(says: NodeSays) -> SeenByNode:
    sighting = says.sighting or Sighting(weight=0)
    return SeenByNode(
        node=says.node,
        connected=says.connected,
        newest=says.newest,
        answered=says.answered,
        known=says.sighting is not None,
        takes_requests=says.sighting is not None and sighting.takes_requests,
        failing=sighting.failing,
        failing_since=says.failing_since,
        draining=sighting.draining,
        weight=sighting.weight,
        succeeded=sighting.succeeded,
        failed=sighting.failed,
        timed_out=sighting.timed_out,
        under_way=sighting.under_way,
        connections=sighting.connections,
        connect_failures=sighting.connect_failures,
    )


def found(finding: Finding) -> FoundDisagreement:
    return FoundDisagreement(
        kind=finding.kind.value,
        text=finding.text,
        since=finding.since,
        node=finding.node,
        virtual_host=finding.virtual_host,
        target=finding.target,
        resent=finding.resent,
    )


def _state(row: TargetRow) -> TargetState:
    return TargetState(
        virtual_host=row.virtual_host,
        address=row.address,
        instance=row.instance,
        weight=row.weight,
        state=row.state.value,
        manual=row.manual,
        by=row.by,
        why=row.why,
        at=row.at,
        incident=row.incident,
    )


def _change(fact: TargetChanged) -> TargetChange:
    return TargetChange(
        virtual_host=fact.virtual_host,
        target=fact.target,
        state=fact.state.value,
        manual=fact.manual,
        by=fact.by,
        why=fact.why,
        at=fact.at,
        acknowledged=dict(fact.acknowledged),
        pending=fact.pending,
    )
