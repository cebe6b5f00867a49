"""APIs as sites with routes, in the order in which they are tried."""

from collections import defaultdict
from collections.abc import Iterable

from stationmaster.core.problem import Diagnostic
from stationmaster.core.spec import Api, CredentialKind, PlatformSpec
from stationmaster.gateway.ir import Proof, Route, Site
from stationmaster.gateway.plan.policies import policy_of

EVERY_HOST = "*"
_PROOF = {CredentialKind.JWT: Proof.SIGNATURE, CredentialKind.API_KEY: Proof.KEY}


def sites(spec: PlatformSpec) -> tuple[tuple[Site, ...], tuple[Diagnostic, ...]]:
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
            pool=api.virtual_host or "",
            proofs=proofs,
            callers=callers if proofs else (),
            timeout_ms=api.timeout_ms,
            policy=policy_of(api),
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
