"""Credentials of API users: how they are made, and the digests under which they are known."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from stationmaster.core.names import UserName

API_KEY_PREFIX = "stm_"
_SHOWN = len(API_KEY_PREFIX) + 8


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredentials:
    """Shown once. `client_id` is the user's name."""

    user: UserName
    client_id: str
    client_secret: str = field(repr=False)
    api_key: str = field(repr=False)

    @property
    def api_key_prefix(self) -> str:
        """What a page may show: enough to recognise the key, with 224 of its 256 random bits kept back."""
        return self.api_key[:_SHOWN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An OAuth client as the key service knows it."""

    user: UserName
    client_id: str
    secret_digest: str = field(repr=False)

    def knows(self, secret: str) -> bool:
        return hmac.compare_digest(self.secret_digest, digest(secret))


NOBODY = Client(user=UserName(""), client_id="", secret_digest=hashlib.sha256(secrets.token_bytes(32)).hexdigest())
"""Stands in for an unknown client, so that a wrong id costs the time of a wrong secret; no secret opens it."""


def make_credentials(user: UserName) -> IssuedCredentials:
    """A client secret and an API key, each of 256 random bits; both need no escaping in URLs, forms and headers."""
    return IssuedCredentials(
        user=user,
        client_id=user,
        client_secret=secrets.token_urlsafe(32),
        api_key=API_KEY_PREFIX + secrets.token_hex(32),
    )


def digest(secret: str) -> str:
    """SHA-256 in hex. A slow password hash protects what people think up; nobody can guess 256 random bits, however
    fast the hash is, and a slow one would let a flood of wrong secrets starve the key service."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
