"""When a request is sent again to another endpoint."""

from typing import Any

from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2

from stationmaster.gateway.envoy.parts import ms, pack

REPEATABLE = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")
"""Idempotent methods (RFC 9110, section 9.2.2), but for TRACE, which nobody gets."""


def may_repeat(method: str) -> bool:
    return method in REPEATABLE


def repeatable(timeout_ms: int, retries: int) -> dict[str, Any]:
    """Any failure of the way or of a gateway behind us. A try that hangs is not ended but joined by another one."""
    share_ms = max(1, timeout_ms // max(1, retries))
    policy = _policy("connect-failure,refused-stream,reset,gateway-error", retries, share_ms)
    return {"retry_policy": policy, "hedge_policy": _JOINED}


def once(timeout_ms: int, retries: int) -> dict[str, Any]:
    """Only what surely never reached an endpoint. The one try has all the time until its answer begins."""
    return {"retry_policy": _policy("connect-failure,refused-stream,reset-before-request", retries, timeout_ms)}


_JOINED = route_components_pb2.HedgePolicy(hedge_on_per_try_timeout=True)


def _policy(retry_on: str, retries: int, per_try_ms: int) -> Any:
    return route_components_pb2.RetryPolicy(
        retry_on=retry_on,
        num_retries={"value": retries},
        per_try_timeout=ms(per_try_ms),
        retry_host_predicate=[
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": pack(previous_hosts_pb2.PreviousHostsPredicate()),
            }
        ],
        host_selection_retry_max_attempts=5,
        retry_back_off={"base_interval": ms(5), "max_interval": ms(50)},
    )
