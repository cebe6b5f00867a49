"""The room's face: opens a run for an incident and works the open runs, step by step, across crashes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

import stationmaster.runbooks.journal  # noqa: F401 its tables belong to the store
from stationmaster.core.facts import (
    AlertFired,
    AlertRecovered,
    EscalationAsked,
    Fact,
    IncidentOpened,
    InstanceRestarted,
    RunDeclined,
    RunEnded,
    RunStarted,
)
from stationmaster.runbooks import store
from stationmaster.runbooks.bind import InventoryView, Unbound, bind
from stationmaster.runbooks.match import Match, choose
from stationmaster.runbooks.perform import Perform
from stationmaster.runbooks.plan import make_plan
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.run import Finish, Outcome, Wait, next_move
from stationmaster.runbooks.work import Worker
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.tasks import supervise
from stationmaster.runtime.tracing import span

CONSUMER = "runbooks"
LEVEL_AT_ONCE = 1
LEVEL_AFTER_RUN = 2
_TICK_S = 1.0

log = structlog.get_logger("runbooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbooks:
    """`runbooks` and `inventory` are asked anew for every incident; an open run keeps the plan that it began with."""

    database: Database
    runbooks: Callable[[], Sequence[Runbook]]
    inventory: Callable[[], InventoryView]
    perform: Perform
    now: Callable[[], datetime] = field(default=utc_now)

    async def consume(self) -> None:
        """Hands every fact to `handle`, for ever."""
        await outbox.consume(self.database, CONSUMER, self.handle)

    async def handle(self, connection: AsyncConnection, fact: Fact) -> None:
        """Opens exactly one run for an incident; keeps what open runs wait for. Commits nothing itself."""
        match fact:
            case IncidentOpened():
                await self._open(connection, fact)
            case AlertFired(alert=alert, at=at):
                await store.hear_alert(connection, alert, store.FIRING, at)
            case AlertRecovered(alert=alert, at=at):
                await store.hear_alert(connection, alert, store.RECOVERED, at)
            case InstanceRestarted(instance=instance, at=at):
                await store.hear(connection, store.instance_subject(instance), store.RESTARTED, at)

    async def run(self) -> None:
        """Works every open run, each in a task of its own, for ever."""
        working: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                seen = self.database.committed.count
                for run in await self.open_runs():
                    if run.id not in working or working[run.id].done():
                        working[run.id] = group.create_task(supervise(run.id, partial(self.work, run.id)))
                working = {name: task for name, task in working.items() if not task.done()}
                await self.database.committed.beyond(seen, _TICK_S)

    async def work(self, run: str) -> None:
        """Takes one run from where its journal stands to its end."""
        worker = Worker(database=self.database, perform=self.perform, now=self.now)
        while True:
            seen = self.database.committed.count
            found, journal, signals = await worker.load(run)
            if found is None or found.ended_at is not None:
                return None
            if found.plan is None:
                why = "its plan cannot be read by this version"
                return await self._end(found, Finish(outcome=Outcome.ABORTED, why=why))
            move = next_move(found.plan, journal, signals, self.now())
            match move:
                case Finish():
                    return await self._end(found, move)
                case Wait(until=until):
                    left = (until - self.now()).total_seconds()
                    await self.database.committed.beyond(seen, max(0.0, min(left, _TICK_S)))
                case _:
                    with span(f"run step {move.step.kind.value}", run=run, runbook=found.runbook, step=move.step.key):
                        await worker.make(found, move, journal, signals)

    async def open_runs(self) -> list[store.Run]:
        async with self.database.read() as connection:
            return await store.active_runs(connection)

    async def _open(self, connection: AsyncConnection, fact: IncidentOpened) -> None:
        if await store.run_of_incident(connection, fact.incident) is not None:
            return None
        found = choose(fact.alert, self.runbooks())
        if not isinstance(found, Match):
            return await self._ask(connection, fact, found.why)
        bound = bind(fact.alert, self.inventory())
        if isinstance(bound, Unbound):
            return await self._ask(connection, fact, f"'{found.runbook.title}' cannot be run: {bound.why}")
        at = self.now()
        run = store.Run(
            id=f"run-{fact.incident}",
            incident=fact.incident,
            fingerprint=fact.alert.fingerprint,
            alert_at=fact.alert.starts_at,
            runbook=found.runbook.title,
            file=found.runbook.file,
            digest=found.runbook.digest,
            why=found.why,
            plan=make_plan(found.runbook, bound),
            started_at=at,
        )
        await store.create_run(connection, run)
        started = RunStarted(at=at, incident=fact.incident, run=run.id, runbook=run.runbook, why=run.why)
        await outbox.append(connection, started)
        log.info("run opened", run=run.id, runbook=run.runbook, why=run.why)
        return None

    async def _ask(self, connection: AsyncConnection, fact: IncidentOpened, why: str) -> None:
        at = self.now()
        await outbox.append(connection, RunDeclined(at=at, incident=fact.incident, why=why))
        asked = EscalationAsked(at=at, incident=fact.incident, level=LEVEL_AT_ONCE, why=why)
        await outbox.append(connection, asked)
        log.warning("no run opened", incident=fact.incident, why=why)

    async def _end(self, run: store.Run, finish: Finish) -> None:
        at = self.now()
        async with self.database.write() as connection:
            if not await store.end_run(connection, run.id, outcome=finish.outcome, detail=finish.why, at=at):
                return
            if finish.outcome is not Outcome.CURED and await store.claim_asking(connection, run.id):
                asked = EscalationAsked(at=at, incident=run.incident, level=LEVEL_AFTER_RUN, why=finish.why)
                await outbox.append(connection, asked)
            ended = RunEnded(at=at, incident=run.incident, run=run.id, outcome=finish.outcome.value, detail=finish.why)
            await outbox.append(connection, ended)
        log.info("run ended", run=run.id, outcome=finish.outcome.value, why=finish.why)
