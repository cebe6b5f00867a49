"""Policies in the YAML: what applies to the requests of an API beside who may call it."""

from typing import Annotated, Literal

from msgspec import Meta, field

from stationmaster.core.policy import LimitBy
from stationmaster.manifest.schema_hosts import MaintenanceDocument
from stationmaster.manifest.words import (
    Claim,
    Document,
    Duration,
    HeaderName,
    HeaderOrStar,
    HeaderValue,
    Method,
    OriginText,
    Percent,
    RedirectText,
    Reference,
    Scope,
    Size,
    Wait,
)


class RateLimitDocument(Document, frozen=True):
    """At most `requests` in the time `per`, over all gateway nodes together; beyond it 429.

    `by` says whose requests count together: those of one API user (`user`), of one address (`address`), or all
    (`api`).
    """

    requests: Annotated[int, Meta(ge=1, le=1_000_000_000, description="How many requests.")]
    per: Duration
    by: LimitBy = LimitBy.USER


RateLimits = Annotated[list[RateLimitDocument], Meta(max_length=10, description="All of them apply.")]


class CorsDocument(Document, frozen=True):
    """Cross-origin rules (Fetch standard)."""

    origins: Annotated[list[OriginText], Meta(min_length=1, max_length=100, description="Whose pages may ask.")]
    methods: Annotated[
        list[Method] | None,
        Meta(description="Methods that pages may use; by default GET, HEAD, POST, PUT, PATCH and DELETE."),
    ] = None
    request_headers: Annotated[list[HeaderOrStar], Meta(description="Headers that pages may send.")] = field(
        default_factory=list
    )
    response_headers: Annotated[list[HeaderOrStar], Meta(description="Headers that pages may read.")] = field(
        default_factory=list
    )
    credentials: Annotated[bool, Meta(description="Whether pages may send cookies and credentials.")] = False
    max_age: Wait = "10m"


class HeaderChangesDocument(Document, frozen=True):
    """Changes of headers: `set` replaces, `add` appends, `remove` takes away."""

    set: Annotated[dict[HeaderName, HeaderValue], Meta(max_length=50)] = field(default_factory=dict)
    add: Annotated[dict[HeaderName, HeaderValue], Meta(max_length=50)] = field(default_factory=dict)
    remove: Annotated[list[HeaderName], Meta(max_length=50)] = field(default_factory=list)


class CanaryDocument(Document, frozen=True):
    """A share of the requests goes to another virtual host."""

    virtual_host: Reference
    percent: Percent


class MirrorDocument(Document, frozen=True):
    """A share of the requests is also sent to another virtual host, whose answers are dropped."""

    virtual_host: Reference
    percent: Percent = 100


class RedirectDocument(Document, frozen=True):
    """The gateway answers with a redirect."""

    to: RedirectText
    status: Annotated[Literal[301, 302, 303, 307, 308], Meta(description="RFC 9110 15.4.")] = 308


class FaultDocument(Document, frozen=True):
    """A share of the requests is delayed, answered with an error in place of the API, or both: on purpose."""

    delay: Duration | None = None
    delay_percent: Percent = 100
    abort: Annotated[int, Meta(ge=400, le=599, description="The status of the answer.")] | None = None
    abort_percent: Percent = 100


class TokenRulesDocument(Document, frozen=True):
    """Whose tokens open the API (names of token issuers, `stationmaster` for the platform's own; empty means the
    platform's own alone), which scopes they all need, and which claims go on in which request header."""

    issuers: list[Reference] = field(default_factory=list)
    scopes: Annotated[list[Scope], Meta(max_length=50)] = field(default_factory=list)
    claims_to_headers: Annotated[dict[Claim, HeaderName], Meta(max_length=50)] = field(default_factory=dict)


class PoliciesDocument(Document, frozen=True):
    """What applies to the requests of the API beside who may call it."""

    rate_limits: RateLimits = field(default_factory=list)
    cors: CorsDocument | None = None
    request_headers: HeaderChangesDocument = HeaderChangesDocument()
    response_headers: HeaderChangesDocument = HeaderChangesDocument()
    max_body: Size | None = None
    retries: Annotated[int, Meta(ge=0, le=10, description="How often a failed try goes to another target.")] = 3
    canary: CanaryDocument | None = None
    mirror: MirrorDocument | None = None
    redirect: RedirectDocument | None = None
    maintenance: MaintenanceDocument | None = None
    fault: FaultDocument | None = None
    tokens: TokenRulesDocument = TokenRulesDocument()
