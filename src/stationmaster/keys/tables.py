"""The tables of this room; what is secret in them is sealed or a digest."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text

from stationmaster.keys.signing import SIGNING_KEY_CONTEXT
from stationmaster.runtime.db import Instant, metadata
from stationmaster.runtime.rewrap import sealed_as

API_KEY_CONTEXT = "api-key/{user}"

signing_keys = Table(
    "signing_key",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("algorithm", String(16), nullable=False),
    Column("private_sealed", LargeBinary, nullable=False, info=sealed_as(SIGNING_KEY_CONTEXT)),
    Column("created_at", Instant, nullable=False),
    # Null while gateway nodes are only being told of it.
    Column("active_from", Instant),
    Column("retired_at", Instant),
    # The longest life of a token that it signed.
    Column("lifetime_s", Integer, nullable=False, server_default="3600"),
)

api_keys = Table(
    "api_key",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user", String(255), nullable=False, index=True),
    Column("prefix", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("text_sealed", LargeBinary, nullable=False, info=sealed_as(API_KEY_CONTEXT)),
    Column("scopes", JSON, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("replaced_by", String(32)),
    Column("last_used_at", Instant),
)

client_secrets = Table(
    "client_secret",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user", String(255), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("replaced", Boolean, nullable=False, server_default="0"),
)

key_users = Table(
    "key_user",
    metadata,
    Column("name", String(255), primary_key=True),
    # Null while the user is declared; afterwards until when its tokens have to be refused by name.
    Column("barred_until", Instant),
    Index("ix_key_user_barred_until", "barred_until"),
)

revoked_tokens = Table(
    "revoked_token",
    metadata,
    Column("token_id", String(255), primary_key=True),
    Column("until", Instant, nullable=False, index=True),
    Column("revoked_at", Instant, nullable=False),
)

issuer_key_sets = Table(
    "issuer_key_set",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("source", Text, nullable=False),
    Column("jwks", Text, nullable=False),
    Column("fetched_at", Instant, nullable=False),
)

key_revision = Table(
    "key_revision",
    metadata,
    Column("id", Integer, primary_key=True),
    # Counts the changes that the key service has to see.
    Column("revision", Integer, nullable=False),
)
