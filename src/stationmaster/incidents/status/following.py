"""Reads how far incidents are that the public was told of."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.life import Status
from stationmaster.incidents.status.automatic import Told
from stationmaster.incidents.status.neutral import Moment
from stationmaster.incidents.status.posting import moment_of
from stationmaster.incidents.status.store import public_incidents
from stationmaster.incidents.status.words import PostStatus
from stationmaster.incidents.store import incidents


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    incident: int
    told: PostStatus
    seen: Moment
    now_at: Moment
    components: frozenset[str]


async def told(connection: AsyncConnection) -> Told:
    rows = (await connection.execute(select(public_incidents))).all()
    open_ = [row.components for row in rows if row.resolved_at is None]
    return Told(
        incidents=frozenset(row.incident for row in rows),
        components=frozenset(name for names in open_ for name in names),
    )


async def followed(connection: AsyncConnection, limit: int) -> Sequence[Followed]:
    """Those that are at another moment than the platform has dealt with, the newest first."""
    wanted = (
        select(public_incidents, incidents.c.status.label("stands"))
        .join(incidents, incidents.c.number == public_incidents.c.incident)
        .order_by(public_incidents.c.created_at.desc())
        .limit(limit)
    )
    found = [
        Followed(
            incident=row.incident,
            told=PostStatus(row.status),
            seen=Moment(row.seen),
            now_at=moment_of(Status(row.stands)),
            components=frozenset(row.components),
        )
        for row in await connection.execute(wanted)
    ]
    return [each for each in found if each.now_at is not each.seen]


async def left_open(connection: AsyncConnection) -> tuple[int, ...]:
    """Numbers of incidents that are over, of which the public was not told so."""
    wanted = (
        select(incidents.c.number)
        .join(public_incidents, incidents.c.number == public_incidents.c.incident)
        .where(public_incidents.c.resolved_at.is_(None))
        .where(incidents.c.status.in_([each.value for each in Status if each.is_over]))
        .order_by(incidents.c.number)
    )
    return tuple((await connection.execute(wanted)).scalars())
