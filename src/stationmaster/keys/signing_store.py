"""Rows of signing keys, sealed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.keys.index import SealedKey
from stationmaster.keys.signing import SIGNING_KEY_CONTEXT, KeySet, SigningKey
from stationmaster.keys.tables import signing_keys
from stationmaster.runtime.cipher import Cipher


async def add(connection: AsyncConnection, cipher: Cipher, key: SigningKey) -> None:
    await connection.execute(
        insert(signing_keys).values(
            kid=key.kid,
            algorithm=key.algorithm.value,
            private_sealed=cipher.seal(key.private_jwk(), SIGNING_KEY_CONTEXT.format(kid=key.kid)),
            created_at=key.created_at,
            active_from=key.active_from,
            retired_at=key.retired_at,
            lifetime_s=key.lifetime_s,
        )
    )


async def sealed(connection: AsyncConnection) -> tuple[SealedKey, ...]:
    """As the key service gets them, oldest first."""
    rows = await connection.execute(select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.kid))
    return tuple(_sealed(row) for row in rows)


async def key_set(connection: AsyncConnection, cipher: Cipher) -> KeySet:
    """Raises PlatformError where a key does not open under this master key."""
    return KeySet(tuple(each.opened(cipher) for each in await sealed(connection)))


async def activate(connection: AsyncConnection, kid: str, now: datetime) -> None:
    """This key signs from `now` on; every other one that signed until then retires."""
    others = update(signing_keys).where(
        signing_keys.c.kid != kid, signing_keys.c.active_from.is_not(None), signing_keys.c.retired_at.is_(None)
    )
    await connection.execute(others.values(retired_at=now))
    await connection.execute(update(signing_keys).where(signing_keys.c.kid == kid).values(active_from=now))


async def lengthen(connection: AsyncConnection, lifetime_s: int) -> None:
    """Keys that may sign now may sign tokens that live so long."""
    longer = update(signing_keys).where(signing_keys.c.retired_at.is_(None), signing_keys.c.lifetime_s < lifetime_s)
    await connection.execute(longer.values(lifetime_s=lifetime_s))


async def remove(connection: AsyncConnection, kids: tuple[str, ...]) -> None:
    await connection.execute(delete(signing_keys).where(signing_keys.c.kid.in_(kids)))


def _sealed(row: Row[Any]) -> SealedKey:
    return SealedKey(
        kid=row.kid,
        algorithm=row.algorithm,
        private_sealed=row.private_sealed,
        created_at=row.created_at,
        active_from=row.active_from,
        retired_at=row.retired_at,
        lifetime_s=row.lifetime_s,
    )
