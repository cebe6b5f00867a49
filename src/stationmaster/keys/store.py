"""Rows of API keys, client secrets and their users; what is secret in them is sealed or a digest."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, RowMapping, Table, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.problem import PlatformError
from stationmaster.core.proofs import ApiKeyProof
from stationmaster.keys.book import Held
from stationmaster.keys.credentials import ApiKey, ClientSecret, MadeKey, MadeSecret, Term, digest
from stationmaster.keys.tables import API_KEY_CONTEXT, api_keys, client_secrets, key_revision, key_users
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.db import Instant

_BATCH = 500


async def bump(connection: AsyncConnection) -> int:
    """The number of the change that the caller's transaction is, as the key service will know it."""
    row = upsert(key_revision).values(id=1, revision=1)
    row = row.on_conflict_do_update(index_elements=["id"], set_={"revision": key_revision.c.revision + 1})
    await connection.execute(row)
    return await revision(connection)


async def revision(connection: AsyncConnection) -> int:
    return (await connection.execute(select(key_revision.c.revision))).scalar_one_or_none() or 0


async def add_key(connection: AsyncConnection, cipher: Cipher, made: MadeKey) -> None:
    key = made.key
    await connection.execute(
        insert(api_keys).values(
            id=key.id,
            user=key.user,
            prefix=key.prefix,
            digest=key.digest,
            text_sealed=cipher.seal(made.text.encode(), API_KEY_CONTEXT.format(user=key.user)),
            scopes=list(key.scopes),
            note=key.note,
            created_at=key.term.created_at,
            expires_at=key.term.expires_at,
        )
    )


async def keys_of(connection: AsyncConnection, user: UserName) -> tuple[ApiKey, ...]:
    """Every key that the user ever had, the newest first."""
    found = select(api_keys).where(api_keys.c.user == user).order_by(api_keys.c.created_at.desc(), api_keys.c.id)
    return tuple(_key(row) for row in (await connection.execute(found)).mappings())


async def every_key(connection: AsyncConnection) -> Sequence[ApiKey]:
    return [_key(row) for row in (await connection.execute(select(api_keys))).mappings()]


async def every_secret(connection: AsyncConnection) -> Sequence[ClientSecret]:
    return [_secret(row) for row in await connection.execute(select(client_secrets))]


async def find_key(connection: AsyncConnection, user: UserName, key_id: str) -> ApiKey | None:
    found = select(api_keys).where(api_keys.c.user == user, api_keys.c.id == key_id)
    row = (await connection.execute(found)).mappings().one_or_none()
    return None if row is None else _key(row)


async def end_key(connection: AsyncConnection, key: ApiKey) -> None:
    """Writes down the key's end: its expiry, revocation and successor."""
    term = key.term
    change = update(api_keys).where(api_keys.c.id == key.id)
    await connection.execute(
        change.values(expires_at=term.expires_at, revoked_at=term.revoked_at, replaced_by=key.replaced_by)
    )


async def note_uses(connection: AsyncConnection, uses: Mapping[str, datetime]) -> None:
    """When keys were last used, by id: the latest moment is kept; ids of no key change nothing."""
    given = [{"used": key_id, "moment": at} for key_id, at in uses.items()]
    if given:
        moment = bindparam("moment", type_=Instant)
        older = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < moment)
        change = update(api_keys).where(api_keys.c.id == bindparam("used"), older)
        await connection.execute(change.values(last_used_at=moment), given)


async def held_keys(connection: AsyncConnection, cipher: Cipher, now: datetime) -> Sequence[Held]:
    """Keys in the clear that hold now, because gateway nodes compare them themselves."""
    holds = _holds(api_keys.c.revoked_at, api_keys.c.expires_at, now)
    return [_held(row, cipher) for row in await connection.execute(select(api_keys).where(holds))]


async def holders(connection: AsyncConnection, now: datetime) -> set[UserName]:
    """Users that have a key or a secret which holds."""
    found = [
        select(each.c.user).where(_holds(each.c.revoked_at, each.c.expires_at, now)).distinct()
        for each in (api_keys, client_secrets)
    ]
    return {UserName(row.user) for each in found for row in await connection.execute(each)}


async def revoke_keys_of(connection: AsyncConnection, users: Iterable[UserName], now: datetime) -> Sequence[ApiKey]:
    """Those that held until now."""
    return [_key(row._mapping) for row in await _revoke(connection, api_keys, users, now)]


async def revoke_secrets_of(
    connection: AsyncConnection, users: Iterable[UserName], now: datetime
) -> Sequence[ClientSecret]:
    """Those that held until now."""
    return [_secret(row) for row in await _revoke(connection, client_secrets, users, now)]


async def _revoke(
    connection: AsyncConnection, table: Table, users: Iterable[UserName], now: datetime
) -> Sequence[Row[Any]]:
    """The rows as they are now."""
    names: list[UserName] = list(users)
    holds = _holds(table.c.revoked_at, table.c.expires_at, now)
    rows: list[Row[Any]] = []
    for start in range(0, len(names), _BATCH):
        change = update(table).where(table.c.user.in_(names[start : start + _BATCH]), holds).values(revoked_at=now)
        rows += (await connection.execute(change.returning(*table.c))).all()
    return rows


def _held(row: Row[Any], cipher: Cipher) -> Held:
    text = cipher.open(row.text_sealed, API_KEY_CONTEXT.format(user=row.user)).decode()
    if digest(text) != row.digest:
        raise PlatformError(
            "sealed-tampered",
            f"the API key {row.id} of {row.user} is not the one that was stored",
            hint="restore the database from a backup, or revoke the key",
            status=500,
        )
    scopes = tuple(ApiName(each) for each in row.scopes) or None
    proof = ApiKeyProof(key=text, key_id=row.id, user=UserName(row.user), apis=scopes)
    return Held(proof=proof, expires_at=row.expires_at)


async def add_secret(connection: AsyncConnection, made: MadeSecret, now: datetime) -> None:
    row = insert(client_secrets).values(digest=digest(made.text), user=made.user, created_at=now, replaced=False)
    await connection.execute(row)


async def secrets_of(connection: AsyncConnection, user: UserName) -> tuple[ClientSecret, ...]:
    """Every client secret that the user ever had, the newest first."""
    found = select(client_secrets).where(client_secrets.c.user == user)
    rows = await connection.execute(found.order_by(client_secrets.c.created_at.desc(), client_secrets.c.digest))
    return tuple(map(_secret, rows))


async def end_secret(connection: AsyncConnection, secret: ClientSecret) -> None:
    term = secret.term
    change = update(client_secrets).where(client_secrets.c.digest == secret.digest)
    await connection.execute(
        change.values(expires_at=term.expires_at, revoked_at=term.revoked_at, replaced=secret.replaced)
    )


async def known_users(connection: AsyncConnection) -> dict[UserName, datetime | None]:
    """Every user that was ever declared; for those that are not, until when they are barred."""
    rows = await connection.execute(select(key_users))
    return {UserName(row.name): row.barred_until for row in rows}


async def barred_users(connection: AsyncConnection) -> set[UserName]:
    rows = await connection.execute(select(key_users.c.name).where(key_users.c.barred_until.is_not(None)))
    return {UserName(row.name) for row in rows}


async def put_users(connection: AsyncConnection, names: Iterable[UserName]) -> None:
    rows = [{"name": name, "barred_until": None} for name in names]
    if rows:
        row = upsert(key_users)
        row = row.on_conflict_do_update(index_elements=["name"], set_={"barred_until": None})
        await connection.execute(row, rows)


async def bar_users(connection: AsyncConnection, names: Iterable[UserName], until: datetime) -> None:
    rows = [{"name": name, "barred_until": until} for name in names]
    if rows:
        row = upsert(key_users)
        row = row.on_conflict_do_update(index_elements=["name"], set_={"barred_until": row.excluded.barred_until})
        await connection.execute(row, rows)


async def forget_barred(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(key_users).where(key_users.c.barred_until <= now))


def _holds(revoked_at: ColumnElement[Any], expires_at: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    return and_(revoked_at.is_(None), or_(expires_at.is_(None), expires_at > now))


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(
        id=row["id"],
        user=UserName(row["user"]),
        prefix=row["prefix"],
        digest=row["digest"],
        scopes=tuple(ApiName(each) for each in row["scopes"]),
        note=row["note"],
        term=Term(created_at=row["created_at"], expires_at=row["expires_at"], revoked_at=row["revoked_at"]),
        replaced_by=row["replaced_by"],
        last_used_at=row["last_used_at"],
    )


def _secret(row: Row[Any]) -> ClientSecret:
    return ClientSecret(
        user=UserName(row.user),
        digest=row.digest,
        term=Term(created_at=row.created_at, expires_at=row.expires_at, revoked_at=row.revoked_at),
        replaced=row.replaced,
    )
