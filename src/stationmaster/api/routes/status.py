"""The platform at a glance."""

import os

from litestar import Controller, get

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire import InstanceStatus, NodeStatus, PlatformStatus, TargetStatus
from stationmaster.core.spec import GatewayNode, Instance
from stationmaster.gateway.loop import NodeLink
from stationmaster.gateway.node import Endpoints
from stationmaster.platform import Platform
from stationmaster.runtime import tasks


class StatusRoutes(Controller):
    path = "/api/v1"

    @get("/status")
    async def status(self, platform: GivenPlatform) -> PlatformStatus:
        nodes, instances = await _nodes(platform), _instances(platform)
        served = all(node.serves_all for node in nodes)
        well = all(each.well for each in instances)
        return PlatformStatus(
            environment=platform.spec.environment,
            pid=os.getpid(),
            ready=served and well,
            nodes=nodes,
            instances=instances,
            targets=await _targets(platform),
            open_incidents=await platform.incidents.count_open(),
            failing_loops=tuple(sorted(tasks.failing.value)),
            problems=(
                *(f"{name}: {text}" for name, text in sorted(platform.fleet.problems.value.items())),
                *(each.text for each in platform.watchdog.findings.value),
                *platform.incidents.overdue.value,
                *platform.incidents.owed_words(),
                *platform.troubles(),
            ),
        )


async def _nodes(platform: Platform) -> tuple[NodeStatus, ...]:
    links = platform.gateway.links()
    seen = await platform.gateway.endpoints()
    return tuple(
        _node(platform, node, links[node.name], seen[node.name])
        for node in platform.spec.nodes
        if node.name in links and node.name in seen  # one that was declared a moment ago comes with the next answer
    )


def _node(platform: Platform, node: GatewayNode, link: NodeLink, seen: Endpoints | None) -> NodeStatus:
    process = platform.fleet.processes.value.get(node.name)
    held = platform.fleet.held.value.get(node.name)
    return NodeStatus(
        name=node.name,
        listen=str(node.listen),
        listen_tls=str(node.listen_tls) if node.listen_tls else None,
        pid=process.pid if process else None,
        connected=link.connected,
        acknowledged=link.acknowledged,
        healthy_targets=seen.healthy if seen else None,
        targets=seen.total if seen else None,
        held=str(held) if held else "",
    )


def _instances(platform: Platform) -> tuple[InstanceStatus, ...]:
    return tuple(
        _instance(platform, each, checked=service.health is not None)
        for service in platform.spec.services
        for each in service.instances
    )


def _instance(platform: Platform, instance: Instance, *, checked: bool) -> InstanceStatus:
    process = platform.fleet.processes.value.get(instance.name)
    held = platform.fleet.held.value.get(instance.name)
    health = platform.monitor.health.value.get(instance.name)
    state = "unchecked" if not checked else health.state.value if health else "unknown"
    return InstanceStatus(
        name=instance.name,
        service=instance.service,
        region=instance.region,
        address=str(instance.address),
        pid=process.pid if process else None,
        health="held" if held else state,
        detail=str(held) if held else health.detail if health and state != "up" else "",
    )


async def _targets(platform: Platform) -> tuple[TargetStatus, ...]:
    return tuple(
        TargetStatus(
            virtual_host=each.virtual_host,
            address=each.address,
            instance=each.instance,
            state=each.state.value,
            by=each.by,
            why=each.why,
            manual=each.manual,
        )
        for each in await platform.gateway.rotation.targets()
    )
