"""Reads the key set of a foreign issuer and keeps what may check tokens: public keys of kinds that we know."""

import json
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from stationmaster.core.problem import PlatformError

LARGEST_SET = 1_000_000
"""Bytes."""

_MOST_KEYS = 100
_FEWEST_RSA_BITS = 2048
_ALGORITHMS = {"RSA": {"RS256", "RS384", "RS512"}, "EC": {"ES256", "ES384", "ES512"}, "OKP": {"EdDSA"}}
_MEMBERS = {
    "RSA": ("kty", "n", "e", "kid", "alg", "use"),
    "EC": ("kty", "crv", "x", "y", "kid", "alg", "use"),
    "OKP": ("kty", "crv", "x", "kid", "alg", "use"),
}


def public_set(content: bytes) -> str:
    """The set in one form for equal content: keys for signatures, no member that is private or unknown.

    Raises PlatformError `issuer-keys` for what is no JWK set (RFC 7517) or holds no usable key.
    """
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(f"is no JSON ({error})") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise _unusable("is no JWK set")
    if len(keys) > _MOST_KEYS:
        raise _unusable(f"holds more than {_MOST_KEYS} keys")
    usable = [found for key in keys if (found := _public(key)) is not None]
    if not usable:
        raise _unusable("holds no public key that could check a signature")
    return json.dumps({"keys": usable}, sort_keys=True, separators=(",", ":"))


def _public(key: object) -> dict[str, Any] | None:
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return None
    kind = key.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS or key.get("alg", "") not in ("", *_ALGORITHMS[kind]):
        return None
    public = {name: key[name] for name in _MEMBERS[kind] if name in key}
    return public if _imports(kind, public) else None


def _imports(kind: str, public: dict[str, Any]) -> bool:
    """Whether a library can make a key of it: one key that cannot be read must not spoil a whole set at the nodes."""
    try:
        match kind:
            case "RSA":
                return RSAKey.import_key(public).public_key.key_size >= _FEWEST_RSA_BITS
            case "EC":
                return ECKey.import_key(public).public_key is not None
            case _:
                return public.get("crv") == "Ed25519" and OKPKey.import_key(public).public_key is not None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return False


def _unusable(why: str) -> PlatformError:
    return PlatformError("issuer-keys", why, hint="publish a JWK set (RFC 7517) with public keys", status=502)
