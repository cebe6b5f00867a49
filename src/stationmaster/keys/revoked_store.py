"""Rows of revoked tokens, kept until they would have expired, and of fetched key sets of foreign issuers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.keys.tables import issuer_key_sets, revoked_tokens


async def revoke(connection: AsyncConnection, token_id: str, *, until: datetime, now: datetime) -> None:
    row = upsert(revoked_tokens).values(token_id=token_id, until=until, revoked_at=now)
    await connection.execute(row.on_conflict_do_nothing(index_elements=["token_id"]))


async def revoked(connection: AsyncConnection, now: datetime) -> Mapping[str, datetime]:
    """Ids of revoked tokens that have not expired, and until when they would hold."""
    rows = await connection.execute(select(revoked_tokens).where(revoked_tokens.c.until > now))
    return {row.token_id: row.until for row in rows}


async def forget(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(revoked_tokens).where(revoked_tokens.c.until <= now))


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedSet:
    """The last good key set of a foreign issuer; `source` is where it came from."""

    name: str
    source: str
    jwks: str
    fetched_at: datetime


async def keep_set(connection: AsyncConnection, fetched: FetchedSet) -> None:
    row = upsert(issuer_key_sets).values(
        name=fetched.name, source=fetched.source, jwks=fetched.jwks, fetched_at=fetched.fetched_at
    )
    await connection.execute(
        row.on_conflict_do_update(
            index_elements=["name"],
            set_={"source": fetched.source, "jwks": fetched.jwks, "fetched_at": fetched.fetched_at},
        )
    )


async def kept_sets(connection: AsyncConnection) -> Mapping[str, FetchedSet]:
    rows = await connection.execute(select(issuer_key_sets))
    return {
        row.name: FetchedSet(name=row.name, source=row.source, jwks=row.jwks, fetched_at=row.fetched_at) for row in rows
    }
