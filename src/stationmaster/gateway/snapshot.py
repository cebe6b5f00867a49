"""What one node is to be sent: named, versioned resources, and the difference between two states of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b

from stationmaster.core.problem import NOWHERE, Origin


class Kind(Enum):
    """Kinds of resources by their type address, in the order in which a node needs them."""

    POOL = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
    FILTER = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
    ENTRANCE = "type.googleapis.com/envoy.config.listener.v3.Listener"
    ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """`body` is the serialised message; `version` is a digest of it."""

    kind: Kind
    name: str
    version: str
    body: bytes = field(repr=False)
    origin: Origin = NOWHERE


def resource(kind: Kind, name: str, body: bytes, origin: Origin) -> Resource:
    return Resource(kind=kind, name=name, version=blake2b(body, digest_size=12).hexdigest(), body=body, origin=origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that one node is to have."""

    resources: Mapping[Kind, Mapping[str, Resource]]

    @property
    def versions(self) -> Mapping[tuple[Kind, str], str]:
        return {(kind, name): each.version for kind, named in self.resources.items() for name, each in named.items()}

    def of(self, kind: Kind) -> Mapping[str, Resource]:
        return self.resources.get(kind, {})


EMPTY = Snapshot(resources={})


def snapshot(resources: Iterable[Resource]) -> Snapshot:
    sorted_in: dict[Kind, dict[str, Resource]] = {kind: {} for kind in Kind}
    for each in resources:
        sorted_in[each.kind][each.name] = each
    return Snapshot(resources=sorted_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    changed: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


def difference(known: Mapping[str, str], wanted: Mapping[str, Resource]) -> Difference:
    """What leads from the known versions, by name, to the wanted resources."""
    return Difference(
        changed=tuple(each for name, each in wanted.items() if known.get(name) != each.version),
        removed=tuple(name for name in known if name not in wanted),
    )
