"""What a route does to its requests beside where they go and who may send them."""

from dataclasses import dataclass, field
from enum import Enum

from stationmaster.core.problem import NOWHERE, Origin


class CountedBy(Enum):
    """Whose requests to one API a bound counts together."""

    EVERYBODY = "everybody"
    CALLER = "caller"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Bound:
    """At most `requests` in `per_ms`, over all nodes together."""

    requests: int
    per_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteBound:
    bound: Bound
    by: CountedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerBounds:
    """Bounds of one caller at every API, in place of what routes set by caller."""

    caller: str
    bounds: tuple[Bound, ...]
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """All that is counted: every bound that some route sets, how many of a kind one route sets at most, bounds of
    single callers, and among how many nodes a bound is divided."""

    bounds: tuple[RouteBound, ...] = ()
    most: tuple[tuple[CountedBy, int], ...] = ()
    callers: tuple[CallerBounds, ...] = ()
    nodes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossOrigin:
    """Which foreign web pages may call (Fetch standard). `origins` are exact, or the one `*`."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    request_headers: tuple[str, ...]
    response_headers: tuple[str, ...]
    credentials: bool
    max_age_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderEdits:
    """Pairs of name and value, which are text and nothing else; what is removed is removed first."""

    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of the requests, 0 to 100 percent, for another pool."""

    pool: str
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The answer sends the caller away; None keeps that part of the address that was asked for.

    `path` holds a query if it has one, and then replaces that of the request.
    """

    status: int
    scheme: str | None = None
    host: str | None = None
    port: int | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Everybody is answered with 503 and this message, whoever they are."""

    message: str
    retry_after_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Made on purpose: a share of the requests is held up, or answered with `abort_status` in the API's place."""

    delay_ms: int = 0
    delay_percent: int = 0
    abort_status: int = 0
    abort_percent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EntranceBounds:
    """What one node takes at most: open connections at each of its entrances, and the headers of a request."""

    max_connections: int = 50_000
    max_header_kb: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate chain and its private key, both PEM."""

    chain: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicy:
    """`counted_as` is the name under which the requests of several routes are counted together. With
    `own_bounds` callers that have bounds of their own are held to them here.

    `scopes` have to be in a token that opens the route. `claims` are pairs of a claim of the token and the header that
    tells it to the endpoint; `claim_headers` are all headers in which endpoints of the pool expect a claim: none of
    them passes as the caller sent it.
    """

    counted_as: str = ""
    bounds: tuple[RouteBound, ...] = ()
    own_bounds: bool = False
    cross_origin: CrossOrigin | None = None
    request_headers: HeaderEdits = field(default_factory=HeaderEdits)
    response_headers: HeaderEdits = field(default_factory=HeaderEdits)
    max_body_bytes: int | None = None
    retries: int = 3
    canary: Share | None = None
    mirror: Share | None = None
    elsewhere: Elsewhere | None = None
    closed: Closed | None = None
    trouble: Trouble | None = None
    scopes: tuple[str, ...] = ()
    claims: tuple[tuple[str, str], ...] = ()
    claim_headers: tuple[str, ...] = ()
    origin: Origin = NOWHERE


NO_POLICY = RoutePolicy()
