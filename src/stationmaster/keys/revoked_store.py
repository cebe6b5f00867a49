"""Rows of revoked tokens, kept until they would have expired, and of fetched key sets of foreign issuers.

All tokens that a user got before it left are one row, of an id that no token has: `user:` and the name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.names import UserName
from stationmaster.keys.departures import Renewed, first_second
from stationmaster.keys.tables import issuer_key_sets, revoked_tokens

_OF_USER = "user:"
_is_of_user = revoked_tokens.c.token_id.startswith(_OF_USER)


async def revoke(connection: AsyncConnection, token_id: str, *, until: datetime, now: datetime) -> None:
    row = upsert(revoked_tokens).values(token_id=token_id, until=until, revoked_at=now)
    await connection.execute(row.on_conflict_do_nothing(index_elements=["token_id"]))


async def revoked(connection: AsyncConnection, now: datetime) -> Mapping[str, datetime]:
    """Ids of revoked tokens that have not expired, and until when they would hold."""
    found = select(revoked_tokens).where(revoked_tokens.c.until > now, ~_is_of_user)
    return {row.token_id: row.until for row in await connection.execute(found)}


async def renew(connection: AsyncConnection, users: Iterable[UserName], *, until: datetime, now: datetime) -> None:
    """These users are declared again: what they got before counts no longer."""
    rows = [{"token_id": f"{_OF_USER}{name}", "until": until, "revoked_at": now} for name in users]
    if rows:
        row = upsert(revoked_tokens)
        later = {"until": row.excluded.until, "revoked_at": row.excluded.revoked_at}
        await connection.execute(row.on_conflict_do_update(index_elements=["token_id"], set_=later), rows)


async def renewed(connection: AsyncConnection, now: datetime) -> Mapping[UserName, Renewed]:
    found = select(revoked_tokens).where(revoked_tokens.c.until > now, _is_of_user)
    return {
        UserName(row.token_id.removeprefix(_OF_USER)): Renewed(since_s=first_second(row.revoked_at), until=row.until)
        for row in await connection.execute(found)
    }


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
