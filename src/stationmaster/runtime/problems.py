"""Refusals of our HTTP services as RFC 9457 problem documents, and the log line of what nobody expected."""

import json
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE
from litestar.types import Scope
from sqlalchemy.exc import OperationalError

from stationmaster.core.problem import Diagnostic, InvalidInputError, PlatformError

log = structlog.get_logger("http")

PROBLEM_TYPE = "application/problem+json"
_NO_BODY = {"key": "data", "message": "'data'", "source": "body"}
"""How the framework tells that a route got no body at all."""
_HINTS = {
    400: "mend what is named, and send it again",
    404: "look at the path: its spelling, its number, no slash at its end",
    405: "the `Allow` header names the methods that this path takes",
}


def platform_problem(_request: Request[Any, Any, Any], error: PlatformError) -> Response[bytes]:
    """A refused document comes with `problems`: everything that is wrong with it, and where."""
    found = {"problems": [_located(each) for each in error.diagnostics]} if isinstance(error, InvalidInputError) else {}
    return problem(error.status, error.code, error.message, error.hint, **found)


def http_problem(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses: unknown paths, wrong methods, bodies that are too large."""
    detail = f"{error.detail}{_fields(error.extra)}"
    hint = _body_limit(request, error.status_code) or _HINTS.get(error.status_code, "")
    answer = problem(error.status_code, f"http-{error.status_code}", detail, hint)
    answer.headers.update({name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"})
    return answer


def _body_limit(request: Request[Any, Any, Any], status: int) -> str:
    handler = request.scope.get("route_handler")
    if status != HTTP_413_REQUEST_ENTITY_TOO_LARGE or not isinstance(handler, HTTPRouteHandler):
        return ""
    return f"a body may have {handler.resolve_request_max_body_size():,} bytes here"


def too_deep(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[bytes]:
    return problem(400, "too-deep", "the body is nested too deeply", "write it with fewer levels")


def store_problem(_request: Request[Any, Any, Any], _error: OperationalError) -> Response[bytes]:
    """The database cannot be read or written: nothing of the request was done."""
    hint = "see that the disk of the state folder is not full and takes writing; the log of this process says more"
    return problem(503, "store-unavailable", "the database of the platform refuses; nothing was changed", hint)


def fault_problem(_request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    """A fault of ours; what it was stands in the log alone."""
    return problem(500, "internal-fault", "the request could not be answered", "the log of this process says why")


def _fields(extra: object) -> str:
    """Which fields or parameters were wrong, where the framework knows."""
    if extra == [_NO_BODY]:
        return ": a body is needed"
    named = [each for each in extra if isinstance(each, dict)] if isinstance(extra, list) else []
    told = "; ".join(": ".join(filter(None, (each.get("key"), each.get("message")))) for each in named)
    return f": {told}" if told else ""


def _located(each: Diagnostic) -> dict[str, object]:
    return {
        "file": each.origin.file,
        "line": each.origin.line,
        "column": each.origin.column,
        "path": each.origin.path,
        "code": each.code,
        "message": each.message,
        "hint": each.hint,
        "severity": each.severity.value,
    }


def problem(status: int, code: str, detail: str, hint: str, **more: object) -> Response[bytes]:
    """`more` are extension members."""
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, "hint": hint}
    return Response(json.dumps(body | more).encode(), status_code=status, media_type=PROBLEM_TYPE)


async def log_unexpected(error: Exception, scope: Scope) -> None:
    """For `after_exception`: refusals are answers, anything else is a fault of ours."""
    if not isinstance(error, HTTPException | PlatformError | RecursionError):
        log.error("request failed", path=_without_token(scope), exc_info=error)


def _without_token(scope: Scope) -> str:
    """A path that bears a token is told by its pattern."""
    pattern = str(scope.get("path_template") or "")
    return pattern if "{token" in pattern else str(scope["path"])
