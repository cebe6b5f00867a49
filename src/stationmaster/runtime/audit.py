"""The audit trail: who changed what, when, from what to what; written in the transaction of the change itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Integer, Row, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.runtime.db import Instant, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
    Column("who", String(255), nullable=False),
    Column("action", String(64), nullable=False),
    Column("kind", String(64), nullable=False, index=True),
    Column("name", String(512), nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change. `action` is a verb (create, update, delete, rotate, revoke, drain, login ...), `kind` names what was
    changed (api, user, virtual-host, target, key ...). `before` and `after` are JSON values without secrets; None
    where there was or is nothing."""

    at: datetime
    who: str
    action: str
    kind: str
    name: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which changes somebody wants to see; empty texts ask for all. `below` asks for older ones than that number."""

    who: str = ""
    kind: str = ""
    name: str = ""
    since: datetime | None = None
    below: int | None = None
    limit: int = 100


async def record(connection: AsyncConnection, *changes: Change) -> None:
    """Writes the changes in the caller's transaction."""
    if changes:
        await connection.execute(insert(audit), [_values(each) for each in changes])


async def changes(connection: AsyncConnection, asked: Asked) -> Sequence[tuple[int, Change]]:
    """Changes with their numbers, the newest first."""
    query = select(audit).order_by(audit.c.id.desc()).limit(asked.limit)
    for column, wanted in ((audit.c.who, asked.who), (audit.c.kind, asked.kind), (audit.c.name, asked.name)):
        query = query.where(column == wanted) if wanted else query
    query = query.where(audit.c.at >= asked.since) if asked.since else query
    query = query.where(audit.c.id < asked.below) if asked.below is not None else query
    return [(row.id, _change(row)) for row in await connection.execute(query)]


def _values(change: Change) -> dict[str, Any]:
    return {
        "at": change.at,
        "who": change.who,
        "action": change.action,
        "kind": change.kind,
        "name": change.name,
        "before": change.before,
        "after": change.after,
    }


def _change(row: Row[tuple[object, ...]]) -> Change:
    return Change(
        at=row.at,
        who=row.who,
        action=row.action,
        kind=row.kind,
        name=row.name,
        before=row.before,
        after=row.after,
    )
