"""Pools as Envoy clusters: balancing, checks, and room for retries."""

from typing import Any

from envoy.config.cluster.v3 import circuit_breaker_pb2, cluster_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

from stationmaster.gateway.envoy import health
from stationmaster.gateway.envoy.parts import from_control, ms, pack
from stationmaster.gateway.ir import Balance, Pool

_CONNECT_MS = 1_000
_IDLE_MS = 4_000
"""Below the five seconds after which common servers close an idle connection: who closes first loses no request."""
_MOST_AT_ONCE = 16_384
_MOST_RETRIES_AT_ONCE = 4_096

_POLICY = {
    Balance.TURNS: cluster_pb2.Cluster.ROUND_ROBIN,
    Balance.FEWEST_IN_FLIGHT: cluster_pb2.Cluster.LEAST_REQUEST,
    Balance.BY_CALLER: cluster_pb2.Cluster.RING_HASH,
}


def cluster(pool: Pool) -> Any:
    return cluster_pb2.Cluster(
        name=pool.name,
        type=cluster_pb2.Cluster.EDS,
        eds_cluster_config={"eds_config": from_control()},
        connect_timeout=ms(_CONNECT_MS),
        lb_policy=_POLICY[pool.balance],
        common_lb_config={"healthy_panic_threshold": {"value": 0}},
        health_checks=[health.active(pool.check, pool.name)] if pool.check else [],
        outlier_detection=health.passive(),
        circuit_breakers=_breakers(),
        ignore_health_on_host_removal=True,
        close_connections_on_host_health_failure=True,
        typed_extension_protocol_options={"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(_http())},
    )


def _breakers() -> Any:
    """The default breakers refuse the very retries that a dead endpoint calls for."""
    return circuit_breaker_pb2.CircuitBreakers(
        thresholds=[
            {
                "max_connections": {"value": _MOST_AT_ONCE},
                "max_pending_requests": {"value": _MOST_AT_ONCE},
                "max_requests": {"value": _MOST_AT_ONCE},
                "retry_budget": {
                    "budget_percent": {"value": 100},
                    "min_retry_concurrency": {"value": _MOST_RETRIES_AT_ONCE},
                },
            }
        ]
    )


def _http() -> Any:
    return http_protocol_options_pb2.HttpProtocolOptions(
        common_http_protocol_options={"idle_timeout": ms(_IDLE_MS)},
        explicit_http_config={"http_protocol_options": {}},
    )
