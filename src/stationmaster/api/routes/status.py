"""The platform at a glance, and the registry document that the doctor follows."""

import os
from itertools import chain

from litestar import Controller, get

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire import InstanceStatus, NodeStatus, PlatformStatus, TargetStatus
from stationmaster.core.registry import (
    RegisteredApi,
    RegisteredConsumer,
    RegisteredNode,
    RegisteredTarget,
    Registry,
)
from stationmaster.core.spec import Api, Instance
from stationmaster.incidents.store import Status
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
            open_incidents=len(await platform.incidents.all(status=Status.TRIGGERED)),
            failing_loops=tuple(sorted(tasks.failing.value)),
        )

    @get("/registry")
    async def registry(self, platform: GivenPlatform) -> Registry:
        targets = await _targets(platform)
        links = platform.gateway.links()
        return Registry(
            environment=platform.spec.environment,
            apis=tuple(_registered(api, targets, platform) for api in platform.spec.apis),
            nodes=tuple(
                RegisteredNode(
                    name=node.name,
                    listen=str(node.listen),
                    connected=links[node.name].connected,
                    acknowledged=links[node.name].acknowledged,
                )
                for node in platform.spec.nodes
            ),
            consumers=tuple(
                RegisteredConsumer(username=user.name, apis=tuple(user.apis)) for user in platform.spec.api_users
            ),
        )


async def _nodes(platform: Platform) -> tuple[NodeStatus, ...]:
    processes = platform.fleet.processes.value
    linked = platform.gateway.links()
    seen = await platform.gateway.endpoints()
    return tuple(
        NodeStatus(
            name=node.name,
            listen=str(node.listen),
            pid=processes[node.name].pid if node.name in processes else None,
            connected=linked[node.name].connected,
            acknowledged=linked[node.name].acknowledged,
            healthy_targets=found.healthy if found else None,
            targets=found.total if found else None,
        )
        for node in platform.spec.nodes
        for found in [seen[node.name]]
    )


def _instances(platform: Platform) -> tuple[InstanceStatus, ...]:
    return tuple(
        _instance(platform, each, checked=service.health is not None)
        for service in platform.spec.services
        for each in service.instances
    )


def _instance(platform: Platform, instance: Instance, *, checked: bool) -> InstanceStatus:
    process = platform.fleet.processes.value.get(instance.name)
    health = platform.monitor.health.value.get(instance.name)
    return InstanceStatus(
        name=instance.name,
        service=instance.service,
        region=instance.region,
        address=str(instance.address),
        pid=process.pid if process else None,
        health="unchecked" if not checked else health.state.value if health else "unknown",
        detail=health.detail if health and health.state.value != "up" else "",
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
        )
        for each in await platform.gateway.rotation.targets()
    )


def _registered(api: Api, targets: tuple[TargetStatus, ...], platform: Platform) -> RegisteredApi:
    declared = chain.from_iterable(
        host.targets for host in platform.spec.virtual_hosts if host.name == api.virtual_host
    )
    states = {each.address: each.state for each in targets if each.virtual_host == api.virtual_host}
    return RegisteredApi(
        name=api.name,
        hosts=api.hosts,
        paths=api.paths,
        strip_path=api.strip_path,
        accepts=tuple(sorted(kind.value for kind in api.accepts)),
        virtual_host=api.virtual_host or "",
        targets=tuple(
            RegisteredTarget(
                address=str(target.address),
                weight=target.weight,
                instance=target.instance,
                state=states.get(str(target.address), "in"),
            )
            for target in declared
        ),
    )
