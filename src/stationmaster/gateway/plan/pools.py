"""Virtual hosts as pools: which targets take traffic, how they are picked, checked and protected."""

from dataclasses import dataclass

from stationmaster.core.spec import Algorithm, CheckKind, CircuitBreaker, HealthCheck, Protocol, Target, VirtualHost
from stationmaster.gateway.ir import Balance, Breaker, Check, CheckBy, Endpoint, Pool, Speaks

_BALANCE = {
    Algorithm.ROUND_ROBIN: Balance.TURNS,
    Algorithm.LEAST_CONNECTIONS: Balance.FEWEST_IN_FLIGHT,
    Algorithm.CONSISTENT_HASHING: Balance.BY_CALLER,
}
_SPEAKS = {Protocol.HTTP: Speaks.HTTP1, Protocol.H2C: Speaks.HTTP2, Protocol.HTTPS: Speaks.TLS}
_CHECK_BY = {CheckKind.HTTP: CheckBy.REQUEST, CheckKind.TCP: CheckBy.CONNECTION, CheckKind.GRPC: CheckBy.GRPC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Targets that are not simply in rotation: pairs of a virtual host's name and a target's address."""

    withdrawn: frozenset[tuple[str, str]] = frozenset()
    draining: frozenset[tuple[str, str]] = frozenset()
    forced: frozenset[tuple[str, str]] = frozenset()
    """They take traffic whatever the checks of nodes say."""


UNMARKED = Marks()


def in_rotation(host: VirtualHost, withdrawn: frozenset[tuple[str, str]]) -> tuple[Target, ...]:
    """The targets that take traffic: those with a weight that nobody has withdrawn."""
    return tuple(each for each in host.targets if each.weight and (host.name, str(each.address)) not in withdrawn)


def pool(host: VirtualHost, marks: Marks = UNMARKED) -> Pool:
    """What is withdrawn is left out; what drains stays known to the nodes and gets nothing new; what is forced is not
    checked by them."""
    return Pool(
        name=host.name,
        balance=_BALANCE[host.algorithm],
        speaks=_SPEAKS[host.protocol],
        check=_check(host.health) if host.health else None,
        breaker=_breaker(host.circuit_breaker),
        ramp_ms=host.slow_start_ms,
        most_aside_percent=host.max_ejected_percent,
        hosts=tuple(sorted({each.address.host for each in host.targets})),
        endpoints=tuple(
            _endpoint(each, leaving=_where(host, each) in marks.draining, forced=_where(host, each) in marks.forced)
            for each in in_rotation(host, marks.withdrawn - marks.draining)
        ),
        origin=host.origin,
    )


def _where(host: VirtualHost, target: Target) -> tuple[str, str]:
    return host.name, str(target.address)


def _endpoint(target: Target, *, leaving: bool, forced: bool) -> Endpoint:
    return Endpoint(
        host=target.address.host,
        port=target.address.port,
        weight=target.weight,
        leaving=leaving,
        forced=forced,
        origin=target.origin,
    )


def _breaker(declared: CircuitBreaker) -> Breaker:
    return Breaker(
        connections=declared.max_connections,
        requests=declared.max_requests,
        waiting=declared.max_pending,
        retry_percent=declared.retry_percent,
    )


def _check(health: HealthCheck) -> Check:
    return Check(
        by=_CHECK_BY[health.kind],
        path=health.path,
        status=health.status,
        body=health.contains,
        service=health.grpc_service,
        interval_ms=health.interval_ms,
        timeout_ms=health.timeout_ms,
        down_after=health.down_after,
        up_after=health.up_after,
        origin=health.origin,
    )
