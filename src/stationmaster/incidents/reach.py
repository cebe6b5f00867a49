"""Tells which services and gateway nodes an alert is about, by its labels and by what is declared."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from stationmaster.core.facts import Alert
from stationmaster.core.spec import PlatformSpec, VirtualHost


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What stands behind a name: the services behind virtual hosts and APIs, by way of the targets, the regions of
    instances, the services that a service needs."""

    services: frozenset[str] = frozenset()
    behind_host: Mapping[str, frozenset[str]]
    behind_api: Mapping[str, frozenset[str]]
    of_instance: Mapping[str, str]
    region_of: Mapping[str, str]
    needs: Mapping[str, frozenset[str]]
    """Directly and by way of others."""
    nodes: frozenset[str] = frozenset()

    @staticmethod
    def of(spec: PlatformSpec) -> "Reach":
        """Worked out once for what is declared."""
        return _reach(_Same(spec))

    def services_of(self, labels: Mapping[str, str]) -> frozenset[str]:
        """Those that the labels `service`, `instance` or `api` lead to; a service that nobody declared stands for
        itself."""
        named = labels.get("service", "")
        if named in self.services:
            return frozenset({named})
        if self.behind_host.get(named):
            return self.behind_host[named]
        by_instance = self.of_instance.get(labels.get("instance", ""))
        if by_instance is not None:
            return frozenset({by_instance})
        behind = self.behind_api.get(labels.get("api", ""), frozenset())
        return behind or (frozenset({named}) if named else frozenset())

    def node_of(self, labels: Mapping[str, str]) -> str:
        """The gateway node that it is about, or nothing; metrics of a node name it as their instance."""
        named = labels.get("node") or labels.get("instance", "")
        return named if named in self.nodes or labels.get("node") else ""

    def region(self, labels: Mapping[str, str]) -> str:
        return labels.get("region") or self.region_of.get(labels.get("instance", ""), "")

    def grouped(self, alert: Alert) -> Mapping[str, str]:
        """The labels by which it is grouped: with the one service that it is about, where that can be told."""
        services = self.services_of(alert.labels)
        return {**alert.labels, "service": next(iter(services))} if len(services) == 1 else alert.labels


class _Same:
    """A spec that is looked up by its identity: comparing two of them costs more than working out what is asked."""

    __slots__ = ("spec",)

    def __init__(self, spec: PlatformSpec) -> None:
        self.spec = spec

    def __hash__(self) -> int:
        return id(self.spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.spec is self.spec


@lru_cache(maxsize=4)
def _reach(held: _Same) -> Reach:
    spec = held.spec
    instances = [each for service in spec.services for each in service.instances]
    of_address = {str(each.address): str(each.service) for each in instances}
    of_instance = {str(each.name): str(each.service) for each in instances}
    behind_host = {str(host.name): _behind(host, of_instance, of_address) for host in spec.virtual_hosts}
    return Reach(
        services=frozenset(str(each.name) for each in spec.services),
        behind_host=behind_host,
        behind_api={str(api.name): behind_host.get(str(api.virtual_host), frozenset()) for api in spec.apis},
        of_instance=of_instance,
        region_of={str(each.name): each.region for each in instances},
        needs=_needs({str(each.name): frozenset(map(str, each.depends_on)) for each in spec.services}),
        nodes=frozenset(str(each.name) for each in spec.nodes),
    )


def _behind(host: VirtualHost, of_instance: Mapping[str, str], of_address: Mapping[str, str]) -> frozenset[str]:
    found = (of_instance.get(str(each.instance)) or of_address.get(str(each.address)) for each in host.targets)
    return frozenset(each for each in found if each)


def _needs(direct: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    found = dict(direct)
    for _ in direct:
        wider = {name: each.union(*(found.get(one, frozenset()) for one in each)) for name, each in found.items()}
        if wider == found:
            break
        found = wider
    return found
