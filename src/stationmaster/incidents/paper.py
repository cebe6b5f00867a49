"""Pages and notices, as rows: written down when they come to be owed, claimed before they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Contact, PageTarget, TargetKind
from stationmaster.incidents.life import Status
from stationmaster.incidents.moves import levels
from stationmaster.incidents.pages import Page
from stationmaster.incidents.store import Incident, incidents
from stationmaster.runtime.db import Instant, metadata


class What(Enum):
    """What somebody is told of an incident."""

    PAGE = "page"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    OVERDUE = "overdue"
    UPDATE = "update"
    UPDATE_OWED = "update owed"
    APPROVAL = "approval"
    """A risky step of its runbook waits for a yes."""
    DIAGNOSIS = "diagnosis"
    """Its run has found out what is likely wrong, after somebody was paged."""


class State(Enum):
    OWED = "owed"
    """Also while it is tried again."""
    CLAIMED = "claimed"
    """It is being sent."""
    SENT = "sent"
    FAILED = "failed"
    NEEDLESS = "needless"
    """Somebody acknowledged, snoozed or ended the incident first."""


pages = Table(
    "page",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.number"), nullable=False),
    Column("key", String(500), nullable=False),
    Column("what", String(16), nullable=False),
    Column("chain", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("target_kind", String(16), nullable=False),
    Column("target_name", String(255), nullable=False),
    Column("contact", JSON, nullable=False),
    Column("reached_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("why", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("doubtful", Boolean, nullable=False),
    Column("tried_at", Instant),
    Column("claimed_at", Instant),
    Column("ended_at", Instant),
    Column("detail", Text, nullable=False),
    UniqueConstraint("incident", "key"),
    Index("ix_page_incident_state", "incident", "state"),
    Index("ix_page_state_due_at", "state", "due_at"),
)


_REACHES = (State.OWED, State.CLAIMED, State.SENT)
_WRITE = upsert(pages).on_conflict_do_nothing()
"""Made once: building a statement takes longer than SQLite needs for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One page or notice to one contact. `page.key` is unique within its incident; `next_at` is when it is tried
    (again); `doubtful`: it may have been sent before a crash."""

    id: int
    incident: int
    what: What
    chain: int
    page: Page
    state: State
    next_at: datetime
    attempts: int
    doubtful: bool
    tried_at: datetime | None
    claimed_at: datetime | None
    ended_at: datetime | None
    detail: str


async def write(connection: AsyncConnection, incident: Incident, what: What, page: Page) -> None:
    """A page that stands there already stays as it is."""
    row = {
        "incident": incident.number,
        "key": f"{incident.chain}/{page.key}",
        "what": what.value,
        "chain": incident.chain,
        "round": page.round,
        "level": page.level,
        "target_kind": page.to.kind.value,
        "target_name": page.to.name,
        "contact": msgspec.to_builtins(page.contact, enc_hook=str),
        "reached_at": page.reached_at,
        "due_at": page.due_at,
        "why": page.why,
        "state": State.OWED.value,
        "next_at": page.due_at,
        "attempts": 0,
        "doubtful": False,
        "detail": "",
    }
    await connection.execute(_WRITE, row)


async def owed_of(connection: AsyncConnection, number: int) -> Sequence[Owed]:
    """What is still to be sent, by its moment."""
    wanted = select(pages).where(pages.c.incident == number, pages.c.state == State.OWED.value)
    return [_owed(row) for row in await connection.execute(wanted.order_by(pages.c.next_at, pages.c.id))]


async def all_of(connection: AsyncConnection, number: int) -> Sequence[Owed]:
    wanted = select(pages).where(pages.c.incident == number).order_by(pages.c.due_at, pages.c.id)
    return [_owed(row) for row in await connection.execute(wanted)]


async def claimed(connection: AsyncConnection) -> Sequence[Owed]:
    """What is being sent."""
    wanted = select(pages).where(pages.c.state == State.CLAIMED.value).order_by(pages.c.claimed_at, pages.c.id)
    return [_owed(row) for row in await connection.execute(wanted)]


async def count_due(connection: AsyncConnection, now: datetime) -> int:
    """How many were due by then and are not sent."""
    unsent = pages.c.state.in_([State.OWED.value, State.CLAIMED.value])
    wanted = select(func.count()).select_from(pages).where(unsent, pages.c.next_at <= now)
    return int((await connection.execute(wanted)).scalar_one())


async def overdue(connection: AsyncConnection, before: datetime, limit: int) -> Sequence[Owed]:
    """Pages that were due before that moment and are not sent, the longest due first."""
    unsent = pages.c.state.in_([State.OWED.value, State.CLAIMED.value])
    wanted = select(pages).where(unsent, pages.c.what == What.PAGE.value, pages.c.due_at < before)
    return [_owed(row) for row in await connection.execute(wanted.order_by(pages.c.due_at).limit(limit))]


async def unreached(connection: AsyncConnection, before: datetime, limit: int) -> tuple[int, ...]:
    """Incidents that nobody has acknowledged, whose chain reached a level before that moment, and about which nobody
    was or will be paged: each level leads to nobody, or every sending was given up."""
    chain = (incidents.c.number, incidents.c.chain)
    waits = select(levels.c.at).where(levels.c.incident == chain[0], levels.c.chain == chain[1], levels.c.at < before)
    of_chain = (pages.c.incident == chain[0], pages.c.chain == chain[1], pages.c.what == What.PAGE.value)
    told = select(pages.c.id).where(*of_chain, pages.c.state.in_([each.value for each in _REACHES]))
    lost = (incidents.c.status == Status.TRIGGERED.value, incidents.c.merged_into.is_(None), waits.exists())
    wanted = select(incidents.c.number).where(*lost, ~told.exists()).order_by(incidents.c.number).limit(limit)
    return tuple((await connection.execute(wanted)).scalars())


async def change(connection: AsyncConnection, ids: Sequence[int], **values: Any) -> None:
    if ids:
        await connection.execute(update(pages).where(pages.c.id.in_(ids)).values(**values))


async def claim(connection: AsyncConnection, ids: Sequence[int], now: datetime) -> None:
    tried_at = func.coalesce(pages.c.tried_at, now.timestamp())
    values = {"claimed_at": now, "attempts": pages.c.attempts + 1, "tried_at": tried_at}
    await change(connection, ids, state=State.CLAIMED.value, **values)


async def latest(connection: AsyncConnection) -> datetime | None:
    """The last moment at which anything was claimed or ended."""
    row = (await connection.execute(select(func.max(pages.c.claimed_at), func.max(pages.c.ended_at)))).one()
    return max((each for each in row if each is not None), default=None)


def _owed(row: Row[Any]) -> Owed:
    page = Page(
        key=row.key,
        level=row.level,
        round=row.round,
        to=PageTarget(kind=TargetKind(row.target_kind), name=row.target_name),
        contact=msgspec.convert(row.contact, Contact, dec_hook=lambda kind, value: kind(value)),
        due_at=row.due_at,
        reached_at=row.reached_at,
        why=row.why,
    )
    return Owed(
        id=row.id,
        incident=row.incident,
        what=What(row.what),
        chain=row.chain,
        page=page,
        state=State(row.state),
        next_at=row.next_at,
        attempts=row.attempts,
        doubtful=row.doubtful,
        tried_at=row.tried_at,
        claimed_at=row.claimed_at,
        ended_at=row.ended_at,
        detail=row.detail,
    )
