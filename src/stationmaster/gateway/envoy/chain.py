"""What every request passes through on its way to the router, in order."""

from functools import cache
from typing import Any

from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.jwt_authn.v3 import config_pb2
from envoy.extensions.filters.http.rbac.v3 import rbac_pb2

from stationmaster.gateway.envoy import api_keys, holders, identity, policies, routing
from stationmaster.gateway.envoy.late import Late
from stationmaster.gateway.envoy.sent import built_in, sent

TOKENS, KEYS, BARRIER, GATE = (
    "stationmaster.tokens",
    "stationmaster.key_check",
    "stationmaster.barrier",
    "stationmaster.gate",
)
"""Names of the filters that ask who calls, and of the settings that are sent for them."""
_NOT_DONE = 501
ACCESS = (TOKENS, KEYS, BARRIER, GATE)


@cache
def late() -> Late:
    return Late(
        (
            *routing.filters(),
            built_in("stationmaster.no_trace", _no_trace(), disabled=False),
            *policies.before_access(),
            sent(TOKENS, config_pb2.JwtAuthentication),
            *policies.after_tokens(),
            built_in(KEYS, api_keys.checker(), disabled=False),
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


def filters() -> list[Any]:
    return late().running()
