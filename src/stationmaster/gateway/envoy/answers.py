"""Answers that the node gives itself in place of an endpoint: closed for maintenance, or look elsewhere."""

from typing import Any

from envoy.config.route.v3 import route_components_pb2

from stationmaster.gateway.ir_policy import Closed, Elsewhere, RoutePolicy

_Redirect = route_components_pb2.RedirectAction
_CODES = {
    301: _Redirect.MOVED_PERMANENTLY,
    302: _Redirect.FOUND,
    303: _Redirect.SEE_OTHER,
    307: _Redirect.TEMPORARY_REDIRECT,
    308: _Redirect.PERMANENT_REDIRECT,
}


def answer(policy: RoutePolicy) -> dict[str, Any]:
    """The field of the route that answers; empty where an endpoint is asked."""
    if policy.closed:
        return {"direct_response": _closed(policy.closed)}
    if policy.elsewhere:
        return {"redirect": _elsewhere(policy.elsewhere)}
    return {}


def headers(policy: RoutePolicy) -> list[Any]:
    """Headers that such an answer has."""
    if policy.closed is None:
        return []
    return [{"header": {"key": "retry-after", "value": str(policy.closed.retry_after_s)}}]


def _closed(closed: Closed) -> Any:
    """The message is the body until the listener makes a problem document of it."""
    return {"status": 503, "body": {"inline_string": closed.message}}


def _elsewhere(to: Elsewhere) -> Any:
    return _Redirect(
        scheme_redirect=to.scheme or "",
        host_redirect=to.host or "",
        port_redirect=to.port or 0,
        path_redirect=to.path or "",
        response_code=_CODES[to.status],
    )
