"""What is declared: the environment, its services, gateway and users, as frozen values with their place in the YAML."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NewType

from stationmaster.core.problem import NOWHERE, Origin

ServiceName = NewType("ServiceName", str)
InstanceName = NewType("InstanceName", str)
VirtualHostName = NewType("VirtualHostName", str)
ApiName = NewType("ApiName", str)
UserName = NewType("UserName", str)
NodeName = NewType("NodeName", str)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Address:
    """A TCP endpoint; `port` is 1 to 65535."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Supervision(Enum):
    """Who starts a process again when it died: the fleet at once, or the runbook of its incident."""

    RESTART = "restart"
    RUNBOOK = "runbook"


class Algorithm(Enum):
    """How a virtual host picks a target, in Kong's words."""

    ROUND_ROBIN = "round-robin"
    LEAST_CONNECTIONS = "least-connections"
    CONSISTENT_HASHING = "consistent-hashing"


class CredentialKind(Enum):
    JWT = "jwt"
    API_KEY = "api-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """An HTTP check of every instance; times in milliseconds, counts of consecutive answers."""

    path: str
    status: int = 200
    contains: str | None = None
    interval_ms: int = 500
    timeout_ms: int = 1000
    down_after: int = 2
    up_after: int = 2
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    name: InstanceName
    service: ServiceName
    region: str
    address: Address
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A program with instances. `port` is the port that its runbooks name; instances may listen elsewhere.

    `command` is the argv of one instance before its placeholders are filled ({address}, {host}, {port},
    {instance}, {region}, {service}); empty means that somebody else runs it and it is only watched.
    """

    name: ServiceName
    port: int
    command: tuple[str, ...] = ()
    health: HealthCheck | None = None
    supervision: Supervision = Supervision.RESTART
    instances: tuple[Instance, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One upstream of a virtual host; `weight` is 0 to 65535, 0 takes no traffic."""

    address: Address
    weight: int = 100
    instance: InstanceName | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHost:
    """A ring balancer: targets behind one name, checked by every gateway node."""

    name: VirtualHostName
    algorithm: Algorithm = Algorithm.ROUND_ROBIN
    health: HealthCheck | None = None
    targets: tuple[Target, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A route into a virtual host. `accepts` empty means public; otherwise any one of the kinds opens it."""

    name: ApiName
    paths: tuple[str, ...]
    virtual_host: VirtualHostName
    hosts: tuple[str, ...] = ()
    strip_path: bool = True
    accepts: frozenset[CredentialKind] = frozenset()
    timeout_ms: int = 15_000
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiUser:
    """A consumer of APIs; `apis` names those that it may call."""

    name: UserName
    apis: tuple[ApiName, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNode:
    name: NodeName
    listen: Address
    admin: Address
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Where the control plane listens: its REST API and its xDS server."""

    api: Address = Address(host="127.0.0.1", port=4580)
    xds: Address = Address(host="127.0.0.1", port=4581)


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingPolicy:
    """Bounds of what heals itself: never leave fewer targets in a virtual host, never withdraw a larger share."""

    min_targets: int = 1
    max_withdrawn_percent: int = 67
    max_restarts_per_hour: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSpec:
    """One environment as its YAML declares it; references between parts have been checked."""

    environment: str
    regions: tuple[str, ...] = ()
    issuer: str = "stationmaster"
    services: tuple[Service, ...] = ()
    virtual_hosts: tuple[VirtualHost, ...] = ()
    apis: tuple[Api, ...] = ()
    api_users: tuple[ApiUser, ...] = ()
    nodes: tuple[GatewayNode, ...] = ()
    control: Control = field(default_factory=Control)
    healing: HealingPolicy = field(default_factory=HealingPolicy)
    runbooks: tuple[Path, ...] = ()
