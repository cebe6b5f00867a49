"""Decides for every request whether its caller may make it: who asks, and which role the route needs."""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias, cast

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler
from litestar.types import HTTPScope

from stationmaster.access.bearer import parse_basic, parse_bearer
from stationmaster.access.live import Kind, Proof
from stationmaster.access.loop import Access
from stationmaster.access.roles import Caller, Role, permits
from stationmaster.api.pagerduty.token import parse_token
from stationmaster.core.problem import PlatformError
from stationmaster.manifest.entity import EntityKind
from stationmaster.runtime.problems import platform_problem

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROOF = "proof"


class Public(Enum):
    """`opt={"role": Public.ANYONE}` opens a route to callers without a token."""

    ANYONE = "anyone"


ADMIN_KINDS = frozenset({EntityKind.SERVICE, EntityKind.SETTINGS, EntityKind.RESPONDER, EntityKind.CHANNEL})
"""What only an administrator declares: the commands of services run as the platform's own user and could read its
secrets; the settings, responders and channels name files that it reads and sends on."""


PERSON_KINDS = frozenset({EntityKind.USER, EntityKind.TOKEN_ISSUER})
"""What no run of a runbook declares, whoever allowed the step: who may call the APIs. That needs a login of one's
own."""


class RefusalError(PlatformError):
    """A refusal whose answer needs headers of its own."""

    def __init__(self, error: PlatformError, headers: Mapping[str, str]) -> None:
        super().__init__(error.code, error.message, hint=error.hint, status=error.status)
        self.headers = headers


Connection: TypeAlias = ASGIConnection[Any, Any, Any, State]
Guard: TypeAlias = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def guard(access: Access) -> Guard:
    """Knows the caller by `Authorization: Bearer TOKEN` and notes who it is for the route. Routes with `basic` in
    their opt take the token as the password of HTTP's Basic as well; it is never asked for, so that no browser
    keeps it; those with `token` take `Token token=TOKEN` as well. Those with `runs` False are closed to the tokens of
    runs of runbooks."""

    async def authorised(connection: Connection, handler: BaseRouteHandler) -> None:
        # Async although it waits for nothing: the framework runs other guards in a thread, at every request.
        scope = cast("HTTPScope", connection.scope)  # the API has no WebSockets
        needed = needed_role(handler, scope["method"])
        if needed is Public.ANYONE:
            return
        shown = connection.headers.get("authorization", "")
        token = parse_bearer(shown) or (parse_basic(shown) if handler.opt.get("basic") else None)
        token = token or (parse_token(shown) if handler.opt.get("token") else None)
        proof = None if token is None else access.prove(token)
        if proof is None:
            raise _unauthorised(given="authorization" in connection.headers)
        if not permits(proof.caller.role, needed):
            raise _forbidden(proof.caller, needed)
        if proof.kind is Kind.RUN and handler.opt.get("runs") is False:
            raise not_for_runs(proof.caller)
        connection.state[_PROOF] = proof

    return authorised


def needed_role(handler: BaseRouteHandler, method: str) -> Role | Public:
    """What the handler says with `opt={"role": ...}`; else reading needs a viewer and all else an operator."""
    default = Role.VIEWER if method in _READS else Role.OPERATOR
    said = handler.opt.get("role", default)
    if not isinstance(said, Role | Public):
        raise TypeError(f"{handler}: `role` in its opt is {said!r}, no Role and not Public.ANYONE")
    return said


def given_proof(request: "Request[Any, Any, State]") -> Proof:
    """For routes that need more than the caller's name: what proved it."""
    proof = request.state.get(_PROOF)
    if not isinstance(proof, Proof):
        raise _unauthorised(given=False)
    return proof


def given_caller(request: "Request[Any, Any, State]") -> Caller:
    return given_proof(request).caller


def refusal_problem(request: "Request[Any, Any, Any]", error: RefusalError) -> Response[bytes]:
    answer = platform_problem(request, error)
    for name, value in error.headers.items():
        answer.headers[name] = value
    return answer


def challenged(error: PlatformError) -> RefusalError:
    """A 401 has to say how to prove oneself (RFC 9110, 15.5.2)."""
    return RefusalError(error, {"www-authenticate": 'Bearer realm="stationmaster"'})


def _unauthorised(*, given: bool) -> RefusalError:
    error = PlatformError(
        "unauthorized",
        "the request bears no valid token",
        hint="send `Authorization: Bearer TOKEN`: a machine token, a session of `stationmaster login`, or the token of"
        " admin.token in the state folder",
        status=401,
    )
    # RFC 6750, 3.1: the error is named only where a token was shown.
    fault = ', error="invalid_token"' if given else ""
    return RefusalError(error, {"www-authenticate": f'Bearer realm="stationmaster"{fault}'})


def not_for_runs(caller: Caller) -> RefusalError:
    hint = "let a person do it: `stm approval list` shows what of a run waits for one"
    error = PlatformError("not-for-runs", f"{caller.name} may not do that: it is a run", hint=hint, status=403)
    return RefusalError(error, {"www-authenticate": 'Bearer realm="stationmaster", error="insufficient_scope"'})


def _forbidden(caller: Caller, needed: Role) -> RefusalError:
    error = PlatformError(
        "forbidden",
        f"this needs the role {needed.value}; {caller.name} is {caller.role.value}",
        hint="ask an administrator for the role: `stationmaster access people set`",
        status=403,
    )
    return RefusalError(error, {"www-authenticate": 'Bearer realm="stationmaster", error="insufficient_scope"'})
