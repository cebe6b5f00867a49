"""Refusals of our HTTP services as RFC 9457 problem documents, and the log line of what nobody expected."""

import json
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Scope

from stationmaster.core.problem import PlatformError

log = structlog.get_logger("http")

PROBLEM_TYPE = "application/problem+json"


def platform_problem(_request: Request[Any, Any, Any], error: PlatformError) -> Response[bytes]:
    return problem(error.status, error.code, error.message, error.hint)


def http_problem(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses: unknown paths, wrong methods, bodies that are too large."""
    return problem(error.status_code, f"http-{error.status_code}", f"{error.detail}{_fields(error.extra)}", "")


def too_deep(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[bytes]:
    return problem(400, "too-deep", "the body is nested too deeply", "no document of this API has more than two levels")


def fault_problem(_request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    """A fault of ours; what it was stands in the log alone."""
    return problem(500, "internal-fault", "the request could not be answered", "the log of this process says why")


def _fields(extra: object) -> str:
    """Which fields or parameters were wrong, where the framework knows."""
    named = [each for each in extra if isinstance(each, dict)] if isinstance(extra, list) else []
    told = "; ".join(": ".join(filter(None, (each.get("key"), each.get("message")))) for each in named)
    return f": {told}" if told else ""


def problem(status: int, code: str, detail: str, hint: str) -> Response[bytes]:
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, "hint": hint}
    return Response(json.dumps(body).encode(), status_code=status, media_type=PROBLEM_TYPE)


async def log_unexpected(error: Exception, scope: Scope) -> None:
    """For `after_exception`: refusals are answers, anything else is a fault of ours."""
    if not isinstance(error, HTTPException | PlatformError | RecursionError):
        log.error("request failed", path=scope["path"], exc_info=error)
