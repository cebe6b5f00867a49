"""Subscribers of the page and what each is owed, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
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
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.status.store import Affected, Post
from stationmaster.incidents.status.words import Standing
from stationmaster.runtime.db import Instant, metadata

_ID = BigInteger().with_variant(Integer, "sqlite")

subscribers = Table(
    "status_subscriber",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("address", String(2_000), nullable=False),
    Column("components", JSON, nullable=False),
    Column("inner", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    Column("confirmed_at", Instant),
    Column("lost", Integer, nullable=False),
    UniqueConstraint("kind", "address"),
)

deliveries = Table(
    "status_delivery",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("subscriber", ForeignKey("status_subscriber.id", ondelete="CASCADE"), nullable=False),
    Column("what", String(16), nullable=False),
    Column("key", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("owed_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("ended_at", Instant, index=True),
    Column("detail", Text, nullable=False),
    UniqueConstraint("subscriber", "key"),
    Index("ix_status_delivery_state_next_at", "state", "next_at"),
)


class Way(Enum):
    EMAIL = "email"
    WEBHOOK = "webhook"


class What(Enum):
    CONFIRM = "confirm"
    """Somebody asks for messages to this address: is that meant?"""
    KNOWN = "known"
    """Somebody asks for what there is already."""
    POST = "post"
    COMPONENT = "component"
    """A component stands otherwise; webhooks alone are told."""


class State(Enum):
    OWED = "owed"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """`components` empty: all. `inner`: somebody of the platform added it, so that it may lie in a private network."""

    id: str
    way: Way
    address: str
    created_at: datetime
    components: tuple[str, ...] = ()
    inner: bool = False
    confirmed_at: datetime | None = None
    lost: int = 0
    """Messages in a row that could not be delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    id: int
    subscriber: Subscriber
    what: What
    key: str
    attempts: int
    owed_at: datetime
    body: dict[str, Any] = field(default_factory=dict)


async def find(connection: AsyncConnection, way: Way, address: str) -> Subscriber | None:
    wanted = select(subscribers).where(subscribers.c.kind == way.value, subscribers.c.address == address)
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else _subscriber(row)


async def by_id(connection: AsyncConnection, number: str) -> Subscriber | None:
    row = (await connection.execute(select(subscribers).where(subscribers.c.id == number))).one_or_none()
    return None if row is None else _subscriber(row)


async def everybody(connection: AsyncConnection, limit: int = 1_000) -> Sequence[Subscriber]:
    rows = await connection.execute(select(subscribers).order_by(subscribers.c.created_at).limit(limit))
    return [_subscriber(row) for row in rows]


async def count(connection: AsyncConnection, *, confirmed: bool) -> int:
    known = subscribers.c.confirmed_at.is_not(None) if confirmed else subscribers.c.confirmed_at.is_(None)
    found: int = (await connection.execute(select(func.count()).select_from(subscribers).where(known))).scalar_one()
    return found


async def keep(connection: AsyncConnection, kept: Subscriber) -> None:
    values = {
        "kind": kept.way.value,
        "address": kept.address,
        "components": list(kept.components),
        "inner": kept.inner,
        "created_at": kept.created_at,
        "confirmed_at": kept.confirmed_at,
        "lost": kept.lost,
    }
    row = upsert(subscribers).values(id=kept.id, **values)
    await connection.execute(row.on_conflict_do_update(index_elements=[subscribers.c.id], set_=values))


async def remove(connection: AsyncConnection, number: str) -> bool:
    """With everything that it is owed; says whether there was one."""
    await connection.execute(delete(deliveries).where(deliveries.c.subscriber == number))
    gone = delete(subscribers).where(subscribers.c.id == number).returning(subscribers.c.id)
    return (await connection.execute(gone)).scalar_one_or_none() is not None


async def forget(connection: AsyncConnection, *, unconfirmed_before: datetime, ended_before: datetime) -> None:
    old = select(subscribers.c.id).where(
        subscribers.c.confirmed_at.is_(None), subscribers.c.created_at < unconfirmed_before
    )
    await connection.execute(delete(deliveries).where(deliveries.c.subscriber.in_(old)))
    await connection.execute(delete(subscribers).where(subscribers.c.id.in_(old.scalar_subquery())))
    await connection.execute(delete(deliveries).where(deliveries.c.ended_at < ended_before))


async def owe(
    connection: AsyncConnection, numbers: Sequence[str], what: What, key: str, at: datetime, **body: Any
) -> None:
    """Each of these subscribers gets it once, however often it is owed under that key."""
    rows = [
        {
            "subscriber": number,
            "what": what.value,
            "key": key,
            "body": body,
            "state": State.OWED.value,
            "attempts": 0,
            "owed_at": at,
            "next_at": at,
            "detail": "",
        }
        for number in numbers
    ]
    if rows:
        await connection.execute(upsert(deliveries).on_conflict_do_nothing(), rows)


async def owe_post(connection: AsyncConnection, post: Post, components: Sequence[str], at: datetime) -> None:
    """Everybody who is confirmed and wants to hear of one of these components."""
    wanted = [
        each.id
        for each in await _confirmed(connection)
        if not each.components or set(each.components) & set(components)
    ]
    await owe(connection, wanted, What.POST, post.id, at, post=post.id, about=post.about)


async def owe_change(connection: AsyncConnection, changed: Affected, key: str, at: datetime) -> None:
    wanted = [
        each.id
        for each in await _confirmed(connection)
        if each.way is Way.WEBHOOK and (not each.components or changed.name in each.components)
    ]
    told = {"name": changed.name, "before": changed.before.value, "after": changed.after.value}
    await owe(connection, wanted, What.COMPONENT, key, at, **told)


def affected_of(delivery: Delivery) -> Affected:
    body = delivery.body
    return Affected(name=body["name"], before=Standing(body["before"]), after=Standing(body["after"]))


async def _confirmed(connection: AsyncConnection) -> Sequence[Subscriber]:
    rows = await connection.execute(select(subscribers).where(subscribers.c.confirmed_at.is_not(None)))
    return [_subscriber(row) for row in rows]


async def last_owed(connection: AsyncConnection, number: str, *whats: What) -> datetime | None:
    wanted = select(func.max(deliveries.c.owed_at)).where(
        deliveries.c.subscriber == number, deliveries.c.what.in_([each.value for each in whats])
    )
    found: datetime | None = (await connection.execute(wanted)).scalar_one_or_none()
    return found


async def due(
    connection: AsyncConnection, way: Way, now: datetime, *, limit: int, without: Sequence[str] = ()
) -> Sequence[int]:
    """What may be sent now, besides to these subscribers; the longest due first."""
    wanted = (
        select(deliveries.c.id)
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber)
        .where(*_unsent(way, State.OWED), deliveries.c.next_at <= now, subscribers.c.id.not_in(without))
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(limit)
    )
    return list((await connection.execute(wanted)).scalars())


async def next_due(connection: AsyncConnection, way: Way) -> datetime | None:
    joined = deliveries.join(subscribers, subscribers.c.id == deliveries.c.subscriber)
    wanted = select(func.min(deliveries.c.next_at)).select_from(joined).where(*_unsent(way, State.OWED))
    found: datetime | None = (await connection.execute(wanted)).scalar_one_or_none()
    return found


async def count_due(connection: AsyncConnection, way: Way, now: datetime) -> int:
    """How many were due by then and are not sent."""
    joined = deliveries.join(subscribers, subscribers.c.id == deliveries.c.subscriber)
    late = (*_unsent(way, State.OWED, State.CLAIMED), deliveries.c.next_at <= now)
    return int((await connection.execute(select(func.count()).select_from(joined).where(*late))).scalar_one())


async def claim(connection: AsyncConnection, numbers: Sequence[int]) -> Sequence[Delivery]:
    """Marks them as being sent: with the attempt that begins."""
    owed = deliveries.c.id.in_(numbers), deliveries.c.state == State.OWED.value
    marked = update(deliveries).where(*owed).values(state=State.CLAIMED.value, attempts=deliveries.c.attempts + 1)
    taken = (await connection.execute(marked.returning(deliveries.c.id))).scalars().all()
    return await _found(connection, deliveries.c.id.in_(taken))


async def claimed(connection: AsyncConnection, way: Way) -> Sequence[Delivery]:
    """What is being sent."""
    return await _found(connection, *_unsent(way, State.CLAIMED))


def _unsent(way: Way, *states: State) -> tuple[ColumnElement[bool], ...]:
    return subscribers.c.kind == way.value, deliveries.c.state.in_([each.value for each in states])


async def _found(connection: AsyncConnection, *which: ColumnElement[bool]) -> Sequence[Delivery]:
    wanted = (
        select(deliveries, *(each.label(f"to_{each.name}") for each in subscribers.c))
        .join(subscribers, subscribers.c.id == deliveries.c.subscriber)
        .where(*which)
        .order_by(deliveries.c.next_at, deliveries.c.id)
    )
    return [_delivery(row) for row in await connection.execute(wanted)]


async def end(connection: AsyncConnection, number: int, state: State, now: datetime, detail: str) -> None:
    await _set(connection, [number], state=state.value, ended_at=now, detail=detail)


async def again(connection: AsyncConnection, number: int, at: datetime, detail: str) -> None:
    await _set(connection, [number], state=State.OWED.value, next_at=at, detail=detail)


async def set_lost(connection: AsyncConnection, number: str, lost: int) -> None:
    await connection.execute(update(subscribers).where(subscribers.c.id == number).values(lost=lost))


async def add_lost(connection: AsyncConnection, number: str) -> int:
    """One more in a row that was given up; says how many that are."""
    more = update(subscribers).where(subscribers.c.id == number).values(lost=subscribers.c.lost + 1)
    return (await connection.execute(more.returning(subscribers.c.lost))).scalar_one_or_none() or 0


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """Deliveries by their state."""
    rows = await connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state))
    return {row[0]: row[1] for row in rows}


async def _set(connection: AsyncConnection, numbers: Sequence[int], **values: Any) -> None:
    if numbers:
        await connection.execute(update(deliveries).where(deliveries.c.id.in_(numbers)).values(**values))


def _subscriber(row: Row[Any], prefix: str = "") -> Subscriber:
    found = row._mapping
    return Subscriber(
        id=found[f"{prefix}id"],
        way=Way(found[f"{prefix}kind"]),
        address=found[f"{prefix}address"],
        created_at=found[f"{prefix}created_at"],
        components=tuple(found[f"{prefix}components"]),
        inner=found[f"{prefix}inner"],
        confirmed_at=found[f"{prefix}confirmed_at"],
        lost=found[f"{prefix}lost"],
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        subscriber=_subscriber(row, "to_"),
        what=What(row.what),
        key=row.key,
        attempts=row.attempts,
        owed_at=row.owed_at,
        body=row.body,
    )
