"""Decides what the gateway does, from what is declared and what is known live."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from stationmaster.core.problem import NOWHERE, Diagnostic
from stationmaster.core.spec import (
    Algorithm,
    Api,
    CredentialKind,
    HealthCheck,
    PlatformSpec,
    Target,
    VirtualHost,
)
from stationmaster.gateway.ir import (
    Balance,
    Check,
    Endpoint,
    Entrance,
    Ir,
    KeyHolder,
    Pool,
    Proof,
    Route,
    Site,
    TokenIssuer,
)

NO_KEYS = '{"keys":[]}'
EVERY_HOST = "*"

_BALANCE = {
    Algorithm.ROUND_ROBIN: Balance.TURNS,
    Algorithm.LEAST_CONNECTIONS: Balance.FEWEST_IN_FLIGHT,
    Algorithm.CONSISTENT_HASHING: Balance.BY_CALLER,
}
_PROOF = {CredentialKind.JWT: Proof.SIGNATURE, CredentialKind.API_KEY: Proof.KEY}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    consumer: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What is known now and not declared.

    `withdrawn` holds pairs of a virtual host's name and a target's address; `jwks` is the JSON of the key set
    (RFC 7517) that signs tokens.
    """

    withdrawn: frozenset[tuple[str, str]] = frozenset()
    jwks: str = NO_KEYS
    api_keys: tuple[ApiKey, ...] = ()


def plan(spec: PlatformSpec, live: Live) -> tuple[Ir, tuple[Diagnostic, ...]]:
    """The whole gateway. What a diagnostic tells of was left out, in the direction that refuses."""
    keys, key_problems = _keys(live.api_keys)
    jwks, jwks_problems = _jwks(live.jwks)
    sites, site_problems = _sites(spec)
    ir = Ir(
        environment=spec.environment,
        issuer=TokenIssuer(issuer=spec.issuer, audience=spec.environment, jwks=jwks),
        pools=tuple(_pool(host, live.withdrawn) for host in spec.virtual_hosts),
        sites=sites,
        keys=keys,
        entrances=tuple(
            Entrance(node=node.name, host=node.listen.host, port=node.listen.port, origin=node.origin)
            for node in spec.nodes
        ),
    )
    return ir, (*key_problems, *jwks_problems, *site_problems)


def in_rotation(host: VirtualHost, withdrawn: frozenset[tuple[str, str]]) -> tuple[Target, ...]:
    """The targets that take traffic: those with a weight that nobody has withdrawn."""
    return tuple(each for each in host.targets if each.weight and (host.name, str(each.address)) not in withdrawn)


def _pool(host: VirtualHost, withdrawn: frozenset[tuple[str, str]]) -> Pool:
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


def _sites(spec: PlatformSpec) -> tuple[tuple[Site, ...], tuple[Diagnostic, ...]]:
    """A site for every host that an API names, and one for the rest; an API without hosts answers on all of them."""
    callers: dict[str, list[str]] = defaultdict(list)
    for user in spec.api_users:
        for name in user.apis:
            callers[name].append(user.name)
    own: dict[str, list[Route]] = {EVERY_HOST: []}
    problems: list[Diagnostic] = []
    for api in spec.apis:
        for host in api.hosts or (EVERY_HOST,):
            routes = own.setdefault(host.lower(), [])
            for route in _routes(api, tuple(callers[api.name])):
                if any(route.prefix == earlier.prefix for earlier in routes):
                    problems.append(_shadowed(route, host))
                else:
                    routes.append(route)
    general = _longest_first(own[EVERY_HOST])
    return tuple(
        Site(host=host, routes=general if host == EVERY_HOST else (*_longest_first(routes), *general))
        for host, routes in own.items()
    ), tuple(problems)


def _routes(api: Api, callers: tuple[str, ...]) -> Iterable[Route]:
    proofs = frozenset(_PROOF[kind] for kind in api.accepts)
    for path in api.paths:
        yield Route(
            name=api.name,
            prefix=path.rstrip("/") or "/",
            strip=api.strip_path,
            pool=api.virtual_host,
            proofs=proofs,
            callers=callers if proofs else (),
            timeout_ms=api.timeout_ms,
            origin=api.origin,
        )


def _longest_first(routes: Iterable[Route]) -> tuple[Route, ...]:
    return tuple(sorted(routes, key=lambda route: (-len(route.prefix), route.prefix)))


def _shadowed(route: Route, host: str) -> Diagnostic:
    return Diagnostic(
        code="route-taken",
        message=f"{route.prefix} on host {host} belongs to an earlier API; {route.name} does not get it",
        origin=route.origin,
        hint="give one of the two APIs another path or host",
    )


def _keys(api_keys: Iterable[ApiKey]) -> tuple[tuple[KeyHolder, ...], list[Diagnostic]]:
    """A key that names two consumers proves neither of them."""
    holders: dict[str, set[str]] = defaultdict(set)
    for each in api_keys:
        if each.key:
            holders[each.key].add(each.consumer)
    kept = sorted((min(names), key) for key, names in holders.items() if len(names) == 1)
    problems = [
        Diagnostic(
            code="key-of-two",
            message=f"one API key belongs to {' and '.join(sorted(names))}; it is refused",
            origin=NOWHERE,
            hint="revoke it and give each of them a new one",
        )
        for names in holders.values()
        if len(names) > 1
    ]
    return tuple(KeyHolder(caller=caller, key=key) for caller, key in kept), problems


def _jwks(text: str) -> tuple[str, list[Diagnostic]]:
    """Only public keys may check tokens: a symmetric one would let every reader of the set sign."""
    try:
        keys = list(json.loads(text)["keys"])
    except (ValueError, KeyError, TypeError) as error:
        return NO_KEYS, [_jwks_problem(f"the key set cannot be read: {error!r}; every token is refused")]
    public = [key for key in keys if _is_public(key)]
    problems = [_jwks_problem("the key set holds a key that is not public; it is ignored")] * (len(public) < len(keys))
    return json.dumps({"keys": public}, sort_keys=True, separators=(",", ":")), problems


def _is_public(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and "d" not in key


def _jwks_problem(message: str) -> Diagnostic:
    return Diagnostic(code="key-set", message=message, origin=NOWHERE, hint="look at /api/auth/jwks of the key service")
