"""The headers that tell upstreams who calls, taken from every request that comes in, and the last gate before them."""

from collections.abc import Iterable
from typing import Any

from envoy.config.rbac.v3 import rbac_pb2 as rules_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2

from stationmaster.gateway.envoy.parts import extension

CALLER = "x-consumer-username"
KEY = "apikey"

_OURS = (
    "x-consumer-",
    "x-credential-",
    "x-authenticated-",
    "x-anonymous-",
    "x-stationmaster-",
    "x-envoy-",
)
"""Prefixes of the headers that only the gateway writes."""


def strip_spoofed() -> Any:
    """Takes our headers from a request before any filter or route sees it."""
    return extension(
        "stationmaster.strip_spoofed",
        header_mutation_pb2.HeaderMutation(
            mutations=[
                {"remove_on_match": {"key_matcher": {"prefix": prefix, "ignore_case": True}}} for prefix in _OURS
            ]
        ),
    )


def nobody() -> Any:
    """Refuses everybody: what holds until something else is known."""
    return rbac_pb2.RBAC(rules=_allowed(()))


def only(callers: Iterable[str]) -> Any:
    """Settings of a route: passes requests of these callers and no others."""
    return rbac_pb2.RBACPerRoute(rbac={"rules": _allowed(tuple(callers))})


def _allowed(callers: tuple[str, ...]) -> Any:
    rules = rules_pb2.RBAC(action=rules_pb2.RBAC.ALLOW)
    if callers:
        rules.policies["callers"].CopyFrom(
            rules_pb2.Policy(
                permissions=[{"any": True}],
                principals=[{"header": {"name": CALLER, "string_match": {"exact": caller}}} for caller in callers],
            )
        )
    return rules
