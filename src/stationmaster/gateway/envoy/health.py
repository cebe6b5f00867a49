"""How a node finds out that an endpoint is bad: by asking it, and by what its answers to callers look like."""

from typing import Any

from envoy.config.cluster.v3 import outlier_detection_pb2
from envoy.config.core.v3 import health_check_pb2
from envoy.type.v3 import http_pb2

from stationmaster.gateway.envoy.parts import ms
from stationmaster.gateway.ir import Check, CheckBy, Pool, Speaks

_FIRST_EJECTION_MS = 2_000
_LONGEST_EJECTION_MS = 30_000
_SWEEP_MS = 500
_JITTER_PERCENT = 10
_CODEC = {
    Speaks.HTTP1: http_pb2.CodecClientType.HTTP1,
    Speaks.HTTP2: http_pb2.CodecClientType.HTTP2,
    Speaks.TLS: http_pb2.CodecClientType.HTTP1,
}


def active(check: Check, pool: Pool) -> Any:
    message = health_check_pb2.HealthCheck(
        timeout=ms(check.timeout_ms),
        interval=ms(check.interval_ms),
        interval_jitter_percent=_JITTER_PERCENT,
        no_traffic_interval=ms(check.interval_ms),
        unhealthy_threshold={"value": check.down_after},
        healthy_threshold={"value": check.up_after},
    )
    match check.by:
        case CheckBy.REQUEST:
            message.http_health_check.CopyFrom(_request(check, pool))
            if pool.speaks is Speaks.TLS:
                message.tls_options.alpn_protocols.append("http/1.1")
        case CheckBy.CONNECTION:
            message.tcp_health_check.SetInParent()
        case CheckBy.GRPC:
            message.grpc_health_check.service_name = check.service
            message.grpc_health_check.authority = pool.name
    return message


def _request(check: Check, pool: Pool) -> Any:
    http = health_check_pb2.HealthCheck.HttpHealthCheck(
        path=check.path,
        host=pool.name,
        expected_statuses=[{"start": check.status, "end": check.status + 1}],
        codec_client_type=_CODEC[pool.speaks],
    )
    if check.body is not None:
        http.receive.add(text=check.body.encode().hex())
    return http


def passive(pool: Pool) -> Any:
    """Two failed connections or three answers of a broken gateway (502, 503, 504) in a row put an endpoint aside."""
    return outlier_detection_pb2.OutlierDetection(
        interval=ms(_SWEEP_MS),
        base_ejection_time=ms(_FIRST_EJECTION_MS),
        max_ejection_time=ms(_LONGEST_EJECTION_MS),
        max_ejection_percent={"value": pool.most_aside_percent},
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure={"value": 2},
        enforcing_consecutive_local_origin_failure={"value": 100},
        consecutive_gateway_failure={"value": 3},
        enforcing_consecutive_gateway_failure={"value": 100},
        enforcing_consecutive_5xx={"value": 0},
        enforcing_success_rate={"value": 0},
        enforcing_local_origin_success_rate={"value": 0},
        successful_active_health_check_uneject_host={"value": True},
    )
