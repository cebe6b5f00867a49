"""What the key service answers: health, tokens, their public keys, checks, introspection and revocation."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec
from litestar import HttpMethod, Request, Response, post, route
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import SkipValidation

from stationmaster.core.problem import PlatformError
from stationmaster.keys.credentials import Client
from stationmaster.keys.follower import Bundle, Follower
from stationmaster.keys.health import Dependencies, health
from stationmaster.keys.issue import Grant, issue
from stationmaster.keys.oauth import Fields, OauthCode, OauthError, client_of_request, read_form, scopes_of, token_of
from stationmaster.keys.spool import Revocation, Revoked
from stationmaster.keys.standing import ValidKey, introspection, standing, validation
from stationmaster.keys.succession import LEAD_S
from stationmaster.keys.verify import Refused, Valid
from stationmaster.runtime.problems import problem

_BASE = "/api/auth"
_AUTHENTICATED_BY = ["client_secret_basic", "client_secret_post"]
_NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache"}

Call: TypeAlias = Request[Any, Any, Any]
GivenFollower: TypeAlias = NamedDependency[SkipValidation[Follower]]
GivenBundle: TypeAlias = NamedDependency[SkipValidation[Bundle]]
GivenDependencies: TypeAlias = NamedDependency[SkipValidation[Dependencies]]
Json: TypeAlias = Response[dict[str, Any]]
READ = [HttpMethod.GET, HttpMethod.HEAD]


def current_bundle(follower: GivenFollower) -> Bundle:
    """The newest: what changed a moment ago holds here at once."""
    follower.poll()
    if follower.bundle is None:
        raise PlatformError(
            "keys-unavailable",
            "this instance has not seen the platform's keys yet",
            hint="it follows the control plane and answers as soon as it can read what that has written",
            status=503,
        )
    return follower.bundle


@route(f"{_BASE}/healthz", http_method=READ)
async def healthz(request: Call, follower: GivenFollower, dependencies: GivenDependencies) -> Json:
    """With `?details=1` also what it depends on."""
    follower.poll()
    now = _now()
    code, description = health(follower, now)
    body: dict[str, Any] = {"href": _href(request), "code": code, "description": description}
    if request.query_params.get("details") == "1":
        body["dependencies"] = dependencies.report(now)
    return Response(body, status_code=503 if code else 200, headers={"cache-control": "no-store"})


def _oauth_answer(error: OauthError) -> Json:
    body: dict[str, Any] = {"error": error.code.value, "error_description": error.description}
    headers = dict(_NOT_STORED)
    if error.code is OauthCode.INVALID_CLIENT:
        headers["www-authenticate"] = 'Basic realm="stationmaster", charset="UTF-8"'
    return Response(body, status_code=error.status, headers=headers)


def _oauth_refusal(_request: Call, error: HTTPException) -> Json:
    answer = _oauth_answer(OauthError(OauthCode.INVALID_REQUEST, error.detail))
    answer.status_code = error.status_code
    return answer


def _oauth_unavailable(_request: Call, error: PlatformError) -> Json:
    return _oauth_answer(OauthError(OauthCode.TEMPORARILY_UNAVAILABLE, error.message))


_OAUTH: dict[Any, Any] = {HTTPException: _oauth_refusal, PlatformError: _oauth_unavailable}


@post(f"{_BASE}/token", status_code=200, exception_handlers=_OAUTH)
async def token(request: Call, bundle: GivenBundle, follower: GivenFollower) -> Json:
    """RFC 6749, 4.4: an access token for client credentials."""
    fields = await _form(request)
    if isinstance(fields, OauthError):
        return _oauth_answer(fields)
    scopes, client = scopes_of(fields), _client(request, fields, follower)
    if isinstance(scopes, OauthError):
        return _oauth_answer(scopes)
    if isinstance(client, OauthError):
        return _oauth_answer(client)
    if not follower.may_ask(client.user, scopes):
        what = "a scope is an API that the client may call, or a scope that such an API demands"
        return _oauth_answer(OauthError(OauthCode.INVALID_SCOPE, what))
    now = _now()
    signer = bundle.keys.signer(now)
    if signer is None:
        return _oauth_answer(OauthError(OauthCode.TEMPORARILY_UNAVAILABLE, "no signing key is active"))
    grant = Grant(user=client.user, scopes=scopes, since_s=follower.since_s(client.user))
    made = issue(signer, bundle.terms, grant, now)
    body: dict[str, Any] = {"access_token": made.token, "token_type": "Bearer", "expires_in": made.expires_in_s}
    if scopes:
        body["scope"] = " ".join(scopes)
    return Response(body, headers=dict(_NOT_STORED))


@post(f"{_BASE}/introspect", status_code=200, exception_handlers=_OAUTH)
async def introspect(request: Call, bundle: GivenBundle, follower: GivenFollower) -> Json:
    """RFC 7662, for tokens and API keys; any client may ask who holds what it asks about."""
    asked = await _asked(request, follower)
    if isinstance(asked, OauthError):
        return _oauth_answer(asked)
    _, shown = asked
    return Response(introspection(standing(shown, bundle, follower, _now())), headers=dict(_NOT_STORED))


@post(f"{_BASE}/revoke", status_code=200, exception_handlers=_OAUTH)
async def revoke(request: Call, bundle: GivenBundle, follower: GivenFollower) -> Json | Response[bytes]:
    """RFC 7009, for the client's own tokens and API keys. What holds nowhere is answered like what was revoked; a
    revocation that cannot be kept is refused with 503."""
    asked = await _asked(request, follower)
    if isinstance(asked, OauthError):
        return _oauth_answer(asked)
    client, shown = asked
    now = _now()
    found = standing(shown, bundle, follower, now)
    if not isinstance(found, Refused):
        revocation = _revocation(found, now)
        if revocation is None:
            return _oauth_answer(OauthError(OauthCode.UNSUPPORTED_TOKEN_TYPE, "the token has no id to be revoked by"))
        if revocation.user != client.user:
            return _oauth_answer(OauthError(OauthCode.UNAUTHORIZED_CLIENT, "it belongs to another client"))
        follower.spool.leave(revocation)
    return Response(b"", headers=dict(_NOT_STORED))


def _revocation(found: Valid | ValidKey, now: datetime) -> Revocation | None:
    if isinstance(found, ValidKey):
        return Revocation(kind=Revoked.API_KEY, id=found.key.id, user=found.key.user, at=now)
    if found.token_id is None:
        return None
    return Revocation(kind=Revoked.TOKEN, id=found.token_id, user=found.user, at=now, until=found.ends_at)


async def _form(request: Call) -> Fields | OauthError:
    return read_form(request.headers.get("content-type", ""), await request.body())


def _client(request: Call, fields: Fields, follower: Follower) -> Client | OauthError:
    now = _now()
    return client_of_request(fields, request.headers.get("authorization"), lambda name: follower.client(name, now))


async def _asked(request: Call, follower: Follower) -> tuple[Client, str] | OauthError:
    """Who asks, and about what."""
    fields = await _form(request)
    if isinstance(fields, OauthError):
        return fields
    client = _client(request, fields, follower)
    if isinstance(client, OauthError):
        return client
    shown = token_of(fields)
    return shown if isinstance(shown, OauthError) else (client, shown)


@route(f"{_BASE}/jwks", http_method=READ)
async def jwks(bundle: GivenBundle) -> Response[bytes]:
    """RFC 7517: the public keys."""
    headers = {"cache-control": f"public, max-age={LEAD_S}"}
    return Response(bundle.keys.jwks.encode(), media_type="application/jwk-set+json", headers=headers)


class TokenToCheck(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    token: str


@post(f"{_BASE}/validate", status_code=200)
async def validate(request: Call, bundle: GivenBundle, follower: GivenFollower) -> Json | Response[bytes]:
    """Whether a token or an API key holds: a readable question is always answered 200 with `valid` and `code`."""
    try:
        order = msgspec.json.decode(await request.body(), type=TokenToCheck)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem(400, "invalid-body", str(error), 'send JSON: {"token": "<the token>"}')
    found = standing(order.token, bundle, follower, _now())
    return Response(validation(found), headers={"cache-control": "no-store"})


@route(f"{_BASE}/.well-known/oauth-authorization-server", http_method=READ)
async def metadata(request: Call, bundle: GivenBundle) -> dict[str, Any]:
    """RFC 8414, with the addresses as this client reached them."""
    base = f"{_origin(request)}{_BASE}"
    return {
        "issuer": bundle.terms.issuer,
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
        "introspection_endpoint": f"{base}/introspect",
        "revocation_endpoint": f"{base}/revoke",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": _AUTHENTICATED_BY,
        "introspection_endpoint_auth_methods_supported": _AUTHENTICATED_BY,
        "revocation_endpoint_auth_methods_supported": _AUTHENTICATED_BY,
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
