"""Tasks that an incident leaves behind and the reminders of them, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
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
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Contact
from stationmaster.runtime.db import Instant, metadata

tasks = Table(
    "review_task",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.number"), nullable=False, index=True),
    Column("key", String(100), nullable=False),
    Column("text", Text, nullable=False),
    Column("list", Text, nullable=False),
    Column("owner", String(255), nullable=False),
    Column("source", String(255), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("done_by", String(255), nullable=False),
    UniqueConstraint("incident", "key"),
    Index("ix_review_task_done_at_due_at", "done_at", "due_at"),
    sqlite_autoincrement=True,
)

reminders = Table(
    "review_reminder",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("task", ForeignKey("review_task.id"), nullable=False),
    Column("key", String(500), nullable=False),
    Column("occasion", String(16), nullable=False),
    Column("to", String(255), nullable=False),
    Column("contact", JSON, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("next_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_at", Instant),
    Column("ended_at", Instant),
    Column("detail", Text, nullable=False),
    UniqueConstraint("task", "key"),
)


class State(Enum):
    """How a reminder stands. One that was being sent when the process ended is CUT_OFF and never sent again: the next
    one follows anyway."""

    OWED = "owed"
    CLAIMED = "claimed"
    SENT = "sent"
    FAILED = "failed"
    CUT_OFF = "cut off"
    NEEDLESS = "needless"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """`key` is unique within its incident: a task that stands there already is not written again."""

    key: str
    text: str
    due_at: datetime
    owner: str = ""
    list: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`source` is the runbook that wants it, who added it, or empty for one of the platform's own."""

    id: int
    incident: int
    key: str
    text: str
    list: str
    owner: str
    source: str
    created_at: datetime
    due_at: datetime
    done_at: datetime | None
    done_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReminder:
    task: int
    key: str
    occasion: str
    to: str
    contact: Contact
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminder:
    id: int
    task: int
    key: str
    occasion: str
    """soon, due or late."""
    to: str
    contact: Contact
    state: State
    next_at: datetime
    attempts: int
    claimed_at: datetime | None
    detail: str


async def add(connection: AsyncConnection, incident: int, new: NewTask, *, at: datetime) -> None:
    row = upsert(tasks).values(
        incident=incident,
        key=new.key,
        text=new.text,
        list=new.list,
        owner=new.owner,
        source=new.source,
        created_at=at,
        due_at=new.due_at,
        done_by="",
    )
    await connection.execute(row.on_conflict_do_nothing())


async def task(connection: AsyncConnection, number: int) -> Task:
    """Raises PlatformError `unknown-task`."""
    row = (await connection.execute(select(tasks).where(tasks.c.id == number))).one_or_none()
    if row is None:
        hint = "`review tasks` lists them"
        raise PlatformError("unknown-task", f"there is no task {number}", hint=hint, status=404)
    return _task(row)


async def by_key(connection: AsyncConnection, incident: int, key: str) -> Task | None:
    wanted = select(tasks).where(tasks.c.incident == incident, tasks.c.key == key)
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else _task(row)


async def of_incident(connection: AsyncConnection, incident: int) -> Sequence[Task]:
    wanted = select(tasks).where(tasks.c.incident == incident).order_by(tasks.c.due_at, tasks.c.id)
    return [_task(row) for row in await connection.execute(wanted)]


async def find(
    connection: AsyncConnection, *, owner: str = "", done: bool | None = None, limit: int = 1000
) -> Sequence[Task]:
    """By the moment at which they are due; `done` None asks for both."""
    wanted = select(tasks).order_by(tasks.c.due_at, tasks.c.id).limit(limit)
    wanted = wanted.where(tasks.c.owner == owner) if owner else wanted
    if done is not None:
        wanted = wanted.where(tasks.c.done_at.is_not(None) if done else tasks.c.done_at.is_(None))
    return [_task(row) for row in await connection.execute(wanted)]


async def change(connection: AsyncConnection, number: int, **values: Any) -> None:
    await connection.execute(update(tasks).where(tasks.c.id == number).values(**values))


async def remind(connection: AsyncConnection, new: NewReminder) -> None:
    """Written down once: a reminder that stands there already stays as it is."""
    row = upsert(reminders).values(
        task=new.task,
        key=new.key,
        occasion=new.occasion,
        to=new.to,
        contact=msgspec.to_builtins(new.contact, enc_hook=str),
        state=State.OWED.value,
        next_at=new.at,
        attempts=0,
        detail="",
    )
    await connection.execute(row.on_conflict_do_nothing())


async def reminder_keys(connection: AsyncConnection, numbers: Sequence[int]) -> frozenset[tuple[int, str]]:
    """Of these tasks, what stands written, by task and key."""
    wanted = select(reminders.c.task, reminders.c.key).where(reminders.c.task.in_(numbers))
    return frozenset((row.task, row.key) for row in await connection.execute(wanted))


async def reminders_in(connection: AsyncConnection, state: State) -> Sequence[Reminder]:
    wanted = select(reminders).where(reminders.c.state == state.value).order_by(reminders.c.next_at, reminders.c.id)
    return [_reminder(row) for row in await connection.execute(wanted)]


async def reminders_of(connection: AsyncConnection, number: int) -> Sequence[Reminder]:
    wanted = select(reminders).where(reminders.c.task == number).order_by(reminders.c.id)
    return [_reminder(row) for row in await connection.execute(wanted)]


async def change_reminders(connection: AsyncConnection, ids: Sequence[int], **values: Any) -> None:
    if ids:
        await connection.execute(update(reminders).where(reminders.c.id.in_(ids)).values(**values))


def _task(row: Row[Any]) -> Task:
    return Task(
        id=row.id,
        incident=row.incident,
        key=row.key,
        text=row.text,
        list=row._mapping["list"],
        owner=row.owner,
        source=row.source,
        created_at=row.created_at,
        due_at=row.due_at,
        done_at=row.done_at,
        done_by=row.done_by,
    )


def _reminder(row: Row[Any]) -> Reminder:
    return Reminder(
        id=row.id,
        task=row.task,
        key=row.key,
        occasion=row.occasion,
        to=row._mapping["to"],
        contact=msgspec.convert(row.contact, Contact, dec_hook=lambda kind, value: kind(value)),
        state=State(row.state),
        next_at=row.next_at,
        attempts=row.attempts,
        claimed_at=row.claimed_at,
        detail=row.detail,
    )
