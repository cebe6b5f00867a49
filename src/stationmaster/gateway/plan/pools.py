"""Virtual hosts as pools: which targets take traffic, how they are picked and checked."""

from stationmaster.core.spec import Algorithm, HealthCheck, Target, VirtualHost
from stationmaster.gateway.ir import Balance, Check, Endpoint, Pool

_BALANCE = {
    Algorithm.ROUND_ROBIN: Balance.TURNS,
    Algorithm.LEAST_CONNECTIONS: Balance.FEWEST_IN_FLIGHT,
    Algorithm.CONSISTENT_HASHING: Balance.BY_CALLER,
}


def in_rotation(host: VirtualHost, withdrawn: frozenset[tuple[str, str]]) -> tuple[Target, ...]:
    """The targets that take traffic: those with a weight that nobody has withdrawn."""
    return tuple(each for each in host.targets if each.weight and (host.name, str(each.address)) not in withdrawn)


def pool(host: VirtualHost, withdrawn: frozenset[tuple[str, str]]) -> Pool:
    return Pool(
        name=host.name,
        balance=_BALANCE[host.algorithm],
        check=_check(host.health) if host.health else None,
        endpoints=tuple(
            Endpoint(host=each.address.host, port=each.address.port, weight=each.weight, origin=each.origin)
            for each in in_rotation(host, withdrawn)
        ),
        origin=host.origin,
    )


def _check(health: HealthCheck) -> Check:
    return Check(
        path=health.path,
        status=health.status,
        body=health.contains,
        interval_ms=health.interval_ms,
        timeout_ms=health.timeout_ms,
        down_after=health.down_after,
        up_after=health.up_after,
        origin=health.origin,
    )
