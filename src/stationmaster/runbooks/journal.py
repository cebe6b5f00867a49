"""The journal of a run that somebody works: events in order, values that were given, all in one write with a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, Text, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Fact
from stationmaster.runbooks import store
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.run import Entry
from stationmaster.runbooks.talk import (
    OutputSeen,
    RunEvent,
    RunFinished,
    RunOpened,
    StepBegan,
    StepEnded,
    Waiting,
)
from stationmaster.runtime.db import Instant, metadata

events = Table(
    "run_event",
    metadata,
    Column("run", String(64), ForeignKey("run.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("step", String(64), nullable=False, default="", server_default=""),
    Column("body", JSON, nullable=False),
)

values = Table(
    "run_value",
    metadata,
    Column("run", String(64), ForeignKey("run.id"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)

TABLES = (store.runs, store.steps, events, values)
_KINDS: Mapping[str, type[Any]] = {
    each.__name__: each for each in (StepBegan, OutputSeen, StepEnded, Waiting, RunFinished)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is written before a change: what exactly is to run, who allowed it until when, and whether its verification
    would have passed already before it (None when there is none, or it was not to be had)."""

    at: datetime
    step: str
    command: str
    digest: str
    marker: str
    rollback: str = ""
    """A digest of what takes it back, which the same yes covers."""
    by: str = ""
    code: str = ""
    approved_at: datetime | None = None
    """When the yes was given; a crash and its resumption do not make it last any longer."""
    expires_at: datetime | None = None
    passed_before: bool | None = None


@dataclass(slots=True, kw_only=True)
class Write:
    """What goes into the journal together: all of it or nothing. A step that `begins` and `ends` in one write is one
    whose beginning need not outlive a crash, because doing it again does no harm."""

    begins: PlannedStep | None = None
    began_at: datetime | None = None
    ends: tuple[PlannedStep, Verdict, str] | None = None
    looked: tuple[PlannedStep, str] | None = None
    reopens: PlannedStep | None = None
    events: list[RunEvent | Intent] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    """What others are told of it in the same transaction."""


async def write(connection: AsyncConnection, run: str, what: Write, *, number: int, at: datetime) -> None:
    """`number` is that of the first event."""
    if what.begins is not None:
        row: dict[str, Any] = {"run": run, "key": what.begins.key, "started_at": what.began_at or at, "tried_at": at}
        row |= {"idempotency_key": store.idempotency_key(run, what.begins), "attempts": 0}
        if what.ends is not None:
            _, verdict, why = what.ends
            row |= {"ended_at": at, "verdict": verdict.value, "detail": why, "attempts": 1}
        await connection.execute(insert(store.steps), [row])
    if what.reopens is not None:
        gone = delete(store.steps).where(store.steps.c.run == run, store.steps.c.key == what.reopens.key)
        await connection.execute(gone)
    if what.looked is not None:
        step, why = what.looked
        counted = update(store.steps).where(store.steps.c.run == run, store.steps.c.key == step.key)
        await connection.execute(counted.values(tried_at=at, attempts=store.steps.c.attempts + 1, detail=why))
    if what.ends is not None and what.begins is None:
        step, verdict, why = what.ends
        ended = update(store.steps).where(store.steps.c.run == run, store.steps.c.key == step.key)
        counted = ended.values(ended_at=at, verdict=verdict.value, detail=why, attempts=store.steps.c.attempts + 1)
        await connection.execute(counted)
    if what.events:
        rows = [_row(run, number + place, event) for place, event in enumerate(what.events)]
        await connection.execute(insert(events), rows)
    for name, value in what.values.items():
        await connection.execute(delete(values).where(values.c.run == run, values.c.name == name))
        await connection.execute(insert(values).values(run=run, name=name, value=value))


def _row(run: str, number: int, event: RunEvent | Intent) -> dict[str, Any]:
    body: Any = {"resumed": event.resumed} if isinstance(event, RunOpened) else msgspec.to_builtins(event)
    step = "" if isinstance(event, RunOpened | RunFinished) else event.step
    return {"run": run, "number": number, "at": event.at, "kind": type(event).__name__, "step": step, "body": body}


async def story(connection: AsyncConnection, run: str, plan: Plan) -> tuple[RunEvent, ...]:
    rows = await connection.execute(select(events).where(events.c.run == run).order_by(events.c.number))
    found: list[RunEvent] = []
    for row in rows:
        if row.kind == RunOpened.__name__:
            found.append(RunOpened(at=row.at, run=run, plan=plan, resumed=bool(row.body.get("resumed"))))
        elif (kind := _KINDS.get(row.kind)) is not None:
            found.append(msgspec.convert(row.body, kind))
    return tuple(found)


async def intents(connection: AsyncConnection, run: str) -> dict[str, Intent]:
    """The last intent of every step."""
    wanted = select(events).where(events.c.run == run, events.c.kind == Intent.__name__).order_by(events.c.number)
    return {row.step: msgspec.convert(row.body, Intent) for row in await connection.execute(wanted)}


async def codes(connection: AsyncConnection) -> frozenset[str]:
    """Every code of a second person that was ever used in this journal."""
    rows = await connection.execute(select(events.c.body).where(events.c.kind == Intent.__name__))
    return frozenset(code for row in rows if (code := row.body.get("code")))


async def given(connection: AsyncConnection, run: str) -> dict[str, str]:
    rows = await connection.execute(select(values.c.name, values.c.value).where(values.c.run == run))
    return {row.name: row.value for row in rows}


async def kept_of(connection: AsyncConnection, incident: int, name: str) -> tuple[str, ...]:
    """The values that the runs of an incident keep under one name, in the order of the runs."""
    runs = store.runs
    wanted = select(values.c.value).join(runs, runs.c.id == values.c.run)
    wanted = wanted.where(runs.c.incident == incident, values.c.name == name).order_by(runs.c.started_at, runs.c.id)
    return tuple((await connection.execute(wanted)).scalars())


async def next_number(connection: AsyncConnection, run: str) -> int:
    rows = await connection.execute(select(events.c.number).where(events.c.run == run).order_by(events.c.number.desc()))
    last = rows.scalars().first()
    return 0 if last is None else last + 1


async def entries(connection: AsyncConnection, run: str) -> dict[str, Entry]:
    return await store.journal(connection, run)


async def ended_steps(connection: AsyncConnection, run: str) -> tuple[StepEnded, ...]:
    """How the steps ended that have ended; of one that was done again, the last time."""
    wanted = select(events).where(events.c.run == run, events.c.kind == StepEnded.__name__).order_by(events.c.number)
    found = {row.step: msgspec.convert(row.body, StepEnded) for row in await connection.execute(wanted)}
    closed = {key for key, entry in (await entries(connection, run)).items() if entry.verdict is not None}
    return tuple(event for key, event in found.items() if key in closed)
