"""Requests for a yes, as rows: what exactly is asked, until when, and what was answered by whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Row, String, Table, Text, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.runtime.db import Instant, metadata

approvals = Table(
    "run_approval",
    metadata,
    Column("run", String(64), ForeignKey("run.id"), primary_key=True),
    Column("step", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("incident", Integer, nullable=False),
    Column("runbook", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("risk", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("people", Integer, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("allowed", Boolean),
    Column("answered_at", Instant),
    Column("by", Text, nullable=False, default=""),
    Column("said", Text, nullable=False, default=""),
    Index("ix_run_approval_open", "answered_at", "expires_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """`number` counts the askings of a step from 1; `people` is how many different people have to say yes, `by` who
    has so far. `allowed` is None while it is open."""

    run: str
    step: str
    number: int
    incident: int
    runbook: str
    title: str
    command: str
    risk: str
    why: str
    digest: str
    people: int
    asked_at: datetime
    expires_at: datetime
    allowed: bool | None = None
    answered_at: datetime | None = None
    by: tuple[str, ...] = ()
    said: str = ""


async def latest(connection: AsyncConnection, run: str, step: str) -> Approval | None:
    wanted = select(approvals).where(approvals.c.run == run, approvals.c.step == step)
    row = (await connection.execute(wanted.order_by(approvals.c.number.desc()).limit(1))).one_or_none()
    return None if row is None else _approval(row)


async def write(connection: AsyncConnection, asked: Approval) -> None:
    """What stands there of that number is taken over."""
    values = {
        "run": asked.run,
        "step": asked.step,
        "number": asked.number,
        "incident": asked.incident,
        "runbook": asked.runbook,
        "title": asked.title,
        "command": asked.command,
        "risk": asked.risk,
        "why": asked.why,
        "digest": asked.digest,
        "people": asked.people,
        "asked_at": asked.asked_at,
        "expires_at": asked.expires_at,
        "allowed": asked.allowed,
        "answered_at": asked.answered_at,
        "by": "\n".join(asked.by),
        "said": asked.said,
    }
    row = upsert(approvals).values(**values)
    keys = [approvals.c.run, approvals.c.step, approvals.c.number]
    await connection.execute(row.on_conflict_do_update(index_elements=keys, set_=values))


async def open_ones(connection: AsyncConnection, now: datetime, *, incident: int | None = None) -> Sequence[Approval]:
    """Those that can still be answered, the oldest first."""
    chosen = [approvals.c.answered_at.is_(None), approvals.c.expires_at > now]
    chosen += [] if incident is None else [approvals.c.incident == incident]
    rows = await connection.execute(select(approvals).where(*chosen).order_by(approvals.c.asked_at))
    return [_approval(row) for row in rows]


async def of_incident(connection: AsyncConnection, incident: int) -> Sequence[Approval]:
    rows = await connection.execute(
        select(approvals).where(approvals.c.incident == incident).order_by(approvals.c.asked_at)
    )
    return [_approval(row) for row in rows]


def _approval(row: Row[Any]) -> Approval:
    values = dict(row._mapping)
    return Approval(**{**values, "by": tuple(filter(None, values["by"].split("\n")))})
