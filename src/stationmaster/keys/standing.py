"""What a token or an API key is worth at this moment: its signature, its times, whether it was revoked, and whether
its user is declared."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from stationmaster.core.proofs import API_KEY_PREFIX
from stationmaster.keys.credentials import ApiKey, CredentialState
from stationmaster.keys.follower import Bundle, Follower
from stationmaster.keys.spool import Revoked
from stationmaster.keys.verify import RefusalCode, Refused, Valid, verify


@dataclass(frozen=True, slots=True)
class ValidKey:
    key: ApiKey


Standing: TypeAlias = Valid | ValidKey | Refused

_NO_USER = Refused(RefusalCode.UNKNOWN_USER, "its API user is not declared")
_REVOKED = Refused(RefusalCode.REVOKED, "it was revoked")
_OF_BEFORE = Refused(RefusalCode.REVOKED, "its API user was deleted, and declared again later")


def standing(text: str, bundle: Bundle, follower: Follower, now: datetime) -> Standing:
    """Raises PlatformError when the key service's database cannot be read: nothing is told then."""
    return _of_key(text, follower, now) if text.startswith(API_KEY_PREFIX) else _of_token(text, bundle, follower, now)


def _of_token(token: str, bundle: Bundle, follower: Follower, now: datetime) -> Valid | Refused:
    verdict = verify(token, bundle.expected, now)
    if isinstance(verdict, Refused):
        return verdict
    if verdict.token_id is not None and follower.is_revoked(Revoked.TOKEN, verdict.token_id):
        return _REVOKED
    if verdict.issued_at_s < follower.since_s(verdict.user):
        return _OF_BEFORE
    return verdict if follower.is_declared(verdict.user) else _NO_USER


def _of_key(text: str, follower: Follower, now: datetime) -> ValidKey | Refused:
    key = follower.api_key(text)
    if key is None:
        return Refused(RefusalCode.UNKNOWN_KEY, "no declared API user has this key")
    if key.state(now) is CredentialState.REVOKED or follower.is_revoked(Revoked.API_KEY, key.id):
        return _REVOKED
    return ValidKey(key) if key.term.holds_at(now) else Refused(RefusalCode.EXPIRED, "the key has expired")


def introspection(found: Standing) -> dict[str, Any]:
    """RFC 7662, 2.2: nothing at all is told of what holds no longer."""
    match found:
        case Valid():
            named = ("scope", "exp", "iat", "nbf", "sub", "aud", "iss", "jti")
            claims = {name: found.claims[name] for name in named if name in found.claims}
            user = {"client_id": found.user, "username": found.user}
            return {"active": True, "token_type": "Bearer", **user, **claims}
        case ValidKey(key=key):
            return {"active": True, "token_type": "api-key", **_of(key)}
        case Refused():
            return {"active": False}


def validation(found: Standing) -> dict[str, Any]:
    """The platform's own form: why something is refused is told too."""
    match found:
        case Valid():
            return {"valid": True, "code": "VALID", "user": found.user, "claims": found.claims}
        case ValidKey(key=key):
            return {"valid": True, "code": "VALID", "user": key.user, "key": _of(key)}
        case Refused(code=code, why=why):
            return {"valid": False, "code": code.value, "why": why}


def _of(key: ApiKey) -> dict[str, Any]:
    term = key.term
    ends = {} if term.expires_at is None else {"exp": int(term.expires_at.timestamp())}
    scope = {"scope": " ".join(key.scopes)} if key.scopes else {}
    who = {"sub": key.user, "client_id": key.user, "username": key.user}
    return {**who, "jti": key.id, "iat": int(term.created_at.timestamp()), **ends, **scope}
