"""What the gateway has to do, in words of no engine: pools, sections of routes, keys, issuers, entrances."""

from dataclasses import dataclass, field
from enum import Enum

from stationmaster.core.problem import NOWHERE, Origin
from stationmaster.gateway.ir_policy import NO_POLICY, Certificate, Counting, EntranceBounds, RoutePolicy


class Balance(Enum):
    """How a pool picks the endpoint of a request."""

    TURNS = "turns"
    FEWEST_IN_FLIGHT = "fewest-in-flight"
    BY_CALLER = "by-caller"
    """Requests of one caller (or one source address) stay with one endpoint."""


class Proof(Enum):
    """How a caller shows who it is."""

    SIGNATURE = "signature"
    KEY = "key"


class Speaks(Enum):
    """What the endpoints of a pool understand."""

    HTTP1 = "http/1.1"
    HTTP2 = "http/2"
    TLS = "tls"
    """HTTP/1.1 or HTTP/2 inside TLS, as the endpoint chooses (ALPN, RFC 7301)."""


class CheckBy(Enum):
    """What a check does: send a request, open a connection, or ask the gRPC health protocol (grpc.health.v1)."""

    REQUEST = "request"
    CONNECTION = "connection"
    GRPC = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of every endpoint of a pool; `body` is text that a good answer contains, `service` what gRPC is asked."""

    by: CheckBy = CheckBy.REQUEST
    path: str = "/"
    status: int = 200
    body: str | None = None
    service: str = ""
    interval_ms: int
    timeout_ms: int
    down_after: int
    up_after: int
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`weight` is 1 or more. A `leaving` one finishes what it has and gets nothing new; a `forced` one gets requests
    whatever the checks of the pool say."""

    host: str
    port: int
    weight: int = 1
    leaving: bool = False
    forced: bool = False
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The most that one node has under way to a pool; `retry_percent` is the share that retries may have."""

    connections: int = 16_384
    requests: int = 16_384
    waiting: int = 16_384
    retry_percent: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """`ramp_ms`: an endpoint that comes back gets its full share after so long. `most_aside_percent`: the share of the
    endpoints that a node may put aside because of their answers."""

    name: str
    balance: Balance
    speaks: Speaks = Speaks.HTTP1
    check: Check | None = None
    breaker: Breaker = field(default_factory=Breaker)
    ramp_ms: int = 0
    most_aside_percent: int = 67
    hosts: tuple[str, ...] = ()
    """Addresses and names of all declared endpoints, whether they take traffic now or not."""
    endpoints: tuple[Endpoint, ...] = ()
    origin: Origin = NOWHERE


class PathMatch(Enum):
    """How the path of a request is compared with that of a route."""

    BELOW = "below"
    """The path itself and what lies below it, at a `/`."""
    EXACT = "exact"
    PATTERN = "pattern"
    """A regular expression (RE2) that matches the whole path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderMatch:
    """A request header that has to be there, with this exact value if there is one."""

    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Requests that match `path`, one of the `methods` and all `headers`; empty means any.

    A path that is matched from below has no trailing slash, but for the root. `pool` is None where the policy answers.
    `proofs` empty means that anybody may pass; otherwise any one of them opens the route to the `callers`, or to every
    proven caller. `issuers` are the names of those whose tokens count.
    """

    name: str
    path: str
    match: PathMatch = PathMatch.BELOW
    methods: tuple[str, ...] = ()
    headers: tuple[HeaderMatch, ...] = ()
    strip: bool
    keep_host: bool = True
    pool: str | None
    proofs: frozenset[Proof] = frozenset()
    issuers: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    every_caller: bool = False
    timeout_ms: int
    policy: RoutePolicy = NO_POLICY
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Routes in the order in which they are tried. `host` is a name, `*.` and a name, or `*` for all other names."""

    host: str
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The routes of all paths whose first segment is `segment`, so that one of many routes is found without a search.

    None is the section of everything else: the root, patterns, and requests for which their own section has no route.
    """

    segment: str | None
    sites: tuple[Site, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """The secret `key` proves that the bearer is `caller`; `name` is what the key is called where it may be told.

    `routes` are the names of those that it opens; None means all that the caller may pass.
    """

    caller: str
    key: str = field(repr=False)
    name: str
    routes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShard:
    """The keys whose text begins with `prefix`."""

    prefix: str
    holders: tuple[KeyHolder, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """Whose tokens prove a caller: `jwks` is the JSON of a key set (RFC 7517), `caller_claim` names the caller.

    `audiences` empty means that a token may be meant for anybody. `names_routes`: the `scope` of its tokens names the
    only routes that they open.
    """

    name: str
    issuer: str
    audiences: tuple[str, ...]
    jwks: str
    caller_claim: str = "sub"
    names_routes: bool = False
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What is refused although it is well proven: tokens by their id (`jti`), and callers.

    `before` are pairs of a caller and a second since 1970: tokens of that caller that were issued before are refused.
    """

    tokens: frozenset[str] = frozenset()
    callers: frozenset[str] = frozenset()
    before: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSink:
    """Where spans of requests are sent over OTLP (by HTTP), in clear text or `secure` inside TLS; `share` of the
    requests, 0 to 1, have one."""

    host: str
    port: int
    path: str
    secure: bool
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where a node listens for requests, in clear text or `secure` inside TLS."""

    node: str
    host: str
    port: int
    secure: bool = False
    bounds: EntranceBounds = field(default_factory=EntranceBounds)
    traces: TraceSink | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ir:
    """All that the gateway of one environment does.

    `trusts` holds every choice of issuers that some route makes.
    """

    environment: str
    pools: tuple[Pool, ...] = ()
    sections: tuple[Section, ...] = ()
    shards: tuple[KeyShard, ...] = ()
    issuers: tuple[TokenIssuer, ...] = ()
    trusts: tuple[tuple[str, ...], ...] = ()
    refused: Refused = Refused()
    entrances: tuple[Entrance, ...] = ()
    counting: Counting = field(default_factory=Counting)
    live_nodes: int = 1
    """Among how many nodes bounds are divided now."""
    traces: TraceSink | None = None
    certificate: Certificate | None = None
