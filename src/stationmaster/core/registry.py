"""The registry: what is declared, as the control plane tells the doctor and the doctor tells everybody."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from stationmaster.core.names import VirtualHostName
from stationmaster.core.spec import Api, ApiUser, GatewayNode, PlatformSpec, Target

T = TypeVar("T")


class Part(Enum):
    """What the registry can be asked for by itself; each part changes at its own pace."""

    APIS = "apis"
    NODES = "nodes"
    CONSUMERS = "consumers"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredTarget:
    address: str
    weight: int
    instance: str | None
    state: str
    """in, out or drain: whether it takes requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredApi:
    name: str
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    strip_path: bool
    accepts: tuple[str, ...]
    """Kinds of credentials that open it; none means public."""
    virtual_host: str
    targets: tuple[RegisteredTarget, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredNode:
    name: str
    listen: str
    connected: bool
    acknowledged: bool
    """The node serves the newest configuration."""
    listen_tls: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredConsumer:
    username: str
    apis: tuple[str, ...]
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPart(Generic[T]):
    environment: str
    data: tuple[T, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    environment: str
    apis: tuple[RegisteredApi, ...]
    nodes: tuple[RegisteredNode, ...]
    consumers: tuple[RegisteredConsumer, ...]


StateOf = Callable[[str, str], str]
"""The state of a target, by the names of its virtual host and its address."""


def registered_apis(spec: PlatformSpec, state_of: StateOf) -> tuple[RegisteredApi, ...]:
    def target(host: str, declared: Target) -> RegisteredTarget:
        address = str(declared.address)
        return RegisteredTarget(
            address=address, weight=declared.weight, instance=declared.instance, state=state_of(host, address)
        )

    wanted = {api.virtual_host for api in spec.apis}
    targets: dict[VirtualHostName | None, tuple[RegisteredTarget, ...]] = {
        host.name: tuple(target(host.name, each) for each in host.targets)
        for host in spec.virtual_hosts
        if host.name in wanted
    }
    return tuple(_api(api, targets.get(api.virtual_host, ())) for api in spec.apis)


def _api(api: Api, targets: tuple[RegisteredTarget, ...]) -> RegisteredApi:
    return RegisteredApi(
        name=api.name,
        hosts=api.hosts,
        paths=api.paths,
        strip_path=api.strip_path,
        accepts=tuple(sorted(kind.value for kind in api.accepts)),
        virtual_host=api.virtual_host or "",
        targets=targets,
    )


def registered_node(node: GatewayNode, *, connected: bool, acknowledged: bool) -> RegisteredNode:
    return RegisteredNode(
        name=node.name,
        listen=str(node.listen),
        listen_tls=str(node.listen_tls) if node.listen_tls else None,
        connected=connected,
        acknowledged=acknowledged,
    )


def registered_consumers(users: Iterable[ApiUser]) -> tuple[RegisteredConsumer, ...]:
    return tuple(RegisteredConsumer(username=user.name, apis=tuple(user.apis), groups=user.groups) for user in users)
