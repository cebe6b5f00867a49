"""How OAuth requests are read: client credentials of RFC 6749, 4.4, with the errors of 5.2, and what is beside them."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote_plus

from stationmaster.keys.credentials import NOBODY, Client

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_SCOPE = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")


class OauthCode(Enum):
    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_SCOPE = "invalid_scope"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_TOKEN_TYPE = "unsupported_token_type"  # noqa: S105 a word
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"


@dataclass(frozen=True, slots=True)
class OauthError:
    code: OauthCode
    description: str

    @property
    def status(self) -> int:
        match self.code:
            case OauthCode.INVALID_CLIENT:
                return 401
            case OauthCode.TEMPORARILY_UNAVAILABLE:
                return 503
            case _:
                return 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Who the client says it is."""

    client_id: str
    secret: str = field(repr=False)


Fields: TypeAlias = Mapping[str, str]
FindClient: TypeAlias = Callable[[str], Client | None]


def client_of_request(fields: Fields, authorization: str | None, find: FindClient) -> Client | OauthError:
    """The client that asks (RFC 6749, 2.3.1), or the error to answer with."""
    claimed = _claimed(authorization, fields)
    if isinstance(claimed, OauthError):
        return claimed
    client = find(claimed.client_id) or NOBODY
    if not client.knows(claimed.secret):
        return OauthError(OauthCode.INVALID_CLIENT, "client id or secret is wrong")
    return client


def scopes_of(fields: Fields) -> tuple[str, ...] | OauthError:
    """The scopes that are asked for, each once, in their order (RFC 6749, 3.3)."""
    refused = _grant_refused(fields)
    if refused is not None:
        return refused
    text = fields.get("scope", "")
    if not _SCOPE.fullmatch(text):
        return OauthError(OauthCode.INVALID_SCOPE, "scopes are names of APIs with single blanks between them")
    return tuple(dict.fromkeys(text.split(" "))) if text else ()


def token_of(fields: Fields) -> str | OauthError:
    """What introspection (RFC 7662, 2.1) and revocation (RFC 7009, 2.1) are about; its hint need not be heeded."""
    token = fields.get("token")
    return OauthError(OauthCode.INVALID_REQUEST, "token is missing") if token is None else token


def read_form(content_type: str, body: bytes) -> Fields | OauthError:
    """Parameters without a value count as left out; one that comes twice is an error (RFC 6749, 3.2)."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        return OauthError(OauthCode.INVALID_REQUEST, f"the body has to be {_FORM}")
    try:
        text = body.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        return OauthError(OauthCode.INVALID_REQUEST, "the body is no readable form")
    if len({name for name, _ in pairs}) != len(pairs):
        return OauthError(OauthCode.INVALID_REQUEST, "a parameter came twice")
    return {name: value for name, value in pairs if value}


def _grant_refused(fields: Fields) -> OauthError | None:
    grant = fields.get("grant_type")
    if grant is None:
        return OauthError(OauthCode.INVALID_REQUEST, "grant_type is missing")
    if grant != "client_credentials":
        return OauthError(OauthCode.UNSUPPORTED_GRANT_TYPE, "only client_credentials is supported")
    return None


def _claimed(authorization: str | None, fields: Fields) -> Claimed | OauthError:
    if authorization is not None:
        if "client_secret" in fields:
            return OauthError(OauthCode.INVALID_REQUEST, "authenticate by header or by body, not by both")
        basic = read_basic(authorization)
        if basic is None:
            return OauthError(OauthCode.INVALID_CLIENT, "the Authorization header is no Basic authentication")
        if fields.get("client_id", basic.client_id) != basic.client_id:
            return OauthError(OauthCode.INVALID_REQUEST, "client_id in the body is not the one in the header")
        return basic
    if "client_id" not in fields or "client_secret" not in fields:
        return OauthError(OauthCode.INVALID_CLIENT, "client authentication is missing")
    return Claimed(client_id=fields["client_id"], secret=fields["client_secret"])


def read_basic(authorization: str) -> Claimed | None:
    """Id and secret are form-encoded before they are put together (RFC 6749, 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        if not colon:
            return None
        return Claimed(client_id=unquote_plus(client_id, errors="strict"), secret=unquote_plus(secret, errors="strict"))
    except (binascii.Error, ValueError):
        return None
