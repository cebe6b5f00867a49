"""What proves a caller to the gateway: API keys, the key sets of token issuers, and what no longer holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stationmaster.core.names import ApiName, UserName

API_KEY_PREFIX = "stm_"
_SHARD_DIGITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyProof:
    """An API key in the clear, whose it is, and the APIs that it opens; None means all that its user may call."""

    key: str = field(repr=False)
    key_id: str
    user: UserName
    apis: tuple[ApiName, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerProof:
    """A foreign issuer of tokens; `jwks` is the JSON of its public key set (RFC 7517), `user_claim` names the user."""

    name: str
    issuer: str
    audiences: tuple[str, ...]
    jwks: str
    user_claim: str = "sub"


NO_KEYS = '{"keys":[]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """Everything at one moment.

    `jwks` is the platform's own public key set. `shards` holds the API keys by `shard_of`; a shard that did not change
    between two moments is the same tuple, so that who follows can tell by identity. `revoked_tokens` are ids (`jti`)
    of revoked tokens that have not expired, `barred_users` are users whose older tokens must not open anything, and
    `renewed_users` were declared again: of their tokens only those count that were issued in that second (since 1970)
    or later.
    """

    jwks: str = NO_KEYS
    shards: Mapping[str, tuple[ApiKeyProof, ...]] = field(default_factory=dict)
    issuers: tuple[IssuerProof, ...] = ()
    revoked_tokens: frozenset[str] = frozenset()
    barred_users: frozenset[UserName] = frozenset()
    renewed_users: Mapping[UserName, int] = field(default_factory=dict)


def shard_of(key: str) -> str:
    """Two hexadecimal digits, 00 to ff, that follow the prefix of an API key; "" for text that is no key of ours."""
    digits = key[len(API_KEY_PREFIX) : len(API_KEY_PREFIX) + _SHARD_DIGITS]
    well_formed = key.startswith(API_KEY_PREFIX) and len(digits) == _SHARD_DIGITS
    return digits if well_formed and all(each in "0123456789abcdef" for each in digits) else ""
