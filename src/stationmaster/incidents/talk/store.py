"""Updates of incidents, and when the next one is owed, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.life import OPEN
from stationmaster.incidents.store import incidents
from stationmaster.incidents.talk.moments import Word
from stationmaster.runtime.db import Instant, metadata


class Publication(Enum):
    """What became of an update that the public is to be told."""

    NONE = "none"
    WANTED = "wanted"
    """It is being put on the status page."""
    POSTED = "posted"
    REFUSED = "refused"


updates = Table(
    "incident_update",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.number"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("word", String(32), nullable=False),
    Column("by", String(255), nullable=False),
    Column("text", Text, nullable=False),
    Column("public_text", Text, nullable=False),
    Column("publication", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_incident_update_incident", "incident", "at"),
    Index("ix_incident_update_publication", "publication"),
)

owing = Table(
    "incident_owing",
    metadata,
    Column("incident", ForeignKey("incident.number"), primary_key=True),
    Column("told_at", Instant),
    Column("look_at", Instant, index=True),
    Column("due_at", Instant, index=True),
)
"""`told_at` is the last moment of an update that somebody was told to be owed; `look_at` and `due_at` save looking at
every incident at every tick: they follow from the updates and now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """`text` went to responders, `public_text` to users; `detail` says why it was refused to go there."""

    id: int
    incident: int
    at: datetime
    word: Word
    by: str
    text: str
    public_text: str
    publication: Publication
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """An update that is to be written."""

    incident: int
    at: datetime
    word: Word
    by: str
    text: str
    public_text: str = ""
    publication: Publication = Publication.NONE
    detail: str = ""


async def write(connection: AsyncConnection, fresh: Fresh) -> int:
    values = {
        "incident": fresh.incident,
        "at": fresh.at,
        "word": fresh.word.value,
        "by": fresh.by,
        "text": fresh.text,
        "public_text": fresh.public_text,
        "publication": fresh.publication.value,
        "detail": fresh.detail,
    }
    found: int = (await connection.execute(insert(updates).values(**values).returning(updates.c.id))).scalar_one()
    return found


async def updates_of(connection: AsyncConnection, incident: int) -> Sequence[Update]:
    """The oldest first."""
    wanted = select(updates).where(updates.c.incident == incident).order_by(updates.c.at, updates.c.id)
    return [_update(row) for row in await connection.execute(wanted)]


async def last_of(connection: AsyncConnection, incident: int) -> Update | None:
    wanted = select(updates).where(updates.c.incident == incident).order_by(updates.c.at.desc(), updates.c.id.desc())
    row = (await connection.execute(wanted.limit(1))).one_or_none()
    return None if row is None else _update(row)


async def wanted(connection: AsyncConnection, incident: int | None = None) -> Sequence[Update]:
    """What is to be put on the status page and is not there yet."""
    chosen = [updates.c.publication == Publication.WANTED.value]
    chosen += [] if incident is None else [updates.c.incident == incident]
    return [_update(row) for row in await connection.execute(select(updates).where(*chosen).order_by(updates.c.id))]


async def settle(connection: AsyncConnection, number: int, publication: Publication, detail: str = "") -> bool:
    """What became of a publication; False where that stands already."""
    open_ = (updates.c.id == number) & (updates.c.publication == Publication.WANTED.value)
    values = {"publication": publication.value, "detail": detail}
    return (await connection.execute(update(updates).where(open_).values(**values))).rowcount > 0


async def told_at(connection: AsyncConnection, incident: int) -> datetime | None:
    found: datetime | None = (
        await connection.execute(select(owing.c.told_at).where(owing.c.incident == incident))
    ).scalar_one_or_none()
    return found


async def change(connection: AsyncConnection, incident: int, **values: Any) -> None:
    """Sets columns of `owing`."""
    row = upsert(owing).values(incident=incident, **values)
    await connection.execute(row.on_conflict_do_update(index_elements=[owing.c.incident], set_=values))


async def look_soon(connection: AsyncConnection, at: datetime) -> None:
    """Every incident that owes anything is looked at then, or sooner."""
    later = or_(owing.c.look_at > at, owing.c.due_at > at)
    await connection.execute(update(owing).where(owing.c.look_at.is_not(None), later).values(look_at=at))


async def to_look_at(connection: AsyncConnection, now: datetime, limit: int) -> tuple[int, ...]:
    found = select(owing.c.incident).where(owing.c.look_at <= now).order_by(owing.c.look_at, owing.c.incident)
    return tuple((await connection.execute(found.limit(limit))).scalars())


async def overdue(connection: AsyncConnection, now: datetime, limit: int) -> dict[int, datetime]:
    """Since when each incident owes news that were not given."""
    found = select(owing.c.incident, owing.c.due_at).where(owing.c.due_at <= now).order_by(owing.c.due_at)
    return {row.incident: row.due_at for row in await connection.execute(found.limit(limit))}


async def look_at_unknown(connection: AsyncConnection, at: datetime) -> None:
    """Every open incident of which nothing is known here is looked at then."""
    open_ = incidents.c.status.in_([each.value for each in OPEN])
    chosen = select(incidents.c.number, literal(at, Instant)).where(open_)
    row = upsert(owing).from_select(["incident", "look_at"], chosen)
    await connection.execute(row.on_conflict_do_nothing(index_elements=[owing.c.incident]))


def _update(row: Row[Any]) -> Update:
    return Update(
        id=row.id,
        incident=row.incident,
        at=row.at,
        word=Word(row.word),
        by=row.by,
        text=row.text,
        public_text=row.public_text,
        publication=Publication(row.publication),
        detail=row.detail,
    )
