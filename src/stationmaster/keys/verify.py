"""Decides whether a token holds; every token gets an answer with a code, whatever it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeAlias

from joserfc import jws, jwt
from joserfc.errors import JoseError

from stationmaster.keys.signing import REGISTRY, SigningAlgorithm, VerificationKey

LEEWAY_S = 30
"""By so much the clocks of issuer and checker may differ: it widens `nbf`, `iat` and `exp`."""

LONGEST_TOKEN = 8192
"""Characters; ours have some 700."""

_HEADER_NAMES = frozenset({"alg", "kid", "typ"})
"""Ours have no other. Keys that a token brings along (`jwk`, `x5u`) and extensions (`crit`, `b64`) are refused."""


class RefusalCode(Enum):
    MALFORMED = "MALFORMED"
    UNSUPPORTED_ALGORITHM = "UNSUPPORTED_ALGORITHM"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    WRONG_KEY_TYPE = "WRONG_KEY_TYPE"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    INVALID_CLAIM = "INVALID_CLAIM"
    WRONG_ISSUER = "WRONG_ISSUER"
    WRONG_AUDIENCE = "WRONG_AUDIENCE"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    REVOKED = "REVOKED"
    UNKNOWN_USER = "UNKNOWN_USER"


@dataclass(frozen=True, slots=True)
class Valid:
    claims: Mapping[str, Any]

    @property
    def user(self) -> str:
        return str(self.claims["sub"])

    @property
    def token_id(self) -> str | None:
        """Without an id it cannot be revoked; ours all have one."""
        found = self.claims.get("jti")
        return found if isinstance(found, str) and found else None

    @property
    def issued_at_s(self) -> float:
        """Seconds since 1970; one that does not tell is as old as can be."""
        return float(self.claims.get("iat", 0))

    @property
    def ends_at(self) -> datetime:
        """From then on the token holds nowhere, whatever the clock of who checks it."""
        return datetime.fromtimestamp(float(self.claims["exp"]) + LEEWAY_S, UTC)


@dataclass(frozen=True, slots=True)
class Refused:
    code: RefusalCode
    why: str


Verdict: TypeAlias = Valid | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Whose tokens hold, and for whom they have to be made."""

    keys: Mapping[str, VerificationKey]
    issuer: str
    audience: str


def verify(token: str, expected: Expected, now: datetime) -> Verdict:
    """The key is chosen by `kid` alone, and the algorithm is the key's own: a token cannot talk us into another."""
    key = _key_of(token, expected.keys)
    if isinstance(key, Refused):
        return key
    try:
        claims = jwt.decode(token, key.key, registry=REGISTRY).claims
    except JoseError as error:
        return Refused(RefusalCode.BAD_SIGNATURE, f"the signature does not hold ({error.error})")
    except (ValueError, RecursionError):
        return Refused(RefusalCode.MALFORMED, "what is signed cannot be read")
    return _claims_refused(claims, expected, now.timestamp()) or Valid(claims)


def _key_of(token: str, keys: Mapping[str, VerificationKey]) -> VerificationKey | Refused:
    header = _header(token)
    if header is None:
        return Refused(RefusalCode.MALFORMED, "this is no signed JWT in compact form")
    if not header.keys() <= _HEADER_NAMES:
        return Refused(RefusalCode.MALFORMED, "the header holds more than alg, kid and typ")
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in [each.value for each in SigningAlgorithm]:
        return Refused(RefusalCode.UNSUPPORTED_ALGORITHM, "RS256, ES256 and EdDSA are accepted")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        return Refused(RefusalCode.UNKNOWN_KEY, "no key of the platform has the kid of this token")
    if key.algorithm.value != algorithm:
        return Refused(RefusalCode.WRONG_KEY_TYPE, f"the key of this kid signs {key.algorithm.value}, not {algorithm}")
    return key


def _header(token: str) -> dict[str, Any] | None:
    if len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    try:
        header = jws.extract_compact(token.encode(), registry=REGISTRY).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def _claims_refused(claims: Mapping[str, Any], expected: Expected, now_s: float) -> Refused | None:
    audience = claims.get("aud")
    if claims.get("iss") != expected.issuer:
        return Refused(RefusalCode.WRONG_ISSUER, f"the issuer is not {expected.issuer}")
    if audience != expected.audience and not (isinstance(audience, list) and expected.audience in audience):
        return Refused(RefusalCode.WRONG_AUDIENCE, f"the token is not for {expected.audience}")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        return Refused(RefusalCode.INVALID_CLAIM, "`sub` has to name the API user")
    return _times_refused(claims, now_s)


def _times_refused(claims: Mapping[str, Any], now_s: float) -> Refused | None:
    moments = {name: claims[name] for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in moments or not all(_is_moment(each) for each in moments.values()):
        return Refused(RefusalCode.INVALID_CLAIM, "`exp` (which must be there), `nbf` and `iat` are seconds since 1970")
    if now_s >= moments.pop("exp") + LEEWAY_S:
        return Refused(RefusalCode.EXPIRED, "the token has expired")
    if any(now_s < each - LEEWAY_S for each in moments.values()):
        return Refused(RefusalCode.NOT_YET_VALID, "the token does not hold yet")
    return None


def _is_moment(value: object) -> bool:
    """A NumericDate of RFC 7519; Python's JSON also reads true, NaN and Infinity, which would pass comparisons."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**53
