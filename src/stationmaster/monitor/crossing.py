"""What is asked for an API through every gateway node, and of its targets directly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stationmaster.core.names import InstanceName, UserName, VirtualHostName
from stationmaster.core.problem import NOWHERE
from stationmaster.core.spec import (
    Address,
    Api,
    CheckKind,
    HealthCheck,
    Instance,
    PathKind,
    PlatformSpec,
    Protocol,
    VirtualHost,
    path_rule,
)

_DIRECT_KINDS = {Protocol.HTTP: CheckKind.HTTP, Protocol.HTTPS: CheckKind.HTTPS, Protocol.H2C: CheckKind.TCP}
"""HTTP/2 without TLS is not spoken by the check: of such targets it looks whether they take connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeWay:
    """The way of an API through one node."""

    api: str
    node: str
    address: Address
    admin: Address

    @property
    def name(self) -> str:
        return f"{self.api}@{self.node}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One target of the API's virtual host, by its instance's name where it has one."""

    target: str
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """All that is asked for one API. `host` and `direct_host` are the Host headers that nodes and targets get (None:
    their address), `headers` those that the API demands of every request."""

    api: str
    service: str
    environment: str
    region: str
    """That of its instances, where all are in one."""
    check: HealthCheck
    direct_check: HealthCheck
    ways: tuple[NodeWay, ...]
    spots: tuple[Spot, ...]
    user: UserName | None = None
    host: str | None = None
    direct_host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def url(self, way: NodeWay) -> str:
        return f"http://{way.address}{self.check.path}"


def crossings_of(spec: PlatformSpec) -> tuple[Crossing, ...]:
    """Those of every API with a probe; none for what answers 503 on purpose."""
    hosts = {host.name: host for host in spec.virtual_hosts}
    return tuple(_crossings(spec, hosts))


def _crossings(spec: PlatformSpec, hosts: Mapping[VirtualHostName, VirtualHost]) -> Iterator[Crossing]:
    instances = {each.name: each for service in spec.services for each in service.instances}
    for api in spec.apis:
        host = hosts.get(api.virtual_host) if api.virtual_host else None
        in_maintenance = api.policies.maintenance is not None or (host is not None and host.maintenance is not None)
        if api.probe is not None and not in_maintenance:
            yield _crossing(spec, api, host, instances)


def _crossing(
    spec: PlatformSpec, api: Api, host: VirtualHost | None, instances: Mapping[InstanceName, Instance]
) -> Crossing:
    check = api.probe.check if api.probe else HealthCheck()
    targets = host.targets if host else ()
    regions = {instances[each.instance].region for each in targets if each.instance in instances and each.instance}
    path, upstream = _paths(api, check.path)
    plain = replace(check, kind=CheckKind.HTTP, path=path, origin=NOWHERE)
    public = api.hosts[0].replace("*", "probe") if api.hosts else None
    return Crossing(
        api=api.name,
        service=host.name if host else "",
        environment=spec.environment,
        region=regions.pop() if len(regions) == 1 else "",
        check=plain,
        direct_check=replace(
            plain,
            kind=_DIRECT_KINDS[host.protocol if host else Protocol.HTTP],
            path=upstream,
            max_latency_ms=None,
            verify_certificate=False,
        ),
        ways=tuple(NodeWay(api=api.name, node=node.name, address=node.listen, admin=node.admin) for node in spec.nodes),
        spots=tuple(
            dict.fromkeys(
                Spot(target=each.instance or str(each.address), address=each.address) for each in targets if each.weight
            )
        ),
        user=api.probe.user if api.probe else None,
        host=public,
        direct_host=host.name if host and not api.preserve_host else public,
        headers=tuple((each.name, each.value if each.value is not None else "1") for each in api.headers),
    )


def _paths(api: Api, below: str) -> tuple[str, str]:
    """The path that a client asks for and the one that a target gets; below a pattern there is nothing to be added, so
    that there the check's path stands for the whole."""
    rule = path_rule(api.paths[0])
    match rule.kind:
        case PathKind.REGEX:
            return below, below
        case PathKind.EXACT:
            return rule.text, "/" if api.strip_path else rule.text
        case PathKind.PREFIX:
            path = rule.text.rstrip("/") + below
            return path, below if api.strip_path else path
