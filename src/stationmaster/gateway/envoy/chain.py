"""What every request passes through on its way to the router, in order."""

from functools import cache
from typing import Any

from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2

from stationmaster.gateway.envoy import access_log, api_keys, holders, identity, policies, routing
from stationmaster.gateway.envoy.late import Late
from stationmaster.gateway.envoy.sent import built_in, sent

TOKENS, KEYS, BARRIER, GATE = (
    "stationmaster.tokens",
    "stationmaster.key_check",
    "stationmaster.barrier",
    "stationmaster.gate",
)
"""Names of the filters that ask who calls, and of the settings that are sent for them."""
_NOT_DONE, _BAD_REQUEST = 501, 400
_HOST = r"[\w.~!$&'()*+;=%:\[\]-]+"
"""What a name, an address or a port is written with (RFC 3986 3.2.2), but for the comma."""
ACCESS = (TOKENS, KEYS, BARRIER, GATE)


@cache
def late() -> Late:
    return Late(
        (
            *routing.filters(),
            built_in("stationmaster.no_trace", _no_trace(), disabled=False),
            built_in("stationmaster.one_host", _one_host(), disabled=False),
            *policies.before_access(),
            sent(TOKENS, config_pb2.JwtAuthentication),
            *policies.after_tokens(),
            built_in(KEYS, api_keys.checker(), disabled=False),
            *access_log.filters(),
            *holders.filters(),
            sent(BARRIER, rbac_pb2.RBAC),
            # Refuses whoever the route does not name, whatever the filters before it did.
            built_in(GATE, identity.nobody(), disabled=False),
            *policies.after_access(),
        )
    )


def _no_trace() -> Any:
    """TRACE would show a caller what the gateway adds to requests."""
    return fault_pb2.HTTPFault(
        abort={"http_status": _NOT_DONE, "percentage": {"numerator": 100}},
        headers=[{"name": ":method", "string_match": {"exact": "TRACE"}}],
    )


def _one_host() -> Any:
    """Two Host headers, which have become a list by now, or one that is none (RFC 9112 3.2)."""
    names = {"safe_regex": {"regex": _HOST}}
    return fault_pb2.HTTPFault(
        abort={"http_status": _BAD_REQUEST, "percentage": {"numerator": 100}},
        headers=[{"name": ":authority", "string_match": names, "invert_match": True}],
    )


def filters() -> list[Any]:
    return late().running()
