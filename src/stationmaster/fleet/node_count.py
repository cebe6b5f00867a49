"""More or fewer gateway nodes than are declared, as the command line may ask for."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from stationmaster.core.names import NodeName
from stationmaster.core.spec import Address, GatewayNode, PlatformSpec


def with_nodes(spec: PlatformSpec, wanted: int) -> PlatformSpec:
    """The same platform with `wanted` gateway nodes: the first declared ones, then more of their kind.

    A further node is named after the last declared one and listens on the next ports of its host that nothing else in
    the platform is declared on. The same platform always gives the same nodes.
    """
    nodes = spec.nodes[:wanted]
    if not spec.nodes or wanted <= len(nodes):
        return replace(spec, nodes=nodes)
    return replace(spec, nodes=(*nodes, *_further(spec, wanted - len(nodes))))


def _further(spec: PlatformSpec, missing: int) -> Iterator[GatewayNode]:
    last = spec.nodes[-1]
    taken = _addresses(spec)
    names = {node.name for node in spec.nodes}
    numbers = (f"{last.name.rstrip('0123456789-') or 'gateway'}-{number}" for number in count(len(spec.nodes) + 1))
    free_names = (name for name in numbers if name not in names)
    for _ in range(missing):
        last = GatewayNode(
            name=NodeName(next(free_names)),
            listen=_next_free(last.listen, taken),
            admin=_next_free(last.admin, taken),
            listen_tls=_next_free(last.listen_tls, taken) if last.listen_tls else None,
            origin=last.origin,
        )
        yield last


def _next_free(after: Address, taken: set[Address]) -> Address:
    """Marks what it returns as taken; behind the last port it goes on with the first that needs no privilege."""
    ports = (1024 + (after.port - 1024 + step) % (65_536 - 1024) for step in count(1))
    addresses = (Address(host=after.host, port=port) for port in ports)
    found = next(each for each in addresses if each not in taken)
    taken.add(found)
    return found


def _addresses(spec: PlatformSpec) -> set[Address]:
    found = {spec.control.api, spec.control.xds} | ({spec.control.api_tls} if spec.control.api_tls else set())
    for node in spec.nodes:
        found |= {node.listen, node.admin} | ({node.listen_tls} if node.listen_tls else set())
    for service in spec.services:
        found |= {instance.address for instance in service.instances}
    return found | {target.address for host in spec.virtual_hosts for target in host.targets}
