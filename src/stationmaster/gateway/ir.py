"""What the gateway has to do, in words of no engine: pools, sites with routes, keys, an issuer, entrances."""

from dataclasses import dataclass, field
from enum import Enum

from stationmaster.core.problem import NOWHERE, Origin
from stationmaster.gateway.ir_policy import NO_POLICY, RoutePolicy


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An HTTP check of every endpoint of a pool; `body` is text that a good answer contains."""

    path: str
    status: int
    body: str | None
    interval_ms: int
    timeout_ms: int
    down_after: int
    up_after: int
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`weight` is 1 or more."""

    host: str
    port: int
    weight: int = 1
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    name: str
    balance: Balance
    check: Check | None = None
    endpoints: tuple[Endpoint, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Requests whose path is `prefix` or lies below it, at a `/`; `prefix` has no trailing slash, but for the root.

    `proofs` empty means that anybody may pass; otherwise any one of them opens the route to the `callers`.
    """

    name: str
    prefix: str
    strip: bool
    pool: str
    proofs: frozenset[Proof] = frozenset()
    callers: tuple[str, ...] = ()
    timeout_ms: int
    policy: RoutePolicy = NO_POLICY
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Routes in the order in which they are tried. `host` is a name, `*.` and a name, or `*` for all other names."""

    host: str
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """The secret `key` proves that the bearer is `caller`."""

    caller: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """Whose tokens prove a caller: `jwks` is the JSON of a key set (RFC 7517); their subject names the caller."""

    issuer: str
    audience: str
    jwks: str
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where a node listens for requests."""

    node: str
    host: str
    port: int
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Ir:
    """All that the gateway of one environment does."""

    environment: str
    issuer: TokenIssuer
    pools: tuple[Pool, ...] = ()
    sites: tuple[Site, ...] = ()
    keys: tuple[KeyHolder, ...] = ()
    entrances: tuple[Entrance, ...] = ()
