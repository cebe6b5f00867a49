"""Policies of an API in the words of the gateway; what would not be safe to do is left out and told."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from stationmaster.core.policy import Cors, Fault, HeaderChanges, LimitBy, Maintenance, RateLimit, Redirect
from stationmaster.core.problem import Diagnostic, Origin
from stationmaster.core.spec import Api, PlatformSpec
from stationmaster.gateway.ir_policy import (
    Bound,
    CallerBounds,
    Closed,
    CountedBy,
    Counting,
    CrossOrigin,
    Elsewhere,
    HeaderEdits,
    RouteBound,
    RoutePolicy,
    Share,
    Trouble,
)
from stationmaster.gateway.plan.header_names import may_be_claim, may_be_set, may_carry, may_carry_claim

_COUNTED = {LimitBy.API: CountedBy.EVERYBODY, LimitBy.USER: CountedBy.CALLER, LimitBy.ADDRESS: CountedBy.ADDRESS}
_LONGEST_MESSAGE_BYTES = 2_000
_EVERY_ORIGIN = "*"
_LONGEST_DELAY_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else the policy of an API depends on. Equal ones of one API lead to equal policies."""

    closed: Maintenance | None = None
    """The virtual host's."""
    resting: frozenset[str] = frozenset()
    """Virtual hosts beside the API's own that are down for maintenance."""
    claim_headers: tuple[str, ...] = ()
    own_bounds: bool = False
    """Some users have rate limits of their own."""
    max_body_bytes: int | None = None


_NOTHING = Around()


class Surroundings:
    """What the policies of one declaration have around them."""

    __slots__ = ("_claim_headers", "_closed", "_own_bounds", "_usual")

    def __init__(self, spec: PlatformSpec) -> None:
        self._closed = {host.name: host.maintenance for host in spec.virtual_hosts if host.maintenance}
        self._claim_headers = _claim_headers(spec.apis)
        self._own_bounds = any(user.rate_limits for user in spec.api_users)
        self._usual = Around(own_bounds=self._own_bounds, max_body_bytes=spec.limits.max_body_bytes)

    def same_as(self, other: "Surroundings") -> bool:
        """Whether every API has around it what it has there."""
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def of(self, api: Api) -> Around:
        if not (self._closed or self._claim_headers):
            return self._usual
        hosts = _pools(api)
        closed = self._closed.get(api.virtual_host) if api.virtual_host else None
        resting = frozenset(self._closed.keys() & hosts)
        headers = {name for host in hosts for name in self._claim_headers.get(host, ())}
        if not (closed or resting or headers):
            return self._usual
        return replace(self._usual, closed=closed, resting=resting, claim_headers=tuple(sorted(headers)))


def policy_of(api: Api, around: Around = _NOTHING) -> RoutePolicy:
    declared = api.policies
    closed = declared.maintenance or around.closed
    return RoutePolicy(
        counted_as=api.name,
        bounds=tuple(_bounds(api)),
        own_bounds=around.own_bounds and bool(api.accepts),
        cross_origin=_cross_origin(declared.cors) if declared.cors else None,
        request_headers=_edits(declared.request_headers, requests=True),
        response_headers=_edits(declared.response_headers, requests=False),
        max_body_bytes=min(
            (x for x in (declared.max_body_bytes, around.max_body_bytes) if x is not None), default=None
        ),
        retries=max(0, min(10, declared.retries)),
        canary=_share(declared.canary.virtual_host, declared.canary.percent, around) if declared.canary else None,
        mirror=_share(declared.mirror.virtual_host, declared.mirror.percent, around) if declared.mirror else None,
        elsewhere=_elsewhere(declared.redirect) if declared.redirect else None,
        closed=_closed(closed) if closed else None,
        trouble=_trouble(declared.fault) if declared.fault else None,
        scopes=tuple(sorted(set(declared.tokens.scopes))),
        claims=tuple(_claims(api)),
        claim_headers=around.claim_headers,
        origin=declared.origin,
    )


def counting(spec: PlatformSpec) -> Counting:
    """What the nodes have to count for this declaration."""
    set_by = {tuple(_bounds(api)) for api in spec.apis if api.policies.rate_limits}
    most = ((by, max((sum(each.by is by for each in bounds) for bounds in set_by), default=0)) for by in CountedBy)
    every = {each for bounds in set_by for each in bounds}
    return Counting(
        bounds=tuple(sorted(every, key=lambda each: (each.by.value, each.bound))),
        most=tuple(each for each in most if each[1]),
        callers=_caller_bounds(spec),
        nodes=max(1, len(spec.nodes)),
    )


def _bounds(api: Api) -> Iterable[RouteBound]:
    """Each once, in the order of the declaration."""
    return dict.fromkeys(_bound(each, public=not api.accepts) for each in api.policies.rate_limits)


def _caller_bounds(spec: PlatformSpec) -> tuple[CallerBounds, ...]:
    return tuple(
        CallerBounds(caller=user.name, bounds=tuple(sorted(map(_numbers, set(user.rate_limits)))), origin=user.origin)
        for user in spec.api_users
        if user.rate_limits
    )


def problems_of(api: Api) -> Iterator[Diagnostic]:
    """What `policy_of` leaves out of one API."""
    declared = api.policies
    for changes, requests in ((declared.request_headers, True), (declared.response_headers, False)):
        for name, value in (*changes.set, *changes.add, *((name, "") for name in changes.remove)):
            if not (may_be_set(name, requests=requests) and may_carry(value)):
                yield _left_out(f"header {name!r} of API {api.name} is not changed", declared.origin)
    for claim, header in declared.tokens.claims_to_headers:
        if not (may_be_claim(claim) and may_carry_claim(header)):
            yield _left_out(f"claim {claim!r} of API {api.name} is not sent as {header!r}", declared.origin)
    if declared.cors and declared.cors.credentials and _EVERY_ORIGIN in declared.cors.origins:
        yield _left_out(f"API {api.name} lets every origin in, so none of them with credentials", declared.origin)


def _left_out(message: str, origin: Origin) -> Diagnostic:
    return Diagnostic(
        code="policy-left-out",
        message=message,
        origin=origin,
        hint="the gateway keeps names of its own and those that frame a message; take another one",
    )


def _bound(limit: RateLimit, *, public: bool) -> RouteBound:
    """Callers of a public API have no name: their address stands for it."""
    by = CountedBy.ADDRESS if public and limit.by is LimitBy.USER else _COUNTED[limit.by]
    return RouteBound(bound=_numbers(limit), by=by)


def _numbers(limit: RateLimit) -> Bound:
    return Bound(requests=limit.requests, per_ms=limit.per_ms)


def _cross_origin(cors: Cors) -> CrossOrigin:
    return CrossOrigin(
        origins=(_EVERY_ORIGIN,) if _EVERY_ORIGIN in cors.origins else cors.origins,
        methods=cors.methods,
        request_headers=cors.request_headers,
        response_headers=cors.response_headers,
        credentials=cors.credentials and _EVERY_ORIGIN not in cors.origins,
        max_age_s=cors.max_age_s,
    )


def _edits(changes: HeaderChanges, *, requests: bool) -> HeaderEdits:
    def kept(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple(pair for pair in pairs if may_be_set(pair[0], requests=requests) and may_carry(pair[1]))

    return HeaderEdits(
        set=kept(changes.set),
        add=kept(changes.add),
        remove=tuple(name for name in changes.remove if may_be_set(name, requests=requests)),
    )


def _share(pool: str, percent: int, around: Around) -> Share | None:
    """Nothing goes to a virtual host that is down for maintenance."""
    return Share(pool=pool, percent=min(100, percent)) if percent > 0 and pool not in around.resting else None


def _elsewhere(redirect: Redirect) -> Elsewhere:
    to = urlsplit(redirect.to)
    path = to.path or ("/" if to.netloc and to.query else "")
    return Elsewhere(
        status=redirect.status,
        scheme=to.scheme or None,
        host=to.hostname,
        port=to.port,
        path=(f"{path}?{to.query}" if to.query else path) or None,
    )


def _trouble(fault: Fault) -> Trouble | None:
    """None where nothing would be done. What is no error is never answered with."""
    delays = fault.delay_ms > 0 and fault.delay_percent > 0
    aborts = fault.abort_status is not None and 400 <= fault.abort_status <= 599 and fault.abort_percent > 0
    if not delays and not aborts:
        return None
    return Trouble(
        delay_ms=min(fault.delay_ms, _LONGEST_DELAY_MS) if delays else 0,
        delay_percent=min(fault.delay_percent, 100) if delays else 0,
        abort_status=fault.abort_status or 0 if aborts else 0,
        abort_percent=min(fault.abort_percent, 100) if aborts else 0,
    )


def _closed(maintenance: Maintenance) -> Closed:
    message = maintenance.message.encode()[:_LONGEST_MESSAGE_BYTES].decode(errors="ignore")
    return Closed(message=re.sub(r"[\x00-\x1f\x7f]+", " ", message), retry_after_s=max(0, maintenance.retry_after_s))


def _claims(api: Api) -> Iterator[tuple[str, str]]:
    for claim, header in api.policies.tokens.claims_to_headers:
        if may_be_claim(claim) and may_carry_claim(header):
            yield claim, header.lower()


def _pools(api: Api) -> set[str]:
    policies = api.policies
    others = (policies.canary and policies.canary.virtual_host, policies.mirror and policies.mirror.virtual_host)
    return {name for name in (api.virtual_host, *others) if name}


def _claim_headers(apis: Iterable[Api]) -> Mapping[str, set[str]]:
    """The headers in which the targets of a virtual host expect claims, whichever API leads there."""
    found: dict[str, set[str]] = defaultdict(set)
    for api in apis:
        if api.policies.tokens.claims_to_headers:
            for host in _pools(api):
                found[host].update(header for _, header in _claims(api))
    return found
