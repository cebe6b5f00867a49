"""What a node counts of the requests that it ended: each under its API, and under its API user where the gate let one
pass. Whoever refused it and at which filter makes no difference: all are counted when they end."""

from typing import Any

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.data.accesslog.v3 import accesslog_pb2 as data_pb2
from envoy.extensions.access_loggers.stats.v3 import stats_pb2

from stationmaster.gateway.envoy.identity import CALLER
from stationmaster.gateway.envoy.parts import pack
from stationmaster.gateway.metrics import figures

_GATE = "envoy.filters.http.rbac"
"""Where the metadata of a request say what the barrier, and after it the gate, made of it."""
_API = {"name": figures.API_TAG, "value_format": "%ROUTE_NAME%"}
_CODE = {"name": figures.CODE_TAG, "value_format": "%RESPONSE_CODE%"}
_TRIES = {"name": figures.TRIES_TAG, "value_format": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"}
_USER = {"name": figures.USER_TAG, "value_format": f"%REQ({CALLER})%"}


def loggers(entrance: str) -> list[Any]:
    """Access loggers that count instead of writing. Names of APIs and users and codes are all that tells counters
    apart, so that no caller can make many of them. Counters die with the entrance that they were made for: `entrance`,
    a word, has to be another one whenever a node makes its entrance anew, so that those of users are never taken for
    the same."""
    took = {
        "stat": {"name": figures.TOOK, "tags": [_API]},
        "unit": stats_pb2.Config.Histogram.Milliseconds,
        "value_format": "%DURATION%",
    }
    return [
        _logger(_ended(), stat_prefix=figures.API, counters=[_requests(_API, _CODE, _TRIES)], histograms=[took]),
        _logger(_ended_by_user(), stat_prefix=f"{figures.USE}.{entrance}", counters=[_requests(_API, _USER, _CODE)]),
    ]


def _logger(when: Any, **config: Any) -> Any:
    return accesslog_pb2.AccessLog(
        name="envoy.access_loggers.stats", filter=when, typed_config=pack(stats_pb2.Config(**config))
    )


def _requests(*tags: dict[str, str]) -> Any:
    return {"stat": {"name": figures.REQUESTS, "tags": tags}, "value_fixed": {"value": 1}}


def _ended() -> Any:
    """A request that goes on for long is logged while it does, too."""
    return accesslog_pb2.AccessLogFilter(log_type_filter={"types": [data_pb2.AccessLogType.DownstreamEnd]})


def _ended_by_user() -> Any:
    """A foreign issuer may name callers that are no API users; the gate lets none of them pass."""
    passed = {"filter": _GATE, "path": [{"key": "enforced_engine_result"}], "value": {"string_match": _ALLOWED}}
    let_in = accesslog_pb2.AccessLogFilter(
        metadata_filter={"matcher": passed, "match_if_key_not_found": {"value": False}}
    )
    return accesslog_pb2.AccessLogFilter(and_filter={"filters": [_ended(), let_in]})


_ALLOWED = {"exact": "allowed"}


def settings() -> dict[str, Any]:
    """How figures of a node are told apart, and into which buckets durations go. A pool's name may have dots in it."""
    pool = r"^cluster\.((.+)\.)(?:upstream_|circuit_breakers\.)"
    return {
        "use_all_default_tags": {"value": False},
        "stats_tags": [{"tag_name": figures.POOL_TAG, "regex": pool}],
        "histogram_bucket_settings": [{"match": {"safe_regex": {"regex": ".+"}}, "buckets": figures.BOUNDS_MS}],
    }
