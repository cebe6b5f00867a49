"""Refusals in the words and with the codes of PagerDuty's REST API."""

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR
from sqlalchemy.exc import OperationalError

from stationmaster.api.guard import RefusalError
from stationmaster.core.problem import PlatformError

Handler: TypeAlias = Callable[[Request[Any, Any, Any], HTTPException], Response[bytes]]

PREFIX = "/pagerduty/"
NOT_FOUND = 2100
BAD_ARGUMENTS = 2001
OVER_ALREADY = 1001
NO_REQUESTER = 1008
UNAUTHORISED = 2006
FORBIDDEN = 2010
BROKEN_INSIDE = 2000

_CODES = {400: BAD_ARGUMENTS, 401: UNAUTHORISED, 403: FORBIDDEN, 404: NOT_FOUND, 409: BAD_ARGUMENTS}
_TITLES = {
    BAD_ARGUMENTS: "Invalid Input Provided",
    UNAUTHORISED: "Unauthorized",
    FORBIDDEN: "Access Denied",
    NOT_FOUND: "Not Found",
    OVER_ALREADY: "Incident Already Resolved",
    NO_REQUESTER: "Requester User Not Found",
    BROKEN_INSIDE: "Internal Error",
}


class CodedError(PlatformError):
    """One for which PagerDuty has a number of its own."""

    def __init__(self, number: int, text: str, *, hint: str = "", status: int = 400) -> None:
        super().__init__(f"pagerduty-{number}", text, hint=hint, status=status)
        self.number = number


def not_found(what: str) -> PlatformError:
    return CodedError(NOT_FOUND, f"there is nothing of the id {what[:80]!r}", status=404)


def bad(text: str, hint: str = "") -> PlatformError:
    return CodedError(BAD_ARGUMENTS, text, hint=hint)


def refusal(_request: Request[Any, Any, Any], error: PlatformError) -> Response[bytes]:
    """What is refused because of how things stand is a 400 there, as are bad arguments."""
    number: int = error.number if isinstance(error, CodedError) else _CODES.get(error.status, BAD_ARGUMENTS)
    number = OVER_ALREADY if error.code == "not-now" else number
    status = 400 if error.status in (409, 410, 422) else error.status
    return answer(status, number, *[each for each in (error.message, error.hint) if each])


def guard_refusal(request: Request[Any, Any, Any], error: RefusalError) -> Response[bytes]:
    """With its headers: a 401 says how to prove oneself."""
    said = refusal(request, error)
    said.headers.update(error.headers)
    return said


def framework_refusal(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    return answer(error.status_code, _CODES.get(error.status_code, BAD_ARGUMENTS), error.detail)


def store_refusal(_request: Request[Any, Any, Any], _error: OperationalError) -> Response[bytes]:
    return answer(503, BROKEN_INSIDE, "the database of the platform refuses; nothing was changed")


def fault(_request: Request[Any, Any, Any], _error: Exception) -> Response[bytes]:
    return answer(HTTP_500_INTERNAL_SERVER_ERROR, BROKEN_INSIDE, "the log of the control plane says why")


def answer(status: int, number: int, *errors: str) -> Response[bytes]:
    told = {"error": {"message": _TITLES[number], "code": number, "errors": list(errors)}}
    return Response(msgspec.json.encode(told), status_code=status, media_type="application/json")


def or_else(handle: Handler) -> Handler:
    """For refusals that no route has a say in, as of a path that there is not: another handler for other paths."""

    def chosen(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        return (framework_refusal if request.url.path.startswith(PREFIX) else handle)(request, error)

    return chosen


HANDLERS: dict[Any, Any] = {
    RefusalError: guard_refusal,
    PlatformError: refusal,
    HTTPException: framework_refusal,
    OperationalError: store_refusal,
    HTTP_500_INTERNAL_SERVER_ERROR: fault,
}
