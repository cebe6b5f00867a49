"""What is declared, one row for each entity, and the revisions that led there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Integer,
    Row,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import Origin
from stationmaster.manifest.entity import Entity, EntityKind
from stationmaster.runtime.db import Instant, metadata

declared = Table(
    "declared",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("file", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", String(255), nullable=False),
)

revisions = Table(
    "catalog_revision",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("file", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("summary", JSON, nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """An entity as it is kept. `position` orders the entities of a kind; `etag` is the digest of the body."""

    entity: Entity
    position: int
    etag: str
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One change of the declaration. `file` and `digest` (SHA-256, hexadecimal) are of the applied file, or empty;
    `summary` counts what was created, updated and deleted."""

    at: datetime
    by: str
    file: str = ""
    digest: str = ""
    created: int = 0
    updated: int = 0
    deleted: int = 0


async def everything(connection: AsyncConnection) -> tuple[Declared, ...]:
    """Kind by kind, each in its order."""
    rows = await connection.execute(select(declared).order_by(declared.c.position, declared.c.name))
    found = [_declared(row) for row in rows]
    return tuple(each for kind in EntityKind for each in found if each.entity.kind is kind)


async def keep(connection: AsyncConnection, written: Collection[Declared]) -> None:
    """Writes the entities over what stands there under their names."""
    if not written:
        return
    row = upsert(declared)
    row = row.on_conflict_do_update(
        index_elements=[declared.c.kind, declared.c.name],
        set_={column.name: row.excluded[column.name] for column in declared.c if not column.primary_key},
    )
    await connection.execute(row, [_values(each) for each in written])


async def place(connection: AsyncConnection, moved: Collection[Declared]) -> None:
    """Writes only where the entities stand: position, file and line."""
    if not moved:
        return
    row = update(declared).where(declared.c.kind == bindparam("of_kind"), declared.c.name == bindparam("of_name"))
    row = row.values(position=bindparam("to_position"), file=bindparam("to_file"), line=bindparam("to_line"))
    values = [
        {
            "of_kind": each.entity.kind.value,
            "of_name": each.entity.name,
            "to_position": each.position,
            "to_file": each.entity.origin.file,
            "to_line": each.entity.origin.line,
        }
        for each in moved
    ]
    await connection.execute(row, values)


async def remove(connection: AsyncConnection, keys: Collection[tuple[EntityKind, str]]) -> None:
    """Deletes the entities of these kinds and names."""
    if not keys:
        return
    row = delete(declared).where(declared.c.kind == bindparam("of_kind"), declared.c.name == bindparam("of_name"))
    await connection.execute(row, [{"of_kind": kind.value, "of_name": name} for kind, name in keys])


async def record_revision(connection: AsyncConnection, revision: Revision) -> int:
    """Its number."""
    values = {
        "at": revision.at,
        "by": revision.by,
        "file": revision.file,
        "digest": revision.digest,
        "summary": {"created": revision.created, "updated": revision.updated, "deleted": revision.deleted},
    }
    done = await connection.execute(insert(revisions).values(values).returning(revisions.c.number))
    return int(done.scalar_one())


async def last_digest(connection: AsyncConnection, file: str) -> str | None:
    """The digest with which the file was applied last."""
    query = select(revisions.c.digest).where(revisions.c.file == file).order_by(revisions.c.number.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def last_number(connection: AsyncConnection) -> int:
    """The newest revision; 0 before the first."""
    query = select(revisions.c.number).order_by(revisions.c.number.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none() or 0


async def latest_revisions(connection: AsyncConnection, limit: int) -> Sequence[tuple[int, Revision]]:
    """The newest first, with their numbers."""
    rows = await connection.execute(select(revisions).order_by(revisions.c.number.desc()).limit(limit))
    return [(row.number, _revision(row)) for row in rows]


def _values(each: Declared) -> dict[str, Any]:
    return {
        "kind": each.entity.kind.value,
        "name": each.entity.name,
        "position": each.position,
        "body": dict(each.entity.body),
        "file": each.entity.origin.file,
        "line": each.entity.origin.line,
        "etag": each.etag,
        "changed_at": each.changed_at,
        "changed_by": each.changed_by,
    }


def _declared(row: Row[tuple[object, ...]]) -> Declared:
    origin = Origin(file=row.file, line=row.line)
    return Declared(
        entity=Entity(kind=EntityKind(row.kind), name=row.name, body=row.body, origin=origin),
        position=row.position,
        etag=row.etag,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def _revision(row: Row[tuple[object, ...]]) -> Revision:
    return Revision(at=row.at, by=row.by, file=row.file, digest=row.digest, **row.summary)
