"""Documents of the REST API about API keys, client secrets, signing keys and the master key."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from stationmaster.api.wire import Answer, Order

_LONGEST_LIFE_S = 100 * 365 * 24 * 3600
Seconds = Annotated[int, Meta(ge=0, le=_LONGEST_LIFE_S)]
Life = Annotated[int, Meta(ge=1, le=_LONGEST_LIFE_S)]


class KeyOrder(Order):
    """Without scopes the key opens all that its user may call; without expiry it holds until it is revoked."""

    scopes: tuple[str, ...] = ()
    expires_in_s: Life | None = None
    note: Annotated[str, Meta(max_length=500)] = ""
    client_secret_if_missing: bool = False
    """A user without a client secret gets one too."""


class KeyRotation(Order):
    """The old key holds for `overlap_s` more. Without `expires_in_s` the new one lives as long as the old one did."""

    overlap_s: Seconds = 24 * 3600
    expires_in_s: Life | None = None


class SecretOrder(Order):
    """Older client secrets hold for `overlap_s` more."""

    overlap_s: Seconds = 0


class TokenRevocation(Order):
    token: str


class ApiKeySummary(Answer):
    id: str
    user: str
    prefix: str
    scopes: tuple[str, ...]
    note: str
    state: str
    """active, replaced (a newer one stands in its place; it holds until it expires), expired or revoked."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: str | None
    last_used_at: datetime | None
    """When a gateway node last let it prove a caller, to the minute; null where that never was."""


class SecretSummary(Answer):
    state: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class UserKeys(Answer):
    user: str
    keys: tuple[ApiKeySummary, ...]
    client_secrets: tuple[SecretSummary, ...]


class MadeApiKey(Answer):
    """`api_key` and `client_secret` are shown this once."""

    key: ApiKeySummary
    api_key: str
    client_id: str
    client_secret: str | None
    pending: tuple[str, ...]
    """Gateway nodes that had not taken it within 3 s."""


class MadeClientSecret(Answer):
    """Shown this once."""

    client_id: str
    client_secret: str


class KeyEnd(Answer):
    key: ApiKeySummary
    pending: tuple[str, ...]


class SecretsEnd(Answer):
    user: str
    revoked: int


class TokenEnd(Answer):
    token_id: str
    pending: tuple[str, ...]


class SigningKeySummary(Answer):
    kid: str
    algorithm: str
    state: str
    """waiting (nodes are being told of it), signing or retired (its last tokens may be alive)."""
    created_at: datetime
    active_from: datetime | None
    retired_at: datetime | None
    known_until: datetime | None


class SigningKeyList(Answer):
    keys: tuple[SigningKeySummary, ...]


class CipherState(Answer):
    key_id: str
    """Tells master keys apart and says nothing about them."""
    origin: str
    """file, environment or command."""
    source: str
    secrets: int
    stale: int
    """Secrets that stand under an older key."""
    unfinished: bool
    """Older keys are still known: a rotation is under way or was cut off."""


class CipherRotated(Answer):
    key_id: str
    secrets: int
    """How many were sealed anew."""
