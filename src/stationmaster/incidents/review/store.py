"""Reviews of incidents and every version of their texts, as rows: nothing that was written is ever taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, Row, String, Table, Text, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.store import incidents
from stationmaster.runtime.db import Instant, metadata

DRAFTER = "stationmaster"
"""In whose name drafts are written."""

reviews = Table(
    "review",
    metadata,
    Column("incident", ForeignKey("incident.number"), primary_key=True),
    Column("resolved_at", Instant, nullable=False),
    Column("drafted_at", Instant, index=True),
    Column("finished_at", Instant),
    Column("finished_by", String(255), nullable=False),
)

versions = Table(
    "review_version",
    metadata,
    Column("incident", ForeignKey("review.incident"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("text", Text, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    number: int
    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """`resolved_at` is the resolution that it is about: an incident may be opened again. `drafted_at` is None as long
    as its draft is owed."""

    incident: int
    title: str
    severity: str
    service: str
    resolved_at: datetime
    drafted_at: datetime | None
    finished_at: datetime | None
    finished_by: str


async def begin(connection: AsyncConnection, incident: int, *, resolved_at: datetime) -> None:
    """A draft is owed. A review that stands there already is about the newest resolution from now on."""
    row = upsert(reviews).values(incident=incident, resolved_at=resolved_at, finished_by="")
    again = {"resolved_at": resolved_at, "drafted_at": None}
    await connection.execute(row.on_conflict_do_update(index_elements=[reviews.c.incident], set_=again))


async def owed(connection: AsyncConnection, limit: int) -> Sequence[Review]:
    """Those whose drafts are owed, the longest resolved first."""
    wanted = _reviews().where(reviews.c.drafted_at.is_(None)).order_by(reviews.c.resolved_at).limit(limit)
    return [_review(row) for row in await connection.execute(wanted)]


async def drafted(connection: AsyncConnection, review: Review, at: datetime) -> bool:
    """Says whether this was still the draft that is owed."""
    result = await connection.execute(
        update(reviews)
        .where(
            reviews.c.incident == review.incident,
            reviews.c.resolved_at == review.resolved_at,
            reviews.c.drafted_at.is_(None),
        )
        .values(drafted_at=at)
    )
    return bool(result.rowcount == 1)


async def drop(connection: AsyncConnection, incident: int) -> None:
    """The incident was opened again: a draft that is still owed is owed no more until it is resolved."""
    unwritten = ~select(versions.c.version).where(versions.c.incident == reviews.c.incident).exists()
    gone = delete(reviews).where(reviews.c.incident == incident, reviews.c.drafted_at.is_(None), unwritten)
    await connection.execute(gone)


async def finish(connection: AsyncConnection, incident: int, *, by: str, at: datetime) -> None:
    await connection.execute(
        update(reviews).where(reviews.c.incident == incident).values(finished_at=at, finished_by=by)
    )


async def find(connection: AsyncConnection, incident: int) -> Review | None:
    row = (await connection.execute(_reviews().where(reviews.c.incident == incident))).one_or_none()
    return None if row is None else _review(row)


async def known(connection: AsyncConnection, incident: int) -> Review:
    """Raises PlatformError `no-review`."""
    found = await find(connection, incident)
    if found is None:
        hint = "a review is drafted when the incident is resolved"
        raise PlatformError("no-review", f"there is no review of incident #{incident}", hint=hint, status=404)
    return found


async def all_of(connection: AsyncConnection, *, unfinished: bool = False, limit: int = 100) -> Sequence[Review]:
    """The newest incident first."""
    wanted = _reviews().order_by(reviews.c.incident.desc()).limit(limit)
    wanted = wanted.where(reviews.c.finished_at.is_(None)) if unfinished else wanted
    return [_review(row) for row in await connection.execute(wanted)]


async def write(connection: AsyncConnection, incident: int, *, by: str, at: datetime, text: str) -> int:
    """Returns the number of the version."""
    last = (await connection.execute(_last(incident))).scalar_one() or 0
    values = {"incident": incident, "version": last + 1, "at": at, "by": by, "text": text}
    await connection.execute(insert(versions).values(**values))
    return int(last) + 1


async def versions_of(connection: AsyncConnection, incident: int) -> Sequence[Version]:
    wanted = select(versions).where(versions.c.incident == incident).order_by(versions.c.version)
    rows = await connection.execute(wanted)
    return [Version(number=row.version, at=row.at, by=row.by, text=row.text) for row in rows]


def _last(incident: int) -> Any:
    return select(func.max(versions.c.version)).where(versions.c.incident == incident)


def _reviews() -> Any:
    columns = (incidents.c.title, incidents.c.severity, incidents.c.service)
    return select(reviews, *columns).join(incidents, incidents.c.number == reviews.c.incident)


def _review(row: Row[Any]) -> Review:
    return Review(
        incident=row.incident,
        title=row.title,
        severity=row.severity,
        service=row.service,
        resolved_at=row.resolved_at,
        drafted_at=row.drafted_at,
        finished_at=row.finished_at,
        finished_by=row.finished_by,
    )
