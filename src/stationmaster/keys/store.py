"""Rows of signing keys and of API users' credentials; what is secret in them is sealed or a digest."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Column, LargeBinary, String, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.names import UserName
from stationmaster.keys.credentials import Client, IssuedCredentials, digest
from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey, private_from_jwk
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Instant, metadata

signing_keys = Table(
    "signing_key",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("algorithm", String(16), nullable=False),
    Column("private_sealed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("active_from", Instant, nullable=False),
    Column("retired_at", Instant),
)

credentials = Table(
    "api_user_credential",
    metadata,
    Column("user", String(255), primary_key=True),
    Column("client_id", String(255), nullable=False, unique=True),
    Column("secret_digest", String(64), nullable=False),
    Column("api_key_prefix", String(16), nullable=False),
    Column("api_key_digest", String(64), nullable=False, unique=True),
    Column("api_key_sealed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One user's credentials; `api_key` is in the clear because gateway nodes compare it themselves."""

    client: Client
    api_key_prefix: str
    api_key: str = field(repr=False)
    created_at: datetime


async def add_signing_key(connection: AsyncConnection, cipher: Cipher, key: SigningKey) -> None:
    await connection.execute(
        insert(signing_keys).values(
            kid=key.kid,
            algorithm=key.algorithm.value,
            private_sealed=cipher.seal(key.private_jwk(), _signing_key_context(key.kid)),
            created_at=key.created_at,
            active_from=key.active_from,
            retired_at=key.retired_at,
        )
    )


async def key_set(connection: AsyncConnection, cipher: Cipher) -> KeySet:
    rows = await connection.execute(select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.kid))
    return KeySet(
        tuple(
            SigningKey(
                kid=row.kid,
                algorithm=SigningAlgorithm(row.algorithm),
                private=private_from_jwk(cipher.open(row.private_sealed, _signing_key_context(row.kid))),
                created_at=row.created_at,
                active_from=row.active_from,
                retired_at=row.retired_at,
            )
            for row in rows
        )
    )


async def replace_credentials(
    connection: AsyncConnection, cipher: Cipher, issued: IssuedCredentials, now: datetime
) -> None:
    """Puts the user's new credentials in the place of the old ones, which hold no longer."""
    await connection.execute(delete(credentials).where(credentials.c.user == issued.user))
    await connection.execute(
        insert(credentials).values(
            user=issued.user,
            client_id=issued.client_id,
            secret_digest=digest(issued.client_secret),
            api_key_prefix=issued.api_key_prefix,
            api_key_digest=digest(issued.api_key),
            api_key_sealed=cipher.seal(issued.api_key.encode(), _api_key_context(issued.user)),
            created_at=now,
        )
    )


async def all_credentials(connection: AsyncConnection, cipher: Cipher) -> tuple[Credential, ...]:
    """In the order of the users' names."""
    rows = await connection.execute(select(credentials).order_by(credentials.c.user))
    return tuple(
        Credential(
            client=Client(user=UserName(row.user), client_id=row.client_id, secret_digest=row.secret_digest),
            api_key_prefix=row.api_key_prefix,
            api_key=cipher.open(row.api_key_sealed, _api_key_context(row.user)).decode(),
            created_at=row.created_at,
        )
        for row in rows
    )


def _signing_key_context(kid: str) -> str:
    return f"signing-key/{kid}"


def _api_key_context(user: str) -> str:
    return f"api-key/{user}"
