"""The headers that tell who calls, taken from every request that comes in and written by nobody but the node."""

from typing import Any

from envoy.config.rbac.v3 import rbac_pb2 as rules_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2

from stationmaster.gateway.envoy.parts import extension

CALLER = "x-consumer-username"
CREDENTIAL = "x-credential-identifier"
"""What proved the caller: the id of an API key, or the id (`jti`) of a token."""
KEY = "apikey"
SECTION = "x-stationmaster-section"
"""The path whose first segment names the section in which the route is looked for."""
HOLDER = "x-stationmaster-holder"
"""What a shard of keys tells of a key: its id, the routes that it opens, and its caller."""
USED_LATELY = "x-stationmaster-used-lately"
"""There while a request with an API key is checked, where that key was used within the last minute."""
SCOPE = "x-stationmaster-scope"
"""The names of the routes that a token is limited to, with blanks between them; absent where it is not limited."""
ISSUED = "x-stationmaster-issued"
"""When a token was issued, in seconds since 1970."""
NOT_PASSED_ON = (KEY, SECTION, HOLDER, SCOPE, ISSUED)

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
    """Takes our headers from a request before any filter or route sees it, and writes the path down for the search of
    its route, without the query and with a slash at its end."""
    section = {"header": {"key": SECTION, "value": "%PATH(NQ)%/"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return extension(
        "stationmaster.strip_spoofed",
        header_mutation_pb2.HeaderMutation(
            mutations=[
                *({"remove_on_match": {"key_matcher": {"prefix": prefix, "ignore_case": True}}} for prefix in _OURS),
                {"append": section},
            ]
        ),
    )


def nobody() -> Any:
    """Refuses everybody: what holds until something else is known."""
    return rbac_pb2.RBAC(rules=rules_pb2.RBAC(action=rules_pb2.RBAC.ALLOW))
