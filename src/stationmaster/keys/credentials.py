"""Credentials of API users: how they are made, their state, and the digests under which they are known."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.proofs import API_KEY_PREFIX

_SHOWN = len(API_KEY_PREFIX) + 8


class CredentialState(Enum):
    ACTIVE = "active"
    REPLACED = "replaced"
    """A newer one stands in its place; it holds until it expires."""
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """How long a credential holds; the ends are exclusive, None is open."""

    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime, *, replaced: bool) -> CredentialState:
        if self.revoked_at is not None and self.revoked_at <= now:
            return CredentialState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return CredentialState.EXPIRED
        return CredentialState.REPLACED if replaced else CredentialState.ACTIVE

    def holds_at(self, now: datetime) -> bool:
        return self.state(now, replaced=False) is CredentialState.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is stored. `scopes` are the APIs that it opens; empty means all that its user may call.

    `prefix` is what a page may show: enough to recognise the key, with 224 of its 256 random bits kept back.
    `replaced_by` is the id of the key that a rotation put in its place.
    """

    id: str
    user: UserName
    prefix: str
    digest: str = field(repr=False)
    scopes: tuple[ApiName, ...] = ()
    note: str = ""
    term: Term
    replaced_by: str | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> CredentialState:
        return self.term.state(now, replaced=self.replaced_by is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """`text` is shown this once."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """One of a user's client secrets as it is stored; the client's id is the user's name."""

    user: UserName
    digest: str = field(repr=False)
    term: Term
    replaced: bool = False

    def state(self, now: datetime) -> CredentialState:
        return self.term.state(now, replaced=self.replaced)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSecret:
    """Shown this once."""

    user: UserName
    client_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCredentials:
    """Shown once. `client_id` is the user's name."""

    user: UserName
    client_id: str
    client_secret: str = field(repr=False)
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An OAuth client as the key service knows it: a rotation leaves it two secrets for a while."""

    user: UserName
    client_id: str
    secret_digests: tuple[str, ...] = field(repr=False)

    def knows(self, secret: str) -> bool:
        """Compares with every digest, so that the answer takes as long for the first as for the last."""
        shown = digest(secret)
        return sum(hmac.compare_digest(each, shown) for each in self.secret_digests) > 0


NOBODY = Client(user=UserName(""), client_id="", secret_digests=(hashlib.sha256(secrets.token_bytes(32)).hexdigest(),))
"""Stands in for an unknown client, so that a wrong id costs the time of a wrong secret; no secret opens it."""


def make_key(user: UserName, term: Term, *, scopes: tuple[ApiName, ...] = (), note: str = "") -> MadeKey:
    """256 random bits in hex; needs no escaping in URLs, forms and headers."""
    text = API_KEY_PREFIX + secrets.token_hex(32)
    key = ApiKey(
        id=secrets.token_hex(8),
        user=user,
        prefix=text[:_SHOWN],
        digest=digest(text),
        scopes=scopes,
        note=note,
        term=term,
    )
    return MadeKey(key=key, text=text)


def make_secret(user: UserName) -> MadeSecret:
    """256 random bits, as safe to send as an API key."""
    return MadeSecret(user=user, client_id=user, text=secrets.token_urlsafe(32))


def digest(secret: str) -> str:
    """SHA-256 in hex. A slow password hash protects what people think up; nobody can guess 256 random bits, however
    fast the hash is, and a slow one would let a flood of wrong secrets starve the key service."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
