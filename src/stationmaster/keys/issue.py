"""Makes access tokens: signed JWTs (RFC 7519) for an API user."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from joserfc import jwt

from stationmaster.core.names import UserName
from stationmaster.keys.signing import REGISTRY, SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    token: str = field(repr=False)
    token_id: str
    expires_in_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerTerms:
    """What all tokens of one environment share."""

    issuer: str
    audience: str
    lifetime_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Who gets a token, and for which APIs, by their names or by scopes that they demand; without scopes it is good for
    all that the user may call. `since_s`: the user's tokens count from that second (since 1970) on."""

    user: UserName
    scopes: tuple[str, ...] = ()
    since_s: int = 0


def issue(key: SigningKey, terms: IssuerTerms, to: Grant, now: datetime) -> IssuedToken:
    """A token that holds from `now` for `terms.lifetime_s` seconds; its `jti` is random.

    One for a user that was declared again in this second holds from the next one, which all clocks allow for.
    """
    issued_at = max(int(now.timestamp()), to.since_s)
    token_id = secrets.token_urlsafe(16)
    claims: dict[str, str | int] = {
        "iss": terms.issuer,
        "sub": to.user,
        "aud": terms.audience,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + terms.lifetime_s,
        "jti": token_id,
    }
    if to.scopes:
        claims["scope"] = " ".join(to.scopes)
    header = {"alg": key.algorithm.value, "kid": key.kid}
    token = jwt.encode(header, claims, key.private, registry=REGISTRY)
    return IssuedToken(token=token, token_id=token_id, expires_in_s=terms.lifetime_s)
