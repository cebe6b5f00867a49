"""A checked document as the frozen spec, every part with its place in the YAML."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stationmaster.core.names import ApiName, InstanceName, NodeName, ServiceName, UserName, VirtualHostName
from stationmaster.core.spec import (
    Api,
    ApiUser,
    Control,
    GatewayNode,
    HealingPolicy,
    HealthCheck,
    Instance,
    PlatformSpec,
    Service,
    Target,
    VirtualHost,
)
from stationmaster.manifest.places import Places
from stationmaster.manifest.schema import (
    ApiDocument,
    HealthDocument,
    PlatformDocument,
    ServiceDocument,
    TargetDocument,
    VirtualHostDocument,
)
from stationmaster.manifest.values import parse_address, parse_duration


def build(document: PlatformDocument, places: Places, runbooks: tuple[Path, ...]) -> PlatformSpec:
    """The spec of a document in which `check` found nothing wrong."""
    builder = _Builder(places)
    services = tuple(builder.service(each) for each in document.services)
    running = {instance.name: (service, instance) for service in services for instance in service.instances}
    return PlatformSpec(
        environment=document.environment,
        regions=tuple(document.regions),
        issuer=document.issuer,
        services=services,
        virtual_hosts=tuple(builder.virtual_host(each, running) for each in document.virtual_hosts),
        apis=tuple(builder.api(each) for each in document.apis),
        api_users=tuple(
            ApiUser(name=UserName(each.name), apis=tuple(map(ApiName, each.apis)), origin=places.origin(each))
            for each in document.api_users
        ),
        nodes=builder.nodes(document),
        control=Control(api=parse_address(document.control.api), xds=parse_address(document.control.xds)),
        healing=HealingPolicy(
            min_targets=document.healing.min_targets,
            max_withdrawn_percent=document.healing.max_withdrawn_percent,
            max_restarts_per_hour=document.healing.max_restarts_per_hour,
        ),
        runbooks=runbooks,
    )


Running = Mapping[InstanceName, tuple[Service, Instance]]


@dataclass(frozen=True, slots=True)
class _Builder:
    places: Places

    def service(self, document: ServiceDocument) -> Service:
        name = ServiceName(document.name)
        return Service(
            name=name,
            port=document.port,
            command=tuple(document.command),
            health=self.health(document.health),
            supervision=document.supervision,
            instances=tuple(
                Instance(
                    name=InstanceName(each.name),
                    service=name,
                    region=each.region,
                    address=parse_address(each.address),
                    origin=self.places.origin(each),
                )
                for each in document.instances
            ),
            origin=self.places.origin(document),
        )

    def health(self, document: HealthDocument | None) -> HealthCheck | None:
        if document is None:
            return None
        return HealthCheck(
            path=document.path,
            status=document.status,
            contains=document.contains,
            interval_ms=parse_duration(document.interval),
            timeout_ms=parse_duration(document.timeout),
            down_after=document.down_after,
            up_after=document.up_after,
            origin=self.places.origin(document),
        )

    def virtual_host(self, document: VirtualHostDocument, running: Running) -> VirtualHost:
        targets = tuple(self.target(each, running) for each in document.targets)
        services = [running[target.instance][0] for target in targets if target.instance is not None]
        inherited = next((service.health for service in services if service.health is not None), None)
        return VirtualHost(
            name=VirtualHostName(document.name),
            algorithm=document.algorithm,
            health=self.health(document.health) or inherited,
            targets=targets,
            origin=self.places.origin(document),
        )

    def target(self, document: TargetDocument, running: Running) -> Target:
        instance = None if document.instance is None else running[InstanceName(document.instance)][1]
        return Target(
            address=parse_address(document.address or "") if instance is None else instance.address,
            weight=document.weight,
            instance=instance.name if instance else None,
            origin=self.places.origin(document),
        )

    def api(self, document: ApiDocument) -> Api:
        return Api(
            name=ApiName(document.name),
            paths=tuple(document.paths),
            virtual_host=VirtualHostName(document.virtual_host),
            hosts=tuple(host.lower() for host in document.hosts),
            strip_path=document.strip_path,
            accepts=frozenset(document.accepts),
            timeout_ms=parse_duration(document.timeout),
            origin=self.places.origin(document),
        )

    def nodes(self, document: PlatformDocument) -> tuple[GatewayNode, ...]:
        return tuple(
            GatewayNode(
                name=NodeName(each.name),
                listen=parse_address(each.listen),
                admin=parse_address(each.admin),
                origin=self.places.origin(each),
            )
            for each in document.gateway.nodes
        )
