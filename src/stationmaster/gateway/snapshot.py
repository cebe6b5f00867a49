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
    CERTIFICATE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
    ENTRANCE = "type.googleapis.com/envoy.config.listener.v3.Listener"
    SECTION = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"
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


Named = Mapping[str, Resource]
_NONE: Named = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that one node is to have. What did not change between two of them is best the same object: then it is
    not looked at again."""

    resources: Mapping[Kind, Named]

    @property
    def versions(self) -> Mapping[tuple[Kind, str], str]:
        return {(kind, name): each.version for kind, named in self.resources.items() for name, each in named.items()}

    def of(self, kind: Kind) -> Named:
        return self.resources.get(kind, _NONE)


EMPTY = Snapshot(resources={})


def snapshot(resources: Iterable[Resource]) -> Snapshot:
    sorted_in: dict[Kind, dict[str, Resource]] = {kind: {} for kind in Kind}
    for each in resources:
        sorted_in[each.kind][each.name] = each
    return Snapshot(resources=sorted_in)


def touched(before: Named, after: Named) -> tuple[str, ...]:
    """The names of what is new, changed or gone."""
    if before is after:
        return ()
    changed = [name for name, each in after.items() if (old := before.get(name)) is not each and not _same(old, each)]
    return (*changed, *(before.keys() - after.keys()))


def _same(old: Resource | None, new: Resource) -> bool:
    return old is not None and old.version == new.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    changed: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)
