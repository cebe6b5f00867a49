"""Changes of headers on the way to the endpoint and back, and claims of a token as headers."""

from collections.abc import Iterable
from typing import Any

from stationmaster.gateway.envoy import scopes
from stationmaster.gateway.ir_policy import RoutePolicy

_REPLACE, _APPEND = "OVERWRITE_IF_EXISTS_OR_ADD", "APPEND_IF_EXISTS_OR_ADD"


def fields(policy: RoutePolicy) -> dict[str, Any]:
    """Fields of a route; what is removed is removed before anything is added."""
    requests, responses = policy.request_headers, policy.response_headers
    found = {
        "request_headers_to_remove": [*policy.claim_headers, *requests.remove],
        "request_headers_to_add": [*_claims(policy.claims), *_added(requests.set, requests.add)],
        "response_headers_to_remove": list(responses.remove),
        "response_headers_to_add": _added(responses.set, responses.add),
    }
    return {name: edits for name, edits in found.items() if edits}


def _claims(claims: Iterable[tuple[str, str]]) -> list[Any]:
    """A claim that the token lacks makes no header; a list arrives as JSON."""
    return [
        {"header": {"key": header, "value": scopes.claim_value(claim)}, "append_action": _REPLACE}
        for claim, header in claims
    ]


def _added(replaced: Iterable[tuple[str, str]], appended: Iterable[tuple[str, str]]) -> list[Any]:
    return [
        {"header": {"key": name, "value": _literal(value)}, "append_action": action, "keep_empty_value": True}
        for pairs, action in ((replaced, _REPLACE), (appended, _APPEND))
        for name, value in pairs
    ]


def _literal(value: str) -> str:
    """Between two percent signs stands a command of Envoy; a declared value is text."""
    return value.replace("%", "%%")
