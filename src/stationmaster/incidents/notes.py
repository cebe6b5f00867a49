"""Notes that people write on incidents, as rows: an edit keeps what stood there before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import Instant, metadata

notes = Table(
    "incident_note",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.number"), nullable=False, index=True),
)

versions = Table(
    "incident_note_version",
    metadata,
    Column("note", ForeignKey("incident_note.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("text", Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """The last of its versions is what holds."""

    id: int
    versions: tuple[Version, ...]


async def write(connection: AsyncConnection, incident: int, version: Version) -> int:
    number: int = (await connection.execute(insert(notes).values(incident=incident).returning(notes.c.id))).scalar_one()
    await _append(connection, number, 1, version)
    return number


async def rewrite(connection: AsyncConnection, incident: int, note: int, version: Version) -> None:
    """Raises PlatformError `unknown-note`."""
    wanted = (
        select(func.max(versions.c.version))
        .join(notes, notes.c.id == versions.c.note)
        .where(notes.c.id == note, notes.c.incident == incident)
    )
    last = (await connection.execute(wanted)).scalar_one()
    if last is None:
        hint = f"`incident show {incident}` shows its notes"
        raise PlatformError("unknown-note", f"incident #{incident} has no note {note}", hint=hint, status=404)
    await _append(connection, note, last + 1, version)


async def of(connection: AsyncConnection, incident: int) -> Sequence[Note]:
    wanted = (
        select(versions)
        .join(notes, notes.c.id == versions.c.note)
        .where(notes.c.incident == incident)
        .order_by(versions.c.note, versions.c.version)
    )
    found: dict[int, list[Version]] = {}
    for row in await connection.execute(wanted):
        found.setdefault(row.note, []).append(Version(at=row.at, by=row.by, text=row.text))
    return [Note(id=number, versions=tuple(each)) for number, each in found.items()]


async def _append(connection: AsyncConnection, note: int, number: int, version: Version) -> None:
    values = {"note": note, "version": number, "at": version.at, "by": version.by, "text": version.text}
    await connection.execute(insert(versions).values(**values))
