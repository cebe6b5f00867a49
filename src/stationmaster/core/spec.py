"""What is declared: the environment, its services, gateway and users, as frozen values with their place in the YAML."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from stationmaster.core.address import Address as Address  # noqa: PLC0414 whoever declares needs addresses
from stationmaster.core.drills import DrillPolicy
from stationmaster.core.healing import NO_OVERRIDES, HealingOverrides
from stationmaster.core.healing import HealingPolicy as HealingPolicy  # noqa: PLC0414
from stationmaster.core.health import NODE_CHECKS as NODE_CHECKS  # noqa: PLC0414
from stationmaster.core.health import CheckKind as CheckKind  # noqa: PLC0414
from stationmaster.core.health import HealthCheck as HealthCheck  # noqa: PLC0414
from stationmaster.core.health import JsonValue as JsonValue  # noqa: PLC0414
from stationmaster.core.health import node_check as node_check  # noqa: PLC0414
from stationmaster.core.monitoring import Monitoring
from stationmaster.core.names import (
    ApiName,
    InstanceName,
    NodeName,
    ServiceName,
    UserName,
    VirtualHostName,
)
from stationmaster.core.policy import Maintenance, Policies, RateLimit
from stationmaster.core.problem import NOWHERE, Origin
from stationmaster.core.response import (
    Channel,
    EscalationPolicy,
    IncidentSettings,
    PolicyName,
    Responder,
    ReviewPolicy,
    Schedule,
    StatusPage,
)


class Supervision(Enum):
    """Who starts a process again when it died: the fleet at once, or the runbook of its incident."""

    RESTART = "restart"
    RUNBOOK = "runbook"


class ExecutorKind(Enum):
    """What runs the instances of a service: processes of this machine, or containers of its Docker engine."""

    PROCESS = "process"
    DOCKER = "docker"


class Algorithm(Enum):
    """How a virtual host picks a target, in Kong's words."""

    ROUND_ROBIN = "round-robin"
    LEAST_CONNECTIONS = "least-connections"
    CONSISTENT_HASHING = "consistent-hashing"


class CredentialKind(Enum):
    JWT = "jwt"
    API_KEY = "api-key"


class Protocol(Enum):
    """What the gateway speaks to the targets of a virtual host."""

    HTTP = "http"
    H2C = "h2c"
    """HTTP/2 without TLS, as gRPC servers speak it."""
    HTTPS = "https"


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
    `metrics` is the path under which every instance tells its metrics, if it does.

    `command` is the argv of one instance before its placeholders are filled ({address}, {host}, {port},
    {instance}, {region}, {service}); empty means that somebody else runs it and it is only watched. `env` is added to
    its environment, `directory` is where it starts. `image` and `mounts` (SOURCE:TARGET or SOURCE:TARGET:ro) are of
    containers.
    """

    name: ServiceName
    port: int
    command: tuple[str, ...] = ()
    executor: ExecutorKind = ExecutorKind.PROCESS
    image: str = ""
    env: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    mounts: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """What runbooks call it besides its name: the container or unit of its documents."""
    health: HealthCheck | None = None
    metrics: str | None = None
    escalation_policy: PolicyName | None = None
    depends_on: tuple[ServiceName, ...] = ()
    """Services without which it cannot answer."""
    supervision: Supervision = Supervision.RESTART
    healing: HealingOverrides = NO_OVERRIDES
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
class CircuitBreaker:
    """The most that one gateway node has under way to a virtual host; what is beyond is refused with 503.

    `retry_percent`: the share of the requests under way that may be retries (0 to 100).
    """

    max_connections: int = 16_384
    max_requests: int = 16_384
    max_pending: int = 16_384
    retry_percent: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualHost:
    """A ring balancer: targets behind one name, checked by every gateway node.

    `slow_start_ms`: a target that comes back gets its full share after so long; 0 means at once.
    `max_ejected_percent`: the share of its targets that passive detection may put aside.
    """

    name: VirtualHostName
    algorithm: Algorithm = Algorithm.ROUND_ROBIN
    protocol: Protocol = Protocol.HTTP
    health: HealthCheck | None = None
    circuit_breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    slow_start_ms: int = 0
    max_ejected_percent: int = 67
    maintenance: Maintenance | None = None
    targets: tuple[Target, ...] = ()
    origin: Origin = NOWHERE


class PathKind(Enum):
    PREFIX = "prefix"
    EXACT = "exact"
    REGEX = "regex"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """`/pets` matches `/pets` and what lies below it; `=/pets` matches that path alone; `~/pets/[0-9]+` is a regular
    expression (RE2) that has to match the whole path."""

    kind: PathKind
    text: str


def path_rule(written: str) -> PathRule:
    """Reads the notation of `Api.paths`."""
    match written[:1]:
        case "=":
            return PathRule(kind=PathKind.EXACT, text=written[1:])
        case "~":
            return PathRule(kind=PathKind.REGEX, text=written[1:])
        case _:
            return PathRule(kind=PathKind.PREFIX, text=written)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderRule:
    """A request header that has to be there, with this exact value if one is given."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What share of an API's requests has to be good over a window of days: answered without a server error (5xx),
    and, where `latency_ms` is given, within that time. `percent` is above 0 and below 100."""

    percent: float
    window_days: int = 30
    latency_ms: int | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiProbe:
    """A request through every gateway node, as a client would make it; `check.path` is below the API's first path.

    `user` names the API user in whose name it asks; None asks without credentials.
    """

    check: HealthCheck
    user: UserName | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A route into a virtual host. `accepts` empty means public; otherwise any one of the kinds opens it.

    `paths` are in the notation of `path_rule`. `methods` and `headers` narrow it; empty means any. Who may call it:
    users that name it, users of its `groups`, or, with `any_user`, every API user. `virtual_host` is None where a
    redirect answers.
    """

    name: ApiName
    paths: tuple[str, ...]
    virtual_host: VirtualHostName | None
    hosts: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    headers: tuple[HeaderRule, ...] = ()
    strip_path: bool = True
    preserve_host: bool = True
    accepts: frozenset[CredentialKind] = frozenset()
    groups: tuple[str, ...] = ()
    any_user: bool = False
    timeout_ms: int = 15_000
    policies: Policies = field(default_factory=Policies)
    objectives: tuple[Objective, ...] = ()
    probe: ApiProbe | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiUser:
    """A consumer of APIs; `apis` names those that it may call, `groups` opens those that name one of them.

    `rate_limits` bound all its requests to one API, in place of that API's limits by user.
    """

    name: UserName
    apis: tuple[ApiName, ...] = ()
    groups: tuple[str, ...] = ()
    rate_limits: tuple[RateLimit, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """A foreign issuer of JWTs, whose key set (RFC 7517) stands in a file or is fetched; `user_claim` names the API
    user."""

    name: str
    issuer: str
    audiences: tuple[str, ...] = ()
    jwks_file: Path | None = None
    jwks_uri: str | None = None
    user_claim: str = "sub"
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsCertificate:
    """PEM files of a certificate chain and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNode:
    """`listen_tls` is where it takes HTTPS, if it does."""

    name: NodeName
    listen: Address
    admin: Address
    listen_tls: Address | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLimits:
    """Bounds of one gateway node for everybody."""

    max_connections: int = 50_000
    max_header_kb: int = 60
    max_body_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTerms:
    """How the key service issues tokens and changes its signing keys."""

    lifetime_s: int = 3600
    algorithm: str = "RS256"
    """RS256, ES256 or EdDSA."""
    rotate_every_s: int = 30 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Where the control plane listens: its REST API and its xDS server. `api_tls` is where it takes HTTPS, if it does,
    with the certificate `tls`, or one of its own authority."""

    api: Address = field(default_factory=lambda: Address(host="127.0.0.1", port=4580))
    xds: Address = field(default_factory=lambda: Address(host="127.0.0.1", port=4581))
    api_tls: Address | None = None
    tls: TlsCertificate | None = None


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
    tls: TlsCertificate | None = None
    """Of all nodes; None means a certificate that the platform makes itself."""
    limits: GatewayLimits = field(default_factory=GatewayLimits)
    tokens: TokenTerms = field(default_factory=TokenTerms)
    token_issuers: tuple[TokenIssuer, ...] = ()
    control: Control = field(default_factory=Control)
    healing: HealingPolicy = field(default_factory=HealingPolicy)
    monitoring: Monitoring = field(default_factory=Monitoring)
    responders: tuple[Responder, ...] = ()
    channels: tuple[Channel, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    escalation_policies: tuple[EscalationPolicy, ...] = ()
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    status_page: StatusPage = field(default_factory=StatusPage)
    runbooks: tuple[Path, ...] = ()
    drills: DrillPolicy = field(default_factory=DrillPolicy)
    reviews: ReviewPolicy = field(default_factory=ReviewPolicy)

    def healing_of(self, service: str | None) -> HealingPolicy:
        """The bounds that hold for what concerns a service."""
        found = next((each for each in self.services if each.name == service), None)
        return self.healing if found is None else found.healing.over(self.healing)
