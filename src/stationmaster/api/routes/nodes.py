"""Gateway nodes over REST: how they do, and draining, stopping and starting them."""

import asyncio
from typing import Annotated, TypeAlias

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.wire_targets import GatewayNodeList, GatewayNodeState, NodeDone, NodeOrder
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import GatewayNode
from stationmaster.gateway import admin
from stationmaster.gateway.loop import NodeLink
from stationmaster.platform import Platform
from stationmaster.runtime import audit
from stationmaster.runtime.audit import Change
from stationmaster.runtime.db import utc_now

NodeName: TypeAlias = Annotated[str, PathParameter(max_length=255, description="A gateway node.")]
_CHANGE = {"role": Role.OPERATOR}


class GatewayNodeRoutes(Controller):
    path = "/api/v1/gateway-nodes"
    tags = ("gateway nodes",)

    @get(summary="Every gateway node and how it does")
    async def list_all(self, platform: GivenPlatform) -> GatewayNodeList:
        states = await asyncio.gather(*(_state(platform, node) for node in platform.spec.nodes))
        return GatewayNodeList(nodes=tuple(states))

    @get("/{name:str}", summary="How a gateway node does")
    async def show(self, platform: GivenPlatform, name: NodeName) -> GatewayNodeState:
        return await _state(platform, _find(platform, name))

    @post("/{name:str}/drain", summary="Let a node finish", opt=_CHANGE)
    async def drain(
        self, platform: GivenPlatform, caller: GivenCaller, name: NodeName, data: JSONBody[NodeOrder]
    ) -> NodeDone:
        """It finishes the requests that it has and takes no new connections; its process stays until it is started
        anew."""
        node = _find(platform, name)
        if await admin.drained(node.admin) is None:
            raise PlatformError(
                "node-away", f"{name} does not answer", hint=f"`node show {name}` tells how it does", status=409
            )
        idle = await admin.drain(node.admin)
        change = Change(
            at=utc_now(), who=caller.name, action="drain", kind="node", name=name, after={"why": data.reason}
        )
        async with platform.watchdog.database.write() as connection:
            await audit.record(connection, change)
        return NodeDone(name=name, done="drained: it is idle" if idle else "draining: requests are still under way")

    @post("/{name:str}/stop", summary="Drain a node and stop it", opt=_CHANGE)
    async def stop(
        self, platform: GivenPlatform, caller: GivenCaller, name: NodeName, data: JSONBody[NodeOrder]
    ) -> NodeDone:
        """It stays stopped until it is started. The last node that serves is not stopped."""
        await _refuse_last(platform, _find(platform, name))
        lived = await platform.fleet.stop(name, by=caller.name, why=data.reason or "stopped by hand")
        return NodeDone(name=name, done="drained and stopped" if lived else "was not running; it stays stopped")

    @post("/{name:str}/restart", summary="Drain a node, stop it and start it anew", opt=_CHANGE)
    async def restart(
        self, platform: GivenPlatform, caller: GivenCaller, name: NodeName, data: JSONBody[NodeOrder]
    ) -> NodeDone:
        """The others carry its traffic meanwhile: the last node that serves is not restarted."""
        node = _find(platform, name)
        if await _serves(node):
            await _refuse_last(platform, node)
        running = await platform.fleet.replace(name, by=caller.name, why=data.reason or "restarted by hand")
        return NodeDone(name=name, done=f"restarted; runs with pid {running.pid}")

    @post("/{name:str}/start", summary="Start a node", opt=_CHANGE)
    async def start(
        self, platform: GivenPlatform, caller: GivenCaller, name: NodeName, data: JSONBody[NodeOrder]
    ) -> NodeDone:
        """Starts one that was stopped, and one that was drained anew."""
        node = _find(platform, name)
        why = data.reason or "started by hand"
        if await admin.drained(node.admin):
            await platform.fleet.restart(name, by=caller.name, why=why)
            return NodeDone(name=name, done="was drained; started anew")
        running = await platform.fleet.start(name, by=caller.name, why=why)
        return NodeDone(name=name, done=f"runs with pid {running.pid}")


def _find(platform: Platform, name: str) -> GatewayNode:
    for node in platform.spec.nodes:
        if node.name == name:
            return node
    known = ", ".join(node.name for node in platform.spec.nodes) or "none"
    raise PlatformError("unknown-node", f"there is no gateway node {name!r}", hint=f"known are {known}", status=404)


async def _refuse_last(platform: Platform, node: GatewayNode) -> None:
    others = [each for each in platform.spec.nodes if each.name != node.name]
    serving = await asyncio.gather(*(_serves(each) for each in others))
    if not any(serving):
        raise PlatformError(
            "last-node",
            f"no other node serves: without {node.name} every request would fail",
            hint="start another node first, or `stationmaster down` to stop everything",
            status=409,
        )


async def _serves(node: GatewayNode) -> bool:
    return await admin.ready(node.admin) and not await admin.drained(node.admin)


async def _state(platform: Platform, node: GatewayNode) -> GatewayNodeState:
    process = platform.fleet.processes.value.get(node.name)
    held = platform.fleet.held.value.get(node.name)
    link = platform.gateway.links().get(node.name) or NodeLink(connected=False, acknowledged=False)
    ready, drained, under_way, endpoints = await asyncio.gather(
        admin.ready(node.admin), admin.drained(node.admin), admin.under_way(node.admin), admin.endpoints(node.admin)
    )
    word = "silent" if drained is None else "drained" if drained else "serving" if ready else "starting"
    if process is None:
        word = "held" if held else "stopped"
    return GatewayNodeState(
        name=node.name,
        listen=str(node.listen),
        admin=str(node.admin),
        pid=process.pid if process else None,
        state=word,
        connected=link.connected,
        acknowledged=link.acknowledged,
        under_way=under_way,
        healthy_targets=endpoints.healthy if endpoints else None,
        targets=endpoints.total if endpoints else None,
        held=str(held) if held else "",
        problems=_problems(platform, node.name),
    )


def _problems(platform: Platform, name: str) -> tuple[str, ...]:
    refused = (
        str(each) for each in platform.gateway.diagnostics() if each.message.startswith(f"gateway node {name} refuses")
    )
    return (*refused, *(each.text for each in platform.watchdog.findings.value if each.node == name))
