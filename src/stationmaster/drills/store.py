"""Faults that were injected, as rows: each stands here before it is made, and until it is taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, Index, Row, String, Table, Text, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.drills import Fault
from stationmaster.runtime.db import Instant, metadata

faults = Table(
    "fault",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("drill", String(100), nullable=False),
    Column("of", String(255), nullable=False),
    Column("fault", JSON, nullable=False),
    Column("by", String(255), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("undone_at", Instant),
    Column("detail", Text, nullable=False, default=""),
    Index("ix_fault_undone_at", "undone_at"),
)

reports = Table(
    "drill_report",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("drill", String(100), nullable=False, index=True),
    Column("runbook", String(255), nullable=False, default=""),
    Column("by", String(255), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False, index=True),
    Column("passed", String(8), nullable=False),
    Column("body", JSON, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A fault of a drill; `detail` says what came of taking it back."""

    id: str
    drill: str
    fault: Fault
    by: str
    began_at: datetime
    ends_at: datetime
    undone_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A drill that was run; `body` is its report as JSON."""

    id: str
    drill: str
    runbook: str
    by: str
    began_at: datetime
    ended_at: datetime
    passed: bool
    body: dict[str, Any]


async def write(connection: AsyncConnection, injected: Injected) -> None:
    row = upsert(faults).values(
        id=injected.id,
        drill=injected.drill,
        of=injected.fault.of,
        fault=msgspec.to_builtins(injected.fault),
        by=injected.by,
        began_at=injected.began_at,
        ends_at=injected.ends_at,
        undone_at=injected.undone_at,
        detail=injected.detail,
    )
    fresh = {name: row.excluded[name] for name in ("undone_at", "detail")}
    await connection.execute(row.on_conflict_do_update(index_elements=[faults.c.id], set_=fresh))


async def end(connection: AsyncConnection, number: str, at: datetime, detail: str) -> None:
    open_now = (faults.c.id == number, faults.c.undone_at.is_(None))
    await connection.execute(update(faults).where(*open_now).values(undone_at=at, detail=detail))


async def standing(connection: AsyncConnection) -> Sequence[Injected]:
    """What has not been taken back, the oldest first."""
    rows = await connection.execute(select(faults).where(faults.c.undone_at.is_(None)).order_by(faults.c.began_at))
    return [_injected(row) for row in rows]


async def latest(connection: AsyncConnection, limit: int) -> Sequence[Injected]:
    rows = await connection.execute(select(faults).order_by(faults.c.began_at.desc()).limit(limit))
    return [_injected(row) for row in rows]


async def report(connection: AsyncConnection, made: Reported) -> None:
    values = {
        "id": made.id,
        "drill": made.drill,
        "runbook": made.runbook,
        "by": made.by,
        "began_at": made.began_at,
        "ended_at": made.ended_at,
        "passed": "yes" if made.passed else "no",
        "body": made.body,
    }
    await connection.execute(upsert(reports).values(**values).on_conflict_do_nothing())


async def reported(connection: AsyncConnection, *, drill: str = "", limit: int = 50) -> Sequence[Reported]:
    """The newest first."""
    wanted = select(reports).order_by(reports.c.ended_at.desc()).limit(limit)
    rows = await connection.execute(wanted.where(reports.c.drill == drill) if drill else wanted)
    return [_reported(row) for row in rows]


def _injected(row: Row[Any]) -> Injected:
    return Injected(
        id=row.id,
        drill=row.drill,
        fault=msgspec.convert(row.fault, Fault),
        by=row.by,
        began_at=row.began_at,
        ends_at=row.ends_at,
        undone_at=row.undone_at,
        detail=row.detail,
    )


def _reported(row: Row[Any]) -> Reported:
    return Reported(
        id=row.id,
        drill=row.drill,
        runbook=row.runbook,
        by=row.by,
        began_at=row.began_at,
        ended_at=row.ended_at,
        passed=row.passed == "yes",
        body=row.body,
    )
