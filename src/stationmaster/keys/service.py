"""The key service: a process of its own that issues and checks tokens from the bundle that the control plane writes."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import msgspec
import structlog
from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import SkipValidation

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address
from stationmaster.keys.bundle import Bundle, BundleFollower
from stationmaster.keys.credentials import Client
from stationmaster.keys.issue import issue
from stationmaster.keys.oauth import OauthCode, OauthError, client_of_request
from stationmaster.keys.verify import Refused, verify
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem, problem
from stationmaster.runtime.serve import Asgi, serve_until_stopped, with_headers
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("keys")

OPERATIONAL = "The API is available and operational."
LARGEST_BODY = 64 * 1024
_POLL_S = 0.2

Call: TypeAlias = Request[Any, Any, Any]
GivenFollower: TypeAlias = NamedDependency[SkipValidation[BundleFollower]]
GivenBundle: TypeAlias = NamedDependency[SkipValidation[Bundle]]


def serve(listen: Address, instance: str, region: str, state: StateDir) -> None:
    """Blocks until SIGTERM. Raises PlatformError when the address cannot be had."""
    serve_until_stopped(key_app(BundleFollower(state), instance=instance, region=region), listen)


def key_app(follower: BundleFollower, *, instance: str, region: str) -> Asgi:
    """Every answer says which instance gave it."""
    follower.poll()
    app = Litestar(
        route_handlers=[healthz, token, jwks, validate, metadata],
        dependencies={
            "follower": Provide(lambda: follower, sync_to_thread=False),
            "bundle": Provide(_current_bundle, sync_to_thread=False),
        },
        exception_handlers={HTTPException: http_problem, PlatformError: platform_problem},
        after_exception=[log_unexpected],
        lifespan=[lambda _app: _following(follower)],
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    return with_headers(app, {"x-served-by": instance, "x-region": region})


def _current_bundle(follower: GivenFollower) -> Bundle:
    if follower.bundle is None:
        raise PlatformError(
            "keys-unavailable",
            "this instance has not seen the platform's keys yet",
            hint="it follows the control plane's key bundle and answers as soon as it can read it",
            status=503,
        )
    return follower.bundle


@asynccontextmanager
async def _following(follower: BundleFollower) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(supervise("key-bundle", partial(_follow, follower)))
        yield
        task.cancel()


async def _follow(follower: BundleFollower) -> None:
    told: str | None = None
    while True:
        changed = await asyncio.to_thread(follower.poll)
        if changed and follower.bundle is not None:
            log.info("key bundle read", clients=len(follower.bundle.clients), keys=len(follower.bundle.keys.keys))
        problem_now = None if follower.problem is None else follower.problem.message
        if problem_now is not None and problem_now != told:
            log.error("key bundle cannot be read", problem=problem_now, serving=follower.bundle is not None)
        told = problem_now
        await asyncio.sleep(_POLL_S)


@get("/api/auth/healthz")
async def healthz(request: Call, follower: GivenFollower) -> Response[dict[str, str | int]]:
    """Healthy as soon as tokens can be issued; a bundle that went away later does not make it unhealthy."""
    code, description = _health(follower)
    body: dict[str, str | int] = {"href": _href(request), "code": code, "description": description}
    return Response(body, status_code=503 if code else 200, headers={"cache-control": "no-store"})


def _health(follower: BundleFollower) -> tuple[int, str]:
    if follower.bundle is None:
        why = "key-bundle-missing" if follower.problem is None else follower.problem.code
        return 1, f"The API is not available: the platform's keys cannot be read ({why})."
    if follower.bundle.keys.signer(_now()) is None:
        return 2, "The API is not available: no signing key is active."
    return 0, OPERATIONAL


def _oauth_answer(error: OauthError) -> Response[dict[str, str | int]]:
    body: dict[str, str | int] = {"error": error.code.value, "error_description": error.description}
    headers = {"cache-control": "no-store", "pragma": "no-cache"}
    if error.code is OauthCode.INVALID_CLIENT:
        headers["www-authenticate"] = 'Basic realm="stationmaster", charset="UTF-8"'
    return Response(body, status_code=error.status, headers=headers)


def _oauth_refusal(_request: Call, error: HTTPException) -> Response[dict[str, str | int]]:
    answer = _oauth_answer(OauthError(OauthCode.INVALID_REQUEST, error.detail))
    answer.status_code = error.status_code
    return answer


def _oauth_unavailable(_request: Call, error: PlatformError) -> Response[dict[str, str | int]]:
    return _oauth_answer(OauthError(OauthCode.TEMPORARILY_UNAVAILABLE, error.message))


@post(
    "/api/auth/token",
    status_code=200,
    exception_handlers={HTTPException: _oauth_refusal, PlatformError: _oauth_unavailable},
)
async def token(request: Call, bundle: GivenBundle, follower: GivenFollower) -> Response[dict[str, str | int]]:
    """RFC 6749, 4.4: an access token for client credentials."""
    client = await _client(request, bundle)
    if isinstance(client, OauthError):
        # Credentials that were made a moment ago: the newest bundle knows them, whoever reads it first.
        await asyncio.to_thread(follower.poll)
        bundle = _current_bundle(follower)
        client = await _client(request, bundle)
    if isinstance(client, OauthError):
        return _oauth_answer(client)
    now = _now()
    signer = bundle.keys.signer(now)
    if signer is None:
        return _oauth_answer(OauthError(OauthCode.TEMPORARILY_UNAVAILABLE, "no signing key is active"))
    made = issue(signer, bundle.terms, client.user, now)
    body: dict[str, str | int] = {
        "access_token": made.token,
        "token_type": "Bearer",
        "expires_in": made.expires_in_s,
    }
    return Response(body, headers={"cache-control": "no-store", "pragma": "no-cache"})


async def _client(request: Call, bundle: Bundle) -> Client | OauthError:
    headers = request.headers
    return client_of_request(
        headers.get("content-type", ""), headers.get("authorization"), await request.body(), bundle.clients
    )


@get("/api/auth/jwks")
async def jwks(bundle: GivenBundle) -> Response[bytes]:
    """RFC 7517: the public keys."""
    headers = {"cache-control": "public, max-age=60"}
    return Response(bundle.keys.jwks.encode(), media_type="application/jwk-set+json", headers=headers)


class TokenToCheck(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    token: str


@post("/api/auth/validate", status_code=200)
async def validate(request: Call, bundle: GivenBundle) -> Response[dict[str, Any]] | Response[bytes]:
    """Whether a token holds: a readable question is always answered 200 with `valid` and `code`."""
    try:
        order = msgspec.json.decode(await request.body(), type=TokenToCheck)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem(400, "invalid-body", str(error), 'send JSON: {"token": "<the token>"}')
    verdict = verify(order.token, bundle.expected, _now())
    if isinstance(verdict, Refused):
        answer: dict[str, Any] = {"valid": False, "code": verdict.code.value, "why": verdict.why}
    else:
        answer = {"valid": True, "code": "VALID", "user": verdict.claims["sub"], "claims": verdict.claims}
    return Response(answer, headers={"cache-control": "no-store"})


@get("/api/auth/.well-known/oauth-authorization-server")
async def metadata(request: Call, bundle: GivenBundle) -> dict[str, Any]:
    """RFC 8414, with the addresses as this client reached them."""
    base = f"{_origin(request)}/api/auth"
    return {
        "issuer": bundle.terms.issuer,
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }


def _href(request: Call) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return f"{_origin(request)}{request.scope['path']}{'?' + query if query else ''}"


def _origin(request: Call) -> str:
    """Scheme and authority as this client reached us, also when its Host header is none that a URL parser likes."""
    scope = request.scope
    host, port = scope["server"] or ("localhost", None)
    authority = request.headers.get("host") or (f"{host}:{port}" if port else host)
    return f"{scope['scheme']}://{authority}"


def _now() -> datetime:
    return datetime.now(UTC)
