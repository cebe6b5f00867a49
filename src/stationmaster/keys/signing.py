"""Signing keys: their kinds, their life (made, active, retired) and the public set that checks tokens offline."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import Any

from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from stationmaster.core.problem import PlatformError

_RSA_BITS = 2048

SIGNING_KEY_CONTEXT = "signing-key/{kid}"
"""What a private key is sealed for."""


class SigningAlgorithm(Enum):
    """The `alg` of a token (RFC 7518, RFC 8037). EdDSA means Ed25519; gateways know it by this older name."""

    RS256 = "RS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


class PlatformRegistry(JWSRegistry):
    """Allows exactly the algorithms above, without the library's remark that EdDSA has a newer name (RFC 9864)."""

    def get_alg(self, name: str) -> Any:
        if not isinstance(name, str) or name not in {each.value for each in SigningAlgorithm}:
            raise UnsupportedAlgorithmError(f"{name!r} is not allowed")
        return self.algorithms[name]


REGISTRY = PlatformRegistry()


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key. It signs from `active_from` (None: not yet) until it is retired; its public half is known before
    and after. `lifetime_s` is the longest life of a token that it signed."""

    kid: str
    algorithm: SigningAlgorithm
    private: Key = field(repr=False, compare=False)
    created_at: datetime
    active_from: datetime | None
    retired_at: datetime | None = None
    lifetime_s: int = 3600

    def signs_at(self, now: datetime) -> bool:
        started = self.active_from is not None and self.active_from <= now
        return started and (self.retired_at is None or now < self.retired_at)

    def public(self) -> "VerificationKey":
        jwk = {**self.private.as_dict(private=False), "kid": self.kid, "alg": self.algorithm.value, "use": "sig"}
        return VerificationKey(kid=self.kid, algorithm=self.algorithm, key=_imported(jwk))

    def private_jwk(self) -> bytes:
        """The whole key as a JWK document: seal it before it is put anywhere."""
        return json.dumps(self.private.as_dict(private=True)).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationKey:
    """A public key and the one algorithm that it is good for."""

    kid: str
    algorithm: SigningAlgorithm
    key: Key = field(repr=False, compare=False)


@dataclass(frozen=True)
class KeySet:
    """All keys of the platform, oldest first."""

    keys: tuple[SigningKey, ...]

    def signer(self, now: datetime) -> SigningKey | None:
        """The key that signs now: of those that may, the one activated last."""
        able = [(key.active_from, key) for key in self.keys if key.active_from is not None and key.signs_at(now)]
        return max(able, key=lambda pair: pair[0])[1] if able else None

    @cached_property
    def verifiers(self) -> dict[str, VerificationKey]:
        """By kid; retired keys too, because their tokens may still be alive."""
        return {key.kid: key.public() for key in self.keys}

    @cached_property
    def jwks(self) -> str:
        """The public keys as a JWK set (RFC 7517), without any private member."""
        return json.dumps({"keys": [each.key.as_dict(private=False) for each in self.verifiers.values()]})


def make_signing_key(
    algorithm: SigningAlgorithm, now: datetime, *, active_from: datetime | None = None, lifetime_s: int = 3600
) -> SigningKey:
    """A new key, which does not sign unless it is told from when on. RSA takes tens to hundreds of milliseconds: keep
    it off the event loop.

    The kid is the RFC 7638 thumbprint of the public key, so it can stand for no other key.
    """
    private = _generated(algorithm)
    return SigningKey(
        kid=private.thumbprint(),
        algorithm=algorithm,
        private=private,
        created_at=now,
        active_from=active_from,
        lifetime_s=lifetime_s,
    )


def _generated(algorithm: SigningAlgorithm) -> Key:
    match algorithm:
        case SigningAlgorithm.RS256:
            return RSAKey.generate_key(_RSA_BITS)
        case SigningAlgorithm.ES256:
            return ECKey.generate_key("P-256")
        case SigningAlgorithm.EDDSA:
            return OKPKey.generate_key("Ed25519")


def private_from_jwk(document: bytes) -> Key:
    """Reads what `SigningKey.private_jwk` wrote. Raises PlatformError `signing-key-malformed`."""
    try:
        return _imported(json.loads(document))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise PlatformError(
            "signing-key-malformed",
            "a stored signing key cannot be read",
            hint="restore the state folder from a backup, or retire the key and make a new one",
            status=500,
        ) from error


def _imported(jwk: dict[str, Any]) -> Key:
    match jwk["kty"]:
        case "RSA":
            return RSAKey.import_key(jwk)
        case "EC":
            return ECKey.import_key(jwk)
        case "OKP":
            return OKPKey.import_key(jwk)
        case other:
            raise ValueError(f"no signing key is of type {other!r}")
