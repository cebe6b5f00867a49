"""An API as routes: what each of them matches, and whom it lets through."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stationmaster.core.spec import Api, CredentialKind, PathKind, path_rule
from stationmaster.gateway.ir import HeaderMatch, PathMatch, Proof, Route
from stationmaster.gateway.ir_policy import RoutePolicy

_PROOF = {CredentialKind.JWT: Proof.SIGNATURE, CredentialKind.API_KEY: Proof.KEY}
_MATCH = {PathKind.PREFIX: PathMatch.BELOW, PathKind.EXACT: PathMatch.EXACT, PathKind.REGEX: PathMatch.PATTERN}
_RANK = {PathMatch.EXACT: 0, PathMatch.BELOW: 1, PathMatch.PATTERN: 2}
_PLAIN_FIRST_SEGMENT = re.compile(r"/([A-Za-z0-9_~-]+)(?:$|/(?![?*{]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Who may pass the routes of an API."""

    issuers: tuple[str, ...] = ()
    callers: tuple[str, ...] = ()
    every_caller: bool = False


def routes(api: Api, passage: Passage, policy: RoutePolicy) -> Iterator[Route]:
    proofs = frozenset(_PROOF[kind] for kind in api.accepts)
    for written in api.paths:
        rule = path_rule(written)
        match = _MATCH[rule.kind]
        yield Route(
            name=api.name,
            path=(rule.text.rstrip("/") or "/") if match is PathMatch.BELOW else rule.text,
            match=match,
            methods=tuple(sorted({method.upper() for method in api.methods})),
            headers=tuple(HeaderMatch(name=each.name.lower(), value=each.value) for each in api.headers),
            strip=api.strip_path and match is not PathMatch.PATTERN,
            keep_host=api.preserve_host,
            pool=api.virtual_host,
            proofs=proofs,
            issuers=passage.issuers if Proof.SIGNATURE in proofs else (),
            callers=passage.callers if proofs else (),
            every_caller=passage.every_caller and bool(proofs),
            timeout_ms=api.timeout_ms,
            policy=policy,
            origin=api.origin,
        )


def segment(route: Route) -> str | None:
    """The first segment of every path that the route matches; None where they differ."""
    if route.match is not PathMatch.PATTERN:
        return route.path.split("/")[1] or None
    literal = _PLAIN_FIRST_SEGMENT.match(route.path)
    return literal[1] if literal and "|" not in route.path else None


def in_order(route: Route) -> tuple[int, int, str, int, bool]:
    """Sorts routes into the order in which they are tried: exact paths, then longer ones before shorter ones, then
    patterns; of one path, those that ask for more headers, then those that name methods."""
    return (_RANK[route.match], -len(route.path), route.path, -len(route.headers), not route.methods)


def what_it_matches(route: Route) -> tuple[object, ...]:
    return (route.match, route.path, route.methods, frozenset(route.headers))
