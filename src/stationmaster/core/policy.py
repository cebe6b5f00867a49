"""What applies to the requests of an API beside who may call it: limits, headers, where they go instead."""

from dataclasses import dataclass, field
from enum import Enum

from stationmaster.core.names import VirtualHostName
from stationmaster.core.problem import NOWHERE, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """Requests are answered with 503, this message and `Retry-After` (seconds, RFC 9110 10.2.3)."""

    message: str = "down for maintenance"
    retry_after_s: int = 300


class LimitBy(Enum):
    """Whose requests a rate limit counts together."""

    API = "api"
    USER = "user"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `requests` in `per_ms`, over all gateway nodes together; beyond it 429 (RFC 6585)."""

    requests: int
    per_ms: int
    by: LimitBy = LimitBy.USER


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Cross-origin rules (Fetch standard). `origins` are exact, or `*`."""

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    request_headers: tuple[str, ...] = ()
    response_headers: tuple[str, ...] = ()
    credentials: bool = False
    max_age_s: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderChanges:
    """Pairs of name and value; `set` replaces, `add` appends."""

    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A share of the requests, 0 to 100 percent, goes to another virtual host."""

    virtual_host: VirtualHostName
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A share of the requests, 0 to 100 percent, is also sent to another virtual host, whose answers are dropped."""

    virtual_host: VirtualHostName
    percent: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A share of the requests is delayed, answered with an error in place of the API, or both: on purpose, to see what
    its callers make of it. `abort_status` is 400 to 599."""

    delay_ms: int = 0
    delay_percent: int = 100
    abort_status: int | None = None
    abort_percent: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """`to` is a URL, or a path on the same host; `status` is 301, 302, 303, 307 or 308 (RFC 9110 15.4)."""

    to: str
    status: int = 308


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """Whose tokens open an API (names of token issuers; empty means the platform's own) and what they must hold."""

    issuers: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    """Every one of them has to be in the token's `scope` (RFC 8693 4.2)."""
    claims_to_headers: tuple[tuple[str, str], ...] = ()
    """Pairs of a claim and the request header that carries it upstream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What applies to the requests of one API beside who may call it."""

    rate_limits: tuple[RateLimit, ...] = ()
    cors: Cors | None = None
    request_headers: HeaderChanges = field(default_factory=HeaderChanges)
    response_headers: HeaderChanges = field(default_factory=HeaderChanges)
    max_body_bytes: int | None = None
    retries: int = 3
    """How often a failed try is repeated on another target, 0 to 10."""
    canary: Canary | None = None
    mirror: Mirror | None = None
    redirect: Redirect | None = None
    maintenance: Maintenance | None = None
    fault: Fault | None = None
    tokens: TokenRules = field(default_factory=TokenRules)
    origin: Origin = NOWHERE
