"""Routing keys: each lets its bearer send events of one service; stored as digests, shown once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, String, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import Database, Instant, metadata, utc_now

_LONGEST = 128
_SHOWN = 4

routing_keys = Table(
    "routing_key",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("service", String(128), nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("prefix", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("revoked_at", Instant),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingKey:
    id: str
    service: str
    prefix: str
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class RoutingKeys:
    database: Database

    async def create(self, service: str, *, by: str) -> tuple[RoutingKey, str]:
        """The row, and the key itself: 32 characters of hex, as PagerDuty's."""
        secret = secrets.token_hex(16)
        made = RoutingKey(
            id=secrets.token_hex(6),
            service=service,
            prefix=secret[:_SHOWN],
            created_at=utc_now(),
            created_by=by,
            revoked_at=None,
        )
        values = {name: getattr(made, name) for name in RoutingKey.__dataclass_fields__}
        async with self.database.write() as connection:
            await connection.execute(insert(routing_keys).values(**values, digest=_digest(secret)))
            await record(connection, _change("create", by, made))
        return made, secret

    async def all(self) -> Sequence[RoutingKey]:
        """The newest first, revoked ones too."""
        async with self.database.read() as connection:
            wanted = select(routing_keys).order_by(routing_keys.c.created_at.desc())
            return [_key(row) for row in await connection.execute(wanted)]

    async def revoke(self, number: str, *, by: str) -> None:
        """Revoking again changes nothing. Raises PlatformError `unknown-routing-key`."""
        async with self.database.write() as connection:
            found = await _find(connection, number)
            if found.revoked_at is None:
                changing = update(routing_keys).where(routing_keys.c.id == number)
                await connection.execute(changing.values(revoked_at=utc_now()))
                await record(connection, _change("revoke", by, found))

    async def service_of(self, secret: str) -> RoutingKey | None:
        """Whose key it is; None for one that nobody has, or has no longer."""
        if not 0 < len(secret) <= _LONGEST:
            return None
        held = (routing_keys.c.digest == _digest(secret), routing_keys.c.revoked_at.is_(None))
        async with self.database.read() as connection:
            row = (await connection.execute(select(routing_keys).where(*held))).one_or_none()
        return None if row is None else _key(row)


def _digest(secret: str) -> str:
    """128 random bits cannot be guessed, so that a slow hash would only slow every event down."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def _find(connection: AsyncConnection, number: str) -> RoutingKey:
    row = (await connection.execute(select(routing_keys).where(routing_keys.c.id == number))).one_or_none()
    if row is None:
        hint = "`alert key list` shows their ids"
        raise PlatformError("unknown-routing-key", f"no key has the id {number[:40]!r}", hint=hint, status=404)
    return _key(row)


def _key(row: Row[Any]) -> RoutingKey:
    return RoutingKey(
        id=row.id,
        service=row.service,
        prefix=row.prefix,
        created_at=row.created_at,
        created_by=row.created_by,
        revoked_at=row.revoked_at,
    )


def _change(action: str, by: str, key: RoutingKey) -> Change:
    after = {"service": key.service, "prefix": key.prefix}
    return Change(at=utc_now(), who=by, action=action, kind="routing-key", name=key.id, after=after)
