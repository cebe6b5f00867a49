"""How a node finds out that an endpoint is bad: by asking it, and by what its answers to callers look like."""

from typing import Any

from envoy.config.cluster.v3 import outlier_detection_pb2
from envoy.config.core.v3 import health_check_pb2

from stationmaster.gateway.envoy.parts import ms
from stationmaster.gateway.ir import Check

_FIRST_EJECTION_MS = 2_000
_LONGEST_EJECTION_MS = 30_000
_SWEEP_MS = 500
_MOST_EJECTED_PERCENT = 67


def active(check: Check, pool: str) -> Any:
    http = health_check_pb2.HealthCheck.HttpHealthCheck(
        path=check.path,
        host=pool,
        expected_statuses=[{"start": check.status, "end": check.status + 1}],
    )
    if check.body is not None:
        http.receive.add(text=check.body.encode().hex())
    return health_check_pb2.HealthCheck(
        timeout=ms(check.timeout_ms),
        interval=ms(check.interval_ms),
        no_traffic_interval=ms(check.interval_ms),
        unhealthy_threshold={"value": check.down_after},
        healthy_threshold={"value": check.up_after},
        http_health_check=http,
    )


def passive() -> Any:
    """Two failed connections or three answers of a broken gateway (502, 503, 504) in a row put an endpoint aside."""
    return outlier_detection_pb2.OutlierDetection(
        interval=ms(_SWEEP_MS),
        base_ejection_time=ms(_FIRST_EJECTION_MS),
        max_ejection_time=ms(_LONGEST_EJECTION_MS),
        max_ejection_percent={"value": _MOST_EJECTED_PERCENT},
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
