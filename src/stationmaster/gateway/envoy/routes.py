"""A section and its routes as an Envoy route configuration; what no route names is answered with 404."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from envoy.config.route.v3 import route_components_pb2, route_pb2
from google.protobuf.any_pb2 import Any as Packed

from stationmaster.gateway.envoy import access, api_keys, crowded, identity, policies, retries, routing, tokens
from stationmaster.gateway.envoy.chain import ACCESS, GATE, KEYS, TOKENS, late
from stationmaster.gateway.envoy.parts import ms, switched_off
from stationmaster.gateway.ir import HeaderMatch, PathMatch, Proof, Route, Section, Site

_UNKNOWN = 404
_EVENTS = {"name": "accept", "string_match": {"contains": "text/event-stream"}}
_HASHED_BY = (
    {"header": {"header_name": identity.CALLER}, "terminal": True},
    {"connection_properties": {"source_ip": True}},
)


def table(section: Section) -> Any:
    """The routes of a section that is found early share what is switched off by default; a request that has none of
    them is looked at once more, so that only the section of what is left answers for unknown ones."""
    found_late = section.segment is None
    settings = {routing.SECOND_LOOK: switched_off()}
    if not found_late:
        settings |= late().by_default()
    return route_pb2.RouteConfiguration(
        name=routing.name(section.segment),
        virtual_hosts=[_found_late(site) if found_late else _found_early(site) for site in section.sites],
        request_headers_to_remove=list(identity.NOT_PASSED_ON),
        ignore_port_in_host_matching=True,
        typed_per_filter_config=settings,
    )


def _found_early(site: Site) -> Any:
    """What all routes of the site ask of their callers stands there once."""
    gates = [_gates(route) for route in site.routes]
    shared = gates[0] if all(each == gates[0] for each in gates) else {}
    asked = [({} if shared else own, route) for own, route in zip(gates, site.routes, strict=True)]
    if len(site.routes) > crowded.MANY:
        found = [(route, list(_by_method(route, own))) for own, route in asked]
        return _virtual_host(site, matcher=crowded.by_path(found), typed_per_filter_config=shared)
    routes = [each for own, route in asked for each in _by_method(route, own)]
    return _virtual_host(site, routes=routes, typed_per_filter_config=shared)


def _found_late(site: Site) -> Any:
    routes = [*(each for route in site.routes for each in _by_method(route, _gates(route))), _unknown()]
    for each in routes:
        settings = late().on_late_route(each.typed_per_filter_config)
        each.ClearField("typed_per_filter_config")
        for name, packed in settings.items():
            each.typed_per_filter_config[name].CopyFrom(packed)
    return _virtual_host(site, routes=routes)


def _virtual_host(site: Site, **more: Any) -> Any:
    return route_components_pb2.VirtualHost(name=site.host, domains=[site.host], **more)


def _by_method(route: Route, gates: dict[str, Packed]) -> Iterable[Any]:
    """For streams of events, for methods that may be repeated, and for the rest; as far as they are meant."""
    again = [each for each in route.methods if retries.may_repeat(each)]
    once = [each for each in route.methods if not retries.may_repeat(each)]
    yield _route(route, [_EVENTS, *_methods(route.methods)], _open_ended(route), gates)
    if again or not route.methods:
        limits = {"timeout": ms(route.timeout_ms), **retries.repeatable(route.timeout_ms, route.policy.retries)}
        yield _route(route, _methods(again or retries.REPEATABLE), limits, gates)
    if once or not route.methods:
        yield _route(route, _methods(once), _open_ended(route), gates)


def _methods(methods: Sequence[str]) -> list[Any]:
    if not methods:
        return []
    named = {"exact": methods[0]} if len(methods) == 1 else {"safe_regex": {"regex": "|".join(map(re.escape, methods))}}
    return [{"name": ":method", "string_match": named}]


def _open_ended(route: Route) -> dict[str, Any]:
    """The time limit is one for the answer to begin: it may then go on for as long as something comes."""
    return {"timeout": ms(0), **retries.once(route.timeout_ms, route.policy.retries)}


def _route(route: Route, asks: list[Any], tries: dict[str, Any], gates: dict[str, Packed]) -> Any:
    extras = policies.on_route(route)
    found = route_components_pb2.Route(
        name=route.name,
        match=_match(route, asks),
        **(extras.answer or _onward(route, {**tries, **extras.action})),
        typed_per_filter_config={**extras.filters, **gates},
        **extras.route,
    )
    if route.proofs == {Proof.KEY}:
        found.metadata.filter_metadata[api_keys.ALONE].SetInParent()
    return found


def _match(route: Route, asks: list[Any]) -> Any:
    headers = [*asks, *(_header(each) for each in route.headers)]
    match route.match:
        case PathMatch.BELOW:
            path: dict[str, Any] = {"path_separated_prefix": route.path} if route.path != "/" else {"prefix": "/"}
        case PathMatch.EXACT:
            path = {"path": route.path}
        case PathMatch.PATTERN:
            path = {"safe_regex": {"regex": route.path}}
    return route_components_pb2.RouteMatch(headers=headers, **path)


def _header(match: HeaderMatch) -> dict[str, Any]:
    if match.value is None:
        return {"name": match.name, "present_match": True}
    return {"name": match.name, "string_match": {"exact": match.value}}


def _onward(route: Route, more: dict[str, Any]) -> dict[str, Any]:
    if route.pool is None:
        return _answer(_UNKNOWN)
    where = {} if "weighted_clusters" in more else {"cluster": route.pool}
    if route.strip and route.path != "/":
        more["regex_rewrite"] = _without(route.path)
    if not route.keep_host:
        more["host_rewrite_literal"] = route.pool
    return {"route": route_components_pb2.RouteAction(**where, hash_policy=_HASHED_BY, **more)}


def _without(path: str) -> Any:
    return {"pattern": {"regex": f"^{re.escape(path)}/*"}, "substitution": "/"}


def _gates(route: Route) -> dict[str, Packed]:
    if not route.proofs or route.policy.closed:
        return _open()
    gates = {GATE: access.only(route)}
    if Proof.SIGNATURE not in route.proofs:
        gates[TOKENS] = switched_off()
    elif Proof.KEY in route.proofs:
        gates[TOKENS] = tokens.accepted(route.issuers)
    else:
        gates[TOKENS] = tokens.needed(route.issuers)
    if Proof.KEY not in route.proofs:
        gates[KEYS] = switched_off()
    return gates


def _open() -> dict[str, Packed]:
    return {name: switched_off() for name in ACCESS}


def _unknown() -> Any:
    return route_components_pb2.Route(match={"prefix": "/"}, **_answer(_UNKNOWN), typed_per_filter_config=_open())


def _answer(status: int) -> dict[str, Any]:
    return {"direct_response": {"status": status}}
