"""Overrides of schedules, generations of calendar links, and gaps that were told of, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override, ResponderName, ScheduleName
from stationmaster.runtime.db import Instant, metadata

overrides = Table(
    "oncall_override",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("schedule", String(255), nullable=False),
    Column("responder", String(255), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", String(255), nullable=False),
    Column("ended_why", String(16), nullable=False),
    Column("uid", String(255), nullable=False),
    Column("instance", String(32), nullable=False),
    Index("ix_oncall_override_schedule_ends_at", "schedule", "ends_at"),
    Index("ix_oncall_override_uid", "uid"),
    sqlite_autoincrement=True,
)

calendars = Table(
    "oncall_calendar",
    metadata,
    Column("subject", String(300), primary_key=True),
    Column("generation", Integer, nullable=False),
)

gaps = Table(
    "oncall_gap",
    metadata,
    Column("schedules", String(1000), primary_key=True),
    Column("starts_at", Instant, primary_key=True),
    Column("ends_at", Instant, nullable=False),
    Column("told_at", Instant, nullable=False),
)

notices = Table(
    "oncall_notice",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("channel", String(255), nullable=False),
    Column("schedules", String(1000), nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("doubtful", Boolean, nullable=False),
    Column("ended_at", Instant),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)

BY_HAND, BY_CALENDAR = "by hand", "calendar"
"""Why an override was ended: somebody did it, or the calendar that it came from says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOverride:
    """`number` 0 is one that is not written yet. `uid` names the event of a calendar that it was imported from, and
    `instance` which one of those that recur."""

    number: int = 0
    schedule: ScheduleName
    responder: ResponderName
    starts_at: datetime
    ends_at: datetime
    by: str
    reason: str = ""
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""
    uid: str = ""
    instance: str = ""

    @property
    def until(self) -> datetime:
        """When it stops to count; not after `starts_at` where it never counted."""
        return self.ends_at if self.ended_at is None else min(self.ends_at, self.ended_at)

    def counting(self) -> Override | None:
        """None where it was ended before it began."""
        if self.until <= self.starts_at:
            return None
        return Override(
            number=self.number,
            schedule=self.schedule,
            responder=self.responder,
            starts_at=self.starts_at,
            ends_at=self.until,
            by=self.by,
        )


async def add(connection: AsyncConnection, kept: KeptOverride) -> int:
    values = {name: getattr(kept, name) for name in overrides.c.keys() if name != "number"}  # noqa: SIM118 no dict
    row = insert(overrides).values(**values).returning(overrides.c.number)
    number: int = (await connection.execute(row)).scalar_one()
    return number


async def end(connection: AsyncConnection, number: int, *, at: datetime, by: str, why: str) -> None:
    row = update(overrides).where(overrides.c.number == number)
    await connection.execute(row.values(ended_at=at, ended_by=by, ended_why=why))


async def known(connection: AsyncConnection, number: int) -> KeptOverride:
    """Raises PlatformError `unknown-override`."""
    row = (await connection.execute(select(overrides).where(overrides.c.number == number))).one_or_none()
    if row is None:
        hint = "`oncall override list` shows them"
        raise PlatformError("unknown-override", f"there is no override {number}", hint=hint, status=404)
    return _kept(row)


async def counting_after(connection: AsyncConnection, moment: datetime) -> Sequence[KeptOverride]:
    """Those that count, or counted, later than that, by their beginning."""
    until = func.coalesce(overrides.c.ended_at, overrides.c.ends_at)
    wanted = select(overrides).where(overrides.c.ends_at > moment, until > moment)
    rows = await connection.execute(wanted.order_by(overrides.c.starts_at, overrides.c.number))
    return [each for each in map(_kept, rows) if each.counting() is not None]


async def listed(connection: AsyncConnection, schedule: str, since: datetime, limit: int) -> Sequence[KeptOverride]:
    """Those that end after `since`, ended ones too, the newest first; `schedule` empty: of every schedule."""
    wanted = select(overrides).where(overrides.c.ends_at > since).order_by(overrides.c.number.desc()).limit(limit)
    wanted = wanted.where(overrides.c.schedule == schedule) if schedule else wanted
    return [_kept(row) for row in await connection.execute(wanted)]


async def of_calendar(connection: AsyncConnection, schedule: ScheduleName, since: datetime) -> Sequence[KeptOverride]:
    """Those that were imported and end after that moment, the newest first."""
    imported = (overrides.c.schedule == schedule, overrides.c.uid != "", overrides.c.ends_at > since)
    rows = await connection.execute(select(overrides).where(*imported).order_by(overrides.c.number.desc()))
    return [_kept(row) for row in rows]


async def generation(connection: AsyncConnection, subject: str) -> int:
    wanted = select(calendars.c.generation).where(calendars.c.subject == subject)
    return (await connection.execute(wanted)).scalar_one_or_none() or 1


async def raise_generation(connection: AsyncConnection, subject: str) -> int:
    number = await generation(connection, subject) + 1
    row = upsert(calendars).values(subject=subject, generation=number)
    changed = row.on_conflict_do_update(index_elements=[calendars.c.subject], set_={"generation": number})
    await connection.execute(changed)
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Nobody of these schedules, which are paged together, is on duty."""

    schedules: str
    starts_at: datetime
    ends_at: datetime


async def told_gaps(connection: AsyncConnection) -> Sequence[Gap]:
    rows = await connection.execute(select(gaps).order_by(gaps.c.schedules, gaps.c.starts_at))
    return [Gap(schedules=row.schedules, starts_at=row.starts_at, ends_at=row.ends_at) for row in rows]


async def tell_gap(connection: AsyncConnection, gap: Gap, at: datetime) -> None:
    """Notes that it was told; one that is known gets its new end."""
    values = {"schedules": gap.schedules, "starts_at": gap.starts_at, "ends_at": gap.ends_at, "told_at": at}
    row = upsert(gaps).values(**values)
    keys = [gaps.c.schedules, gaps.c.starts_at]
    await connection.execute(row.on_conflict_do_update(index_elements=keys, set_={"ends_at": gap.ends_at}))


async def forget_gap(connection: AsyncConnection, gap: Gap) -> None:
    """What was still to be told of it is needless now."""
    await connection.execute(delete(gaps).where(*_of_gap(gaps, gap)))
    owed = (*_of_gap(notices, gap), notices.c.state == NoticeState.OWED.value)
    await connection.execute(update(notices).where(*owed).values(state=NoticeState.NEEDLESS.value))


class NoticeState(Enum):
    OWED = "owed"
    CLAIMED = "claimed"
    """It is being sent."""
    SENT = "sent"
    FAILED = "failed"
    NEEDLESS = "needless"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A channel is to be told of a gap; `doubtful`: it may have been told before a crash."""

    id: int = 0
    channel: str
    schedules: str
    starts_at: datetime
    ends_at: datetime
    text: str
    created_at: datetime
    next_at: datetime | None = None
    """When it is tried (again); at once where nothing is said."""
    attempts: int = 0
    doubtful: bool = False


async def owe(connection: AsyncConnection, notice: Notice) -> None:
    values = {name: getattr(notice, name) for name in Notice.__slots__ if name != "id"}
    more = {"state": NoticeState.OWED.value, "next_at": notice.next_at or notice.created_at, "detail": ""}
    await connection.execute(insert(notices).values(**values | more))


async def notices_in(connection: AsyncConnection, *states: NoticeState) -> Sequence[Notice]:
    wanted = select(notices).where(notices.c.state.in_([each.value for each in states]))
    return [_notice(row) for row in await connection.execute(wanted.order_by(notices.c.next_at, notices.c.id))]


async def change_notice(connection: AsyncConnection, number: int, state: NoticeState, **values: Any) -> None:
    row = update(notices).where(notices.c.id == number)
    await connection.execute(row.values(state=state.value, **values))


def _of_gap(table: Table, gap: Gap) -> tuple[ColumnElement[bool], ...]:
    return table.c.schedules == gap.schedules, table.c.starts_at == gap.starts_at


def _notice(row: Row[Any]) -> Notice:
    return Notice(**{name: row._mapping[name] for name in Notice.__slots__})


def _kept(row: Row[Any]) -> KeptOverride:
    return KeptOverride(**row._mapping)
