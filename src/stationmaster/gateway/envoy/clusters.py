"""Pools as Envoy clusters: balancing, checks, protocol, and room for retries."""

import ssl
from typing import Any

from envoy.config.cluster.v3 import circuit_breaker_pb2, cluster_pb2
from envoy.config.core.v3 import base_pb2
from envoy.extensions.transport_sockets.tls.v3 import tls_pb2
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2

from stationmaster.gateway.envoy import endpoints, health
from stationmaster.gateway.envoy.parts import from_control, ms, pack
from stationmaster.gateway.ir import Balance, Breaker, Pool, Speaks

_CONNECT_MS = 1_000
_IDLE_MS = 4_000
"""Below the five seconds after which common servers close an idle connection: who closes first loses no request."""
_LOOK_UP_EVERY_MS = 5_000
_UNBOUNDED_PERCENT = 100
_MOST_RETRIES_AT_ONCE = 4_096
_FEW_RETRIES_AT_ONCE = 3
"""Allowed however small the declared share is, unless it is none."""

_POLICY = {
    Balance.TURNS: cluster_pb2.Cluster.ROUND_ROBIN,
    Balance.FEWEST_IN_FLIGHT: cluster_pb2.Cluster.LEAST_REQUEST,
    Balance.BY_CALLER: cluster_pb2.Cluster.RING_HASH,
}


def cluster(pool: Pool) -> Any:
    return cluster_pb2.Cluster(
        name=pool.name,
        connect_timeout=ms(_CONNECT_MS),
        lb_policy=_POLICY[pool.balance],
        common_lb_config={"healthy_panic_threshold": {"value": 0}},
        health_checks=[health.active(pool.check, pool)] if pool.check else [],
        outlier_detection=health.passive(pool),
        circuit_breakers=_breakers(pool.breaker),
        ignore_health_on_host_removal=True,
        close_connections_on_host_health_failure=True,
        track_cluster_stats={"per_endpoint_stats": True},
        typed_extension_protocol_options={
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": pack(_http(pool.speaks))
        },
        **_found(pool),
        **_ramp(pool),
        **_secured(pool),
    )


def _found(pool: Pool) -> dict[str, Any]:
    """Addresses come on their own, so that one that leaves changes nothing else; names are looked up by the node."""
    if not endpoints.by_name(pool):
        return {"type": cluster_pb2.Cluster.EDS, "eds_cluster_config": {"eds_config": from_control()}}
    return {
        "type": cluster_pb2.Cluster.STRICT_DNS,
        "load_assignment": endpoints.assignment(pool),
        "dns_refresh_rate": ms(_LOOK_UP_EVERY_MS),
        "dns_lookup_family": cluster_pb2.Cluster.V4_PREFERRED,
    }


def _ramp(pool: Pool) -> dict[str, Any]:
    """An endpoint that is new or healthy again begins with a tenth of its share. Where callers stay with one endpoint
    there is no share to be grown."""
    if not pool.ramp_ms or pool.balance is Balance.BY_CALLER:
        return {}
    slowly = {"slow_start_config": {"slow_start_window": ms(pool.ramp_ms)}}
    field = "least_request_lb_config" if pool.balance is Balance.FEWEST_IN_FLIGHT else "round_robin_lb_config"
    return {field: slowly}


def _breakers(breaker: Breaker) -> Any:
    """The default breakers refuse the very retries that a dead endpoint calls for."""
    least = _MOST_RETRIES_AT_ONCE if breaker.retry_percent >= _UNBOUNDED_PERCENT else _FEW_RETRIES_AT_ONCE
    return circuit_breaker_pb2.CircuitBreakers(
        thresholds=[
            {
                "max_connections": {"value": breaker.connections},
                "max_pending_requests": {"value": breaker.waiting},
                "max_requests": {"value": breaker.requests},
                "retry_budget": {
                    "budget_percent": {"value": breaker.retry_percent},
                    "min_retry_concurrency": {"value": least if breaker.retry_percent else 0},
                },
            }
        ]
    )


def _http(speaks: Speaks) -> Any:
    options = http_protocol_options_pb2.HttpProtocolOptions(common_http_protocol_options={"idle_timeout": ms(_IDLE_MS)})
    match speaks:
        case Speaks.HTTP1:
            options.explicit_http_config.http_protocol_options.SetInParent()
        case Speaks.HTTP2:
            options.explicit_http_config.http2_protocol_options.SetInParent()
        case Speaks.TLS:
            options.auto_config.http_protocol_options.SetInParent()
            options.auto_config.http2_protocol_options.SetInParent()
    return options


def _secured(pool: Pool) -> dict[str, Any]:
    """The certificate has to come from a trusted authority, and to name one of the endpoints."""
    if pool.speaks is not Speaks.TLS:
        return {}
    context = tls_pb2.UpstreamTlsContext(
        auto_host_sni=True,
        common_tls_context={
            "validation_context": {
                **authorities(),
                "match_typed_subject_alt_names": [
                    {"san_type": kind, "matcher": {"exact": name}}
                    for name in pool.hosts
                    for kind in ("DNS", "IP_ADDRESS")
                ],
            }
        },
    )
    socket = base_pb2.TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))
    return {"transport_socket": socket}


def authorities() -> dict[str, Any]:
    """Those that this system trusts; the variable SSL_CERT_FILE names a file with others, as for OpenSSL. Nodes on
    other machines need the same file."""
    file = ssl.get_default_verify_paths().cafile
    return {"trusted_ca": {"filename": file}} if file else {"system_root_certs": {}}
