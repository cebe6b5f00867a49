"""Which requests a node tells of: the first one with an API key within a minute, and whatever lasts longer than that.

A bucket of one token for every key, which fills within that minute and refuses nobody, says whether a key was used
lately: so an entry costs a busy key nothing, and a key that is hardly ever used is missed by none."""

from typing import Any

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.extensions.access_loggers.grpc.v3 import als_pb2
from envoy.extensions.filters.http.local_ratelimit.v3 import local_rate_limit_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as manager_pb2

from stationmaster.gateway.admin import CONTROL
from stationmaster.gateway.envoy.identity import CREDENTIAL, HOLDER, USED_LATELY
from stationmaster.gateway.envoy.parts import V3, ms, pack
from stationmaster.gateway.envoy.sent import built_in

READ = "stationmaster.holder"
"""The metadata of a request that say which key it showed, and whether that key was used lately."""
TOLD_AT = "told_at"
"""The tag of an entry that says when it was written, in seconds since 1970."""
WINDOW_MS = 60_000
_SENT_WITHIN_MS = 1_000
_BUFFER_BYTES = 16 * 1024
_MOST_KEYS = 100_000
"""Buckets that a node keeps; a key whose bucket was dropped is told of once more."""
_PLENTY = 2**32 - 1
_LEAST_FILL_MS = 50


def filters() -> list[Any]:
    """Marks a request whose key was used lately. Who showed no key passes as they are."""
    every = {"default_value": {"numerator": 100}}
    return [
        built_in(
            "stationmaster.key_uses",
            local_rate_limit_pb2.LocalRateLimit(
                stat_prefix="key_uses",
                filter_enabled=every,
                filter_enforced={"default_value": {"numerator": 0}},
                request_headers_to_add_when_not_enforced=[
                    {
                        "header": {"key": USED_LATELY, "value": "1"},
                        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
                    }
                ],
                always_consume_default_token_bucket={"value": False},
                token_bucket=_bucket(_PLENTY, _LEAST_FILL_MS),
                max_dynamic_descriptors={"value": _MOST_KEYS},
                rate_limits=[{"actions": [{"request_headers": {"header_name": HOLDER, "descriptor_key": HOLDER}}]}],
                descriptors=[{"entries": [{"key": HOLDER}], "token_bucket": _bucket(1, WINDOW_MS)}],
            ),
            disabled=False,
        )
    ]


def _bucket(tokens: int, fill_ms: int) -> Any:
    return {"max_tokens": tokens, "tokens_per_fill": {"value": tokens}, "fill_interval": ms(fill_ms)}


def to_control() -> dict[str, Any]:
    """The fields of the connection manager. What the control plane does not take is dropped: nothing waits for it."""
    logger = als_pb2.HttpGrpcAccessLogConfig(
        common_config={
            "log_name": "stationmaster.key_uses",
            "transport_api_version": V3,
            "grpc_service": {"envoy_grpc": {"cluster_name": CONTROL}},
            "buffer_flush_interval": ms(_SENT_WITHIN_MS),
            "buffer_size_bytes": {"value": _BUFFER_BYTES},
            # Of a request that goes on, an entry says nothing else of the time.
            "custom_tags": [{"tag": TOLD_AT, "value": "%EMIT_TIME(%s.%6f)%"}],
        }
    )
    told = accesslog_pb2.AccessLog(
        name="envoy.access_loggers.http_grpc", filter=_both(_has(CREDENTIAL), _news()), typed_config=pack(logger)
    )
    options = manager_pb2.HttpConnectionManager.HcmAccessLogOptions(access_log_flush_interval=ms(WINDOW_MS))
    return {"access_log": [told], "access_log_options": options}


def _news() -> Any:
    lasting = {"op": "GE", "value": {"default_value": WINDOW_MS, "runtime_key": "stationmaster.told_after_ms"}}
    return accesslog_pb2.AccessLogFilter(
        or_filter={"filters": [_lacks(USED_LATELY), {"duration_filter": {"comparison": lasting}}]}
    )


def _both(*filters: Any) -> Any:
    return accesslog_pb2.AccessLogFilter(and_filter={"filters": filters})


def _has(key: str) -> Any:
    return _if(key, there={"present_match": True}, missing=False)


def _lacks(key: str) -> Any:
    """What is there is never null. (This filter takes no notice of `invert`.)"""
    return _if(key, there={"null_match": {}}, missing=True)


def _if(key: str, *, there: dict[str, Any], missing: bool) -> Any:
    matcher = {"filter": READ, "path": [{"key": key}], "value": there}
    return accesslog_pb2.AccessLogFilter(
        metadata_filter={"matcher": matcher, "match_if_key_not_found": {"value": missing}}
    )
