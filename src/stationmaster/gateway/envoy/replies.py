"""What the node says itself, in one voice: problem documents (RFC 9457) with the id of the request."""

from dataclasses import dataclass
from typing import Any

from envoy.config.accesslog.v3 import accesslog_pb2
from envoy.extensions.access_loggers.filters.cel.v3 import cel_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2 as manager_pb2

from stationmaster.gateway.envoy import api_keys, scopes
from stationmaster.gateway.envoy.access import REVOKED
from stationmaster.gateway.envoy.identity import CALLER, KEY
from stationmaster.gateway.envoy.parts import pack

REALM = "stationmaster"


@dataclass(frozen=True, slots=True)
class _Said:
    status: int
    title: str
    code: str
    detail: str


_MAINTENANCE = _Said(503, "Service Unavailable", "maintenance", "%LOCAL_REPLY_BODY%")
_BAD_TOKEN = _Said(
    401, "Unauthorized", "invalid-token", "the token is not good here: forged, expired, revoked or for others"
)
_NO_TOKEN = _Said(401, "Unauthorized", "unauthenticated", "a valid token is needed")
_NO_KEY = _Said(401, "Unauthorized", "unauthenticated", "a valid API key is needed")
_SAID = (
    _Said(400, "Bad Request", "bad-request", "the request is not well formed"),
    _Said(401, "Unauthorized", "unauthenticated", "a valid API key or token is needed"),
    _Said(403, "Forbidden", "forbidden", "this caller may not call this API"),
    _Said(404, "Not Found", "no-such-api", "no API is published here"),
    _Said(405, "Method Not Allowed", "method-not-allowed", "this method is not allowed"),
    _Said(408, "Request Timeout", "request-timeout", "the request did not come in time"),
    _Said(413, "Content Too Large", "too-large", "the body of the request is larger than this API takes"),
    _Said(426, "Upgrade Required", "upgrade-required", "HTTP/1.1 or HTTP/2 is needed"),
    _Said(
        429, "Too Many Requests", "rate-limited", "too many requests; try again after the time that Retry-After tells"
    ),
    _Said(431, "Request Header Fields Too Large", "headers-too-large", "the headers of the request are too large"),
    _Said(501, "Not Implemented", "not-implemented", "the gateway does not do this"),
    _Said(502, "Bad Gateway", "bad-gateway", "the API sent something that is no HTTP answer"),
    _Said(503, "Service Unavailable", "unavailable", "the API cannot be reached now"),
    _Said(504, "Gateway Timeout", "timeout", "the API did not answer in time"),
)


_REALM = f'realm="{REALM}"'
_BEARER, _API_KEY = f"Bearer {_REALM}", f'ApiKey {_REALM}, header="{KEY}"'
_KEYS_ALONE = f"'{api_keys.ALONE}' in xds.route_metadata.filter_metadata"
_SIGNED = f"'{scopes.CHECK}' in metadata.filter_metadata"
_NAMED = f"('{CALLER}' in request.headers && request.headers['{CALLER}'].matches('^[^[:cntrl:]]+$'))"
_REFUSED = f"response.code_details == 'rbac_access_denied_matched_policy[{REVOKED}]'"
_CHECK_OF_TOKENS, _NONE = "jwt_authn_access_denied{", "jwt_authn_access_denied{Jwt_is_missing}"


def replies() -> Any:
    """The first rule that fits is taken; answers of an API are left alone."""
    # Only routes that are closed answer with 503 of their own.
    closed = _when("response.code == 503 && response.code_details == 'direct_response'")
    return manager_pb2.LocalReplyConfig(
        mappers=[
            _mapper(_MAINTENANCE, closed),
            _mapper(_NO_TOKEN, _when(f"response.code_details == '{_NONE}'"), _BEARER),
            _mapper(_NO_KEY, _when(f"(response.code == 401 || {_REFUSED}) && {_KEYS_ALONE}"), _API_KEY),
            _mapper(_BAD_TOKEN, _of_bad_token(), f'{_BEARER}, error="invalid_token"'),
            *(_mapper(each, _status(each.status), *_challenges(each)) for each in _SAID),
        ]
    )


def _of_bad_token() -> Any:
    """The filters answer 403 to a token that was revoked, is for others or names nobody, which is no good one (RFC 6750
    3.1)."""
    nameless = f"response.code in [401, 403] && {_SIGNED} && !{_NAMED}"
    return _when(f"response.code_details.startsWith('{_CHECK_OF_TOKENS}') || {_REFUSED} || ({nameless})")


def _challenges(said: _Said) -> tuple[str, ...]:
    """Both ways to show who one is (RFC 9110 11.6.1)."""
    return (_BEARER, _API_KEY) if said.status == 401 else ()


def _mapper(said: _Said, when: Any, *challenges: str) -> Any:
    """A filter's own challenge gives way to the first of ours."""
    actions = ("OVERWRITE_IF_EXISTS_OR_ADD", *["APPEND_IF_EXISTS_OR_ADD"] * len(challenges))
    return manager_pb2.ResponseMapper(
        filter=when,
        status_code={"value": said.status},
        headers_to_add=[_challenge(text, action) for text, action in zip(challenges, actions, strict=False)],
        body_format_override={
            "content_type": "application/problem+json",
            "json_format": {
                "type": "about:blank",
                "title": said.title,
                "status": "%RESPONSE_CODE%",
                "code": said.code,
                "detail": said.detail,
                "request_id": "%REQ(x-request-id)%",
            },
        },
    )


def _status(status: int) -> Any:
    value = {"default_value": status, "runtime_key": f"stationmaster.said.{status}"}
    return accesslog_pb2.AccessLogFilter(status_code_filter={"comparison": {"op": "EQ", "value": value}})


def _when(expression: str) -> Any:
    packed = pack(cel_pb2.ExpressionFilter(expression=expression))
    return accesslog_pb2.AccessLogFilter(extension_filter={"name": "stationmaster.when", "typed_config": packed})


def _challenge(value: str, action: str) -> Any:
    return {"header": {"key": "www-authenticate", "value": value}, "append_action": action}
