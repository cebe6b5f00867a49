"""Maps every refusal to an RFC 9457 problem document, in this one place."""

import msgspec
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from stationmaster.api.wire import Problem
from stationmaster.core.problem import PlatformError

PROBLEM_TYPE = "application/problem+json"


def platform_problem(_request: Request[None, None, State], error: PlatformError) -> Response[bytes]:
    return _answer(error.status, error.code, error.message, error.hint)


def http_problem(_request: Request[None, None, State], error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses: unknown paths, wrong methods, bodies that do not fit."""
    extra = getattr(error, "extra", None)
    detail = f"{error.detail} {extra}" if extra else error.detail
    return _answer(error.status_code, f"http-{error.status_code}", detail, "")


def _answer(status: int, code: str, detail: str, hint: str) -> Response[bytes]:
    problem = Problem(type="about:blank", title=code, status=status, detail=detail, code=code, hint=hint)
    return Response(msgspec.json.encode(problem), status_code=status, media_type=PROBLEM_TYPE)
