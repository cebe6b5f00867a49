"""The journal of runs: what is meant to be done, written before it is done, and what came of it, written after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.run import Entry, Outcome, Signals
from stationmaster.runbooks.turns import OpenRun
from stationmaster.runtime.db import Instant, metadata

runs = Table(
    "run",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("incident", Integer, index=True),
    Column("fingerprint", String(128), nullable=False, index=True),
    Column("alert_at", Instant, nullable=False),
    Column("runbook", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("why", Text, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, index=True),
    Column("outcome", String(16)),
    Column("detail", Text, nullable=False, default=""),
    Column("asked", Boolean, nullable=False, default=False),
    Column("host", String(255), nullable=False, default="", server_default=""),
    Column("requested_by", String(255), nullable=False, default="", server_default=""),
    Column("request", JSON),
)

steps = Table(
    "step",
    metadata,
    Column("run", String(64), ForeignKey("run.id"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("idempotency_key", String(160), nullable=False, unique=True),
    Column("started_at", Instant, nullable=False),
    Column("tried_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("ended_at", Instant),
    Column("verdict", String(16)),
    Column("detail", Text, nullable=False, default=""),
    Column("output", Text, nullable=False, default=""),
)

signals = Table(
    "signal",
    metadata,
    Column("subject", String(160), primary_key=True),
    Column("name", String(32), nullable=False),
    Column("at", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the journal holds it. `plan` is None when it cannot be read by this version any more; `incident` is 0
    for one that somebody works in a terminal, who is `requested_by`."""

    id: str
    incident: int
    fingerprint: str
    alert_at: datetime
    runbook: str
    file: str
    digest: str
    why: str
    plan: Plan | None
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    detail: str = ""
    asked: bool = False
    """Whether somebody was asked to look because of this run."""
    host: str = ""
    requested_by: str = ""
    request: Mapping[str, Any] | None = None


async def create_run(connection: AsyncConnection, run: Run) -> None:
    values = {
        "id": run.id,
        "incident": run.incident or None,
        "fingerprint": run.fingerprint,
        "alert_at": run.alert_at,
        "runbook": run.runbook,
        "file": run.file,
        "digest": run.digest,
        "why": run.why,
        "plan": msgspec.to_builtins(run.plan),
        "started_at": run.started_at,
        "host": run.host,
        "requested_by": run.requested_by,
        "request": run.request,
    }
    await connection.execute(insert(runs).values(**values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    all: int
    under_way: int


async def count_runs(connection: AsyncConnection, incident: int) -> Counted:
    """How many runs an incident has had, and how many of them have not ended."""
    under_way = func.count().filter(runs.c.ended_at.is_(None))
    row = (await connection.execute(select(func.count(), under_way).where(runs.c.incident == incident))).one()
    return Counted(all=row[0], under_way=row[1])


async def working(connection: AsyncConnection, runbook: str, instance: str) -> str | None:
    """The run of an incident that works the runbook for the instance at this moment."""
    wanted = select(runs.c.id).where(
        runs.c.ended_at.is_(None),
        runs.c.incident.is_not(None),
        runs.c.runbook == runbook,
        runs.c.plan["instance"].as_string() == instance,
    )
    return (await connection.execute(wanted.limit(1))).scalar_one_or_none()


async def find_run(connection: AsyncConnection, run: str) -> Run | None:
    row = (await connection.execute(select(runs).where(runs.c.id == run))).one_or_none()
    return None if row is None else _run(row)


async def active_runs(connection: AsyncConnection) -> list[Run]:
    """Every run of an incident that has not ended, oldest first."""
    open_ones = select(runs).where(runs.c.ended_at.is_(None), runs.c.incident.is_not(None))
    rows = await connection.execute(open_ones.order_by(runs.c.started_at))
    return [_run(row) for row in rows]


async def open_ids(connection: AsyncConnection) -> list[OpenRun]:
    """Every run of an incident that has not ended, without its plan, the oldest first."""
    heard_of = select(signals.c.subject).where(
        signals.c.subject == literal(alert_subject("")).concat(runs.c.fingerprint),
        signals.c.name == RECOVERED,
        signals.c.at >= runs.c.alert_at,
    )
    wanted = select(runs.c.id, runs.c.incident, heard_of.exists().label("over"))
    mine = wanted.where(runs.c.ended_at.is_(None), runs.c.incident.is_not(None))
    by_age = mine.order_by(runs.c.started_at, func.length(runs.c.id), runs.c.id)
    return [OpenRun(**row._mapping) for row in await connection.execute(by_age)]


def _run(row: object) -> Run:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    try:
        plan = msgspec.convert(values["plan"], Plan)
    except msgspec.ValidationError:
        plan = None
    outcome = Outcome(values["outcome"]) if values["outcome"] else None
    return Run(**{**values, "plan": plan, "outcome": outcome, "incident": values["incident"] or 0})


async def worked_runs(connection: AsyncConnection) -> list[Run]:
    """Every run that somebody works in a terminal, newest first."""
    wanted = select(runs).where(runs.c.incident.is_(None)).order_by(runs.c.started_at.desc(), runs.c.id.desc())
    return [_run(row) for row in await connection.execute(wanted)]


async def end_run(connection: AsyncConnection, run: str, *, outcome: Outcome, detail: str, at: datetime) -> bool:
    """Says whether the run was still open."""
    ended = await connection.execute(
        update(runs)
        .where(runs.c.id == run, runs.c.ended_at.is_(None))
        .values(ended_at=at, outcome=outcome.value, detail=detail)
    )
    return bool(ended.rowcount == 1)


async def claim_asking(connection: AsyncConnection, run: str) -> bool:
    """True for the first caller: a run asks for somebody of its own accord once."""
    claimed = await connection.execute(update(runs).where(runs.c.id == run, runs.c.asked.is_(False)).values(asked=True))
    return bool(claimed.rowcount == 1)


async def journal(connection: AsyncConnection, run: str) -> dict[str, Entry]:
    rows = await connection.execute(select(steps).where(steps.c.run == run))
    return {
        row.key: Entry(
            key=row.key,
            started_at=row.started_at,
            tried_at=row.tried_at,
            attempts=row.attempts,
            verdict=Verdict(row.verdict) if row.verdict else None,
            detail=row.detail,
            ended_at=row.ended_at,
        )
        for row in rows
    }


async def begin_step(connection: AsyncConnection, run: str, step: PlannedStep, *, at: datetime) -> None:
    """Writes the intent, once: a step that was begun before keeps its first moment."""
    key = idempotency_key(run, step)
    row = upsert(steps).values(run=run, key=step.key, idempotency_key=key, started_at=at, tried_at=at, attempts=0)
    await connection.execute(row.on_conflict_do_nothing(index_elements=[steps.c.run, steps.c.key]))


def idempotency_key(run: str, step: PlannedStep) -> str:
    return f"{run}:{step.key}"


async def record_look(
    connection: AsyncConnection, run: str, key: str, *, at: datetime, detail: str, output: str
) -> None:
    """A look that did not pass; whether it is repeated is not decided here."""
    await connection.execute(
        update(steps)
        .where(steps.c.run == run, steps.c.key == key)
        .values(tried_at=at, attempts=steps.c.attempts + 1, detail=detail, output=output)
    )


async def end_step(
    connection: AsyncConnection,
    run: str,
    step: PlannedStep,
    *,
    verdict: Verdict,
    detail: str,
    at: datetime,
    output: str = "",
) -> None:
    """Without an `output` the one that was recorded last stays."""
    await begin_step(connection, run, step, at=at)
    seen = {"output": output} if output else {}
    await connection.execute(
        update(steps)
        .where(steps.c.run == run, steps.c.key == step.key)
        .values(ended_at=at, verdict=verdict.value, detail=detail, **seen)
    )


async def hear(connection: AsyncConnection, subject: str, name: str, at: datetime) -> None:
    """Keeps the latest signal of a subject."""
    row = upsert(signals).values(subject=subject, name=name, at=at)
    await connection.execute(
        row.on_conflict_do_update(index_elements=[signals.c.subject], set_={"name": name, "at": at})
    )


FIRING, RECOVERED = "firing", "recovered"


def alert_subject(fingerprint: str) -> str:
    return f"alert:{fingerprint}"


async def heard(connection: AsyncConnection, run: Run) -> Signals:
    """What has been heard since the run's alert began."""
    wanted = select(signals).where(signals.c.subject == alert_subject(run.fingerprint), signals.c.at >= run.alert_at)
    found = {row.name: row.at for row in await connection.execute(wanted)}
    return Signals(recovered_at=found.get(RECOVERED), listening=True)


async def hear_alert(connection: AsyncConnection, alert: Alert, name: str, at: datetime) -> None:
    await hear(connection, alert_subject(alert.fingerprint), name, at)
