"""Sites and their routes as an Envoy route configuration; what no route names is answered with 404."""

import re
from collections.abc import Iterable
from typing import Any

from envoy.config.route.v3 import route_components_pb2, route_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy import identity, policies, retries, tokens
from stationmaster.gateway.envoy.parts import ms, pack, switched_off
from stationmaster.gateway.ir import Proof, Route, Site

ROUTES = "routes"
TOKENS, KEYS, GATE = "stationmaster.tokens", "stationmaster.key_check", "stationmaster.gate"
"""Names of the filters that a route sets or switches off."""

_UNKNOWN = '{"message":"no API is published here"}'
_HASHED_BY = (
    {"header": {"header_name": identity.CALLER}, "terminal": True},
    {"connection_properties": {"source_ip": True}},
)


def table(sites: Iterable[Site]) -> Any:
    return route_pb2.RouteConfiguration(
        name=ROUTES,
        virtual_hosts=[
            route_components_pb2.VirtualHost(name=site.host, domains=[site.host], routes=_routes(site))
            for site in sites
        ],
        request_headers_to_remove=[identity.KEY],
        ignore_port_in_host_matching=True,
    )


def _routes(site: Site) -> list[Any]:
    return [*(each for route in site.routes for each in _by_method(route)), _unknown()]


def _by_method(route: Route) -> Iterable[Any]:
    """Two routes: one for methods that may be repeated, one for the rest."""
    repeat = {"name": ":method", "string_match": {"safe_regex": {"regex": retries.REPEATABLE}}}
    yield _route(
        route,
        headers=[repeat],
        retry_policy=retries.repeatable(route.timeout_ms),
        hedge_policy=retries.joined(),
    )
    yield _route(route, headers=[], retry_policy=retries.once())


def _route(route: Route, *, headers: list[Any], **action: Any) -> Any:
    if route.strip and route.prefix != "/":
        action["regex_rewrite"] = _without(route.prefix)
    extras = policies.on_route(route)
    matched = "prefix" if route.prefix == "/" else "path_separated_prefix"
    return route_components_pb2.Route(
        name=route.name,
        match=route_components_pb2.RouteMatch(headers=headers, **{matched: route.prefix}),
        route=route_components_pb2.RouteAction(
            cluster=route.pool, timeout=ms(route.timeout_ms), hash_policy=_HASHED_BY, **{**action, **extras.action}
        ),
        typed_per_filter_config={**extras.filters, **_gates(route)},
        **extras.route,
    )


def _without(prefix: str) -> Any:
    return {"pattern": {"regex": f"^{re.escape(prefix)}/*"}, "substitution": "/"}


def _gates(route: Route) -> dict[str, Packed]:
    if not route.proofs:
        return _open()
    gates = {GATE: pack(identity.only(route.callers))}
    if Proof.SIGNATURE not in route.proofs:
        gates[TOKENS] = switched_off()
    elif Proof.KEY in route.proofs:
        gates[TOKENS] = tokens.accepted()
    else:
        gates[TOKENS] = tokens.needed()
    if Proof.KEY not in route.proofs:
        gates[KEYS] = switched_off()
    return gates


def _open() -> dict[str, Packed]:
    return {name: switched_off() for name in (TOKENS, KEYS, GATE)}


def _unknown() -> Any:
    return route_components_pb2.Route(
        name="unknown",
        match={"prefix": "/"},
        direct_response={"status": 404, "body": {"inline_string": _UNKNOWN}},
        response_headers_to_add=[{"header": {"key": "content-type", "value": "application/json"}}],
        typed_per_filter_config=_open(),
    )
