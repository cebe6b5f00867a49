"""What was told on the status page and how its components stood, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.status.neutral import Moment
from stationmaster.incidents.status.standing import Hold
from stationmaster.incidents.status.uptime import Span
from stationmaster.incidents.status.windows import Window
from stationmaster.incidents.status.words import Impact, PostStatus, Standing
from stationmaster.runtime.db import Instant, metadata

standings = Table(
    "status_standing",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("component", String(200), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, index=True),
    Column("standing", String(32), nullable=False),
    Index("ix_status_standing_component_since", "component", "since"),
)

holds = Table(
    "status_hold",
    metadata,
    Column("component", String(200), primary_key=True),
    Column("standing", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Instant),
    Column("incident", ForeignKey("incident.number")),
)

public_incidents = Table(
    "status_incident",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("incident", ForeignKey("incident.number"), nullable=False, unique=True),
    Column("title", String(500), nullable=False),
    Column("impact", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    Column("components", JSON, nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    Column("updated_at", Instant, nullable=False),
    Column("monitoring_at", Instant),
    Column("resolved_at", Instant, index=True),
    Column("seen", String(16), nullable=False),
)

maintenances = Table(
    "status_maintenance",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("title", String(500), nullable=False),
    Column("components", JSON, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("silence", String(36), unique=True),
)

posts = Table(
    "status_post",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", String(12), nullable=False, unique=True),
    Column("about", String(12), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("status", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("key", String(200), nullable=False),
    Column("affected", JSON, nullable=False),
    UniqueConstraint("about", "key"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """A component with how it stood before a post and after it."""

    name: str
    before: Standing
    after: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`about` is the id of a public incident or of a maintenance; `status` a word of theirs."""

    id: str
    about: str
    at: datetime
    status: str
    body: str
    by: str
    key: str
    affected: tuple[Affected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicIncident:
    """What the public knows of an incident. `seen` is the last moment of it that the platform has dealt with."""

    id: str
    incident: int
    title: str
    impact: Impact
    status: PostStatus
    components: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None = None
    resolved_at: datetime | None = None
    seen: Moment = Moment.OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """`silence` is the id of the named silence that it comes from, if it does."""

    window: Window
    silence: str | None = None


async def standings_since(connection: AsyncConnection, moment: datetime) -> dict[str, list[Span]]:
    """By component, those that ended later or still hold, the oldest first."""
    lasting = or_(standings.c.until.is_(None), standings.c.until > moment)
    found: dict[str, list[Span]] = {}
    for row in await connection.execute(select(standings).where(lasting).order_by(standings.c.since, standings.c.id)):
        span = Span(since=row.since, until=row.until, standing=Standing(row.standing))
        found.setdefault(row.component, []).append(span)
    return found


async def first_standings(connection: AsyncConnection) -> dict[str, datetime]:
    """Since when each component is known."""
    wanted = select(standings.c.component, func.min(standings.c.since)).group_by(standings.c.component)
    return {row[0]: row[1] for row in await connection.execute(wanted)}


async def current_standings(connection: AsyncConnection) -> dict[str, Span]:
    rows = await connection.execute(select(standings).where(standings.c.until.is_(None)))
    return {row.component: Span(since=row.since, until=None, standing=Standing(row.standing)) for row in rows}


async def stand(connection: AsyncConnection, component: str, standing: Standing | None, now: datetime) -> None:
    """From now on the component stands so; None: it is on the page no longer. Nothing happened before it began."""
    open_ = (standings.c.component == component, standings.c.until.is_(None))
    since = (await connection.execute(select(standings.c.since).where(*open_))).scalar_one_or_none()
    at = now if since is None else max(now, since)
    await connection.execute(update(standings).where(*open_).values(until=at))
    if standing is not None:
        await connection.execute(insert(standings).values(component=component, since=at, standing=standing.value))


async def forget_before(connection: AsyncConnection, moment: datetime) -> None:
    await connection.execute(delete(standings).where(standings.c.until < moment))


async def all_holds(connection: AsyncConnection) -> dict[str, Hold]:
    return {row.component: _hold(row) for row in await connection.execute(select(holds))}


async def hold(connection: AsyncConnection, held: Hold) -> None:
    values = {
        "standing": held.standing.value,
        "at": held.at,
        "by": held.by,
        "why": held.why,
        "until": held.until,
        "incident": held.incident,
    }
    row = upsert(holds).values(component=held.component, **values)
    await connection.execute(row.on_conflict_do_update(index_elements=[holds.c.component], set_=values))


async def release(connection: AsyncConnection, component: str) -> bool:
    """Says whether anything was held."""
    gone = delete(holds).where(holds.c.component == component).returning(holds.c.component)
    return (await connection.execute(gone)).scalar_one_or_none() is not None


async def release_of(connection: AsyncConnection, incident: int) -> None:
    await connection.execute(delete(holds).where(holds.c.incident == incident))


async def release_ended(connection: AsyncConnection, now: datetime) -> None:
    await connection.execute(delete(holds).where(holds.c.until <= now))


async def public_incident(connection: AsyncConnection, incident: int) -> PublicIncident | None:
    wanted = select(public_incidents).where(public_incidents.c.incident == incident)
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else _public(row)


async def keep_public(connection: AsyncConnection, kept: PublicIncident) -> None:
    """Writes it, over the one of its id."""
    values = {
        "incident": kept.incident,
        "title": kept.title,
        "impact": kept.impact.value,
        "status": kept.status.value,
        "components": list(kept.components),
        "created_at": kept.created_at,
        "updated_at": kept.updated_at,
        "monitoring_at": kept.monitoring_at,
        "resolved_at": kept.resolved_at,
        "seen": kept.seen.value,
    }
    row = upsert(public_incidents).values(id=kept.id, **values)
    await connection.execute(row.on_conflict_do_update(index_elements=[public_incidents.c.id], set_=values))


async def newest_public(connection: AsyncConnection, limit: int) -> Sequence[PublicIncident]:
    """The newest first; those that are not resolved are among them however old they are."""
    newest = select(public_incidents.c.id).order_by(public_incidents.c.created_at.desc()).limit(limit)
    wanted = select(public_incidents).where(
        or_(public_incidents.c.resolved_at.is_(None), public_incidents.c.id.in_(newest))
    )
    rows = await connection.execute(wanted.order_by(public_incidents.c.created_at.desc(), public_incidents.c.id))
    return [_public(row) for row in rows]


async def keep_maintenance(connection: AsyncConnection, kept: Maintenance) -> None:
    window = kept.window
    values = {
        "title": window.title,
        "components": list(window.components),
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "ended_at": window.ended_at,
        "created_at": window.created_at,
        "updated_at": window.updated_at,
        "silence": kept.silence,
    }
    row = upsert(maintenances).values(id=window.id, **values)
    await connection.execute(row.on_conflict_do_update(index_elements=[maintenances.c.id], set_=values))


async def maintenance(connection: AsyncConnection, number: str) -> Maintenance | None:
    row = (await connection.execute(select(maintenances).where(maintenances.c.id == number))).one_or_none()
    return None if row is None else _maintenance(row)


async def newest_maintenances(connection: AsyncConnection, limit: int) -> Sequence[Maintenance]:
    """The latest to begin first."""
    wanted = select(maintenances).order_by(maintenances.c.starts_at.desc(), maintenances.c.id).limit(limit)
    return [_maintenance(row) for row in await connection.execute(wanted)]


async def add_post(connection: AsyncConnection, post: Post) -> bool:
    """False where there is one of that key already."""
    row = upsert(posts).values(
        id=post.id,
        about=post.about,
        at=post.at,
        status=post.status,
        body=post.body,
        by=post.by,
        key=post.key,
        affected=[[each.name, each.before.value, each.after.value] for each in post.affected],
    )
    written = await connection.execute(row.on_conflict_do_nothing().returning(posts.c.id))
    return written.scalar_one_or_none() is not None


async def post_of(connection: AsyncConnection, about: str, key: str) -> Post | None:
    row = (await connection.execute(select(posts).where(posts.c.about == about, posts.c.key == key))).one_or_none()
    return None if row is None else _post(row)


async def posts_about(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Post]]:
    """By what they are about, the newest first."""
    found: dict[str, list[Post]] = {}
    wanted = select(posts).where(posts.c.about.in_(ids)).order_by(posts.c.at.desc(), posts.c.number.desc())
    for row in await connection.execute(wanted):
        found.setdefault(row.about, []).append(_post(row))
    return found


def _hold(row: Row[Any]) -> Hold:
    return Hold(
        component=row.component,
        standing=Standing(row.standing),
        at=row.at,
        by=row.by,
        why=row.why,
        until=row.until,
        incident=row.incident,
    )


def _public(row: Row[Any]) -> PublicIncident:
    return PublicIncident(
        id=row.id,
        incident=row.incident,
        title=row.title,
        impact=Impact(row.impact),
        status=PostStatus(row.status),
        components=tuple(row.components),
        created_at=row.created_at,
        updated_at=row.updated_at,
        monitoring_at=row.monitoring_at,
        resolved_at=row.resolved_at,
        seen=Moment(row.seen),
    )


def _maintenance(row: Row[Any]) -> Maintenance:
    window = Window(
        id=row.id,
        title=row.title,
        components=tuple(row.components),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        ended_at=row.ended_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
    return Maintenance(window=window, silence=row.silence)


def _post(row: Row[Any]) -> Post:
    return Post(
        id=row.id,
        about=row.about,
        at=row.at,
        status=row.status,
        body=row.body,
        by=row.by,
        key=row.key,
        affected=tuple(
            Affected(name=name, before=Standing(before), after=Standing(after)) for name, before, after in row.affected
        ),
    )
