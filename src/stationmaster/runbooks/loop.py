"""The room's face: opens a run for an incident and works the open runs, step by step, across crashes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

import stationmaster.runbooks.journal  # noqa: F401 its tables belong to the store
from stationmaster.core.facts import (
    AlertFired,
    AlertJoined,
    AlertRecovered,
    EscalationAsked,
    Fact,
    IncidentOpened,
    NoteAdded,
    RunDeclined,
    RunEnded,
    RunStarted,
)
from stationmaster.core.problem import PlatformError
from stationmaster.runbooks import store
from stationmaster.runbooks.match import Match, choose
from stationmaster.runbooks.plan.planned import Plan
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.run import Finish, Outcome
from stationmaster.runbooks.run_list import IncidentRun, incident_runs
from stationmaster.runbooks.turns import MOST_AT_ONCE, MOST_WAITING, Turns, turns
from stationmaster.runbooks.unattended import Unattended
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
    """`runbooks` are asked anew for every incident; an open run keeps the plan that it began with."""

    database: Database
    runbooks: Callable[[], Sequence[Runbook]]
    unattended: Unattended
    now: Callable[[], datetime] = field(default=utc_now)

    async def consume(self) -> None:
        """Hands every fact to `handle`, for ever."""
        await outbox.consume(self.database, CONSUMER, self.handle)

    async def handle(self, connection: AsyncConnection, fact: Fact) -> None:
        """Opens exactly one run for an alert that opens an incident or joins one; keeps what open runs wait for.
        Commits nothing itself."""
        match fact:
            case IncidentOpened() | AlertJoined(worked=True):
                await self._open(connection, fact)
            case AlertFired(alert=alert, at=at):
                await store.hear_alert(connection, alert, store.FIRING, at)
            case AlertRecovered(alert=alert, at=at):
                await store.hear_alert(connection, alert, store.RECOVERED, at)

    async def run(self) -> None:
        """Works the open runs whose turn it is, each in a task of its own, for ever."""
        working: dict[str, asyncio.Task[None]] = {}
        waited: frozenset[str] = frozenset()
        async with asyncio.TaskGroup() as group:
            while True:
                seen = self.database.committed.count
                now = await self.turns()
                await self._say_begun([each for each in now.working if each in waited])
                await self._end_unworked(now.needless)
                waited = frozenset(now.waiting)
                for run in now.working:
                    if run not in working or working[run].done():
                        working[run] = group.create_task(supervise(run, partial(self.work, run)))
                working = {name: task for name, task in working.items() if not task.done()}
                await self.database.committed.beyond(seen, _TICK_S)

    async def work(self, run: str) -> None:
        """Takes one run from where its journal stands to its end."""
        async with self.database.read() as connection:
            found = await store.find_run(connection, run)
        if found is None or found.ended_at is not None:
            return
        with span("run", run=run, runbook=found.runbook):
            finish = await self.unattended.work(found)
        await self._end(found, finish)

    async def turns(self) -> Turns:
        """Which open runs are worked now, and which wait until one of their incident has ended."""
        async with self.database.read() as connection:
            return turns(await store.open_ids(connection))

    async def open_runs(self) -> list[store.Run]:
        async with self.database.read() as connection:
            return await store.active_runs(connection)

    async def latest(self, *, incident: int | None = None, limit: int) -> Sequence[IncidentRun]:
        """Runs of incidents, the newest first."""
        async with self.database.read() as connection:
            return await incident_runs(connection, incident=incident, limit=limit)

    async def _open(self, connection: AsyncConnection, fact: IncidentOpened | AlertJoined) -> None:
        runs = await store.count_runs(connection, fact.incident)
        if runs.all and isinstance(fact, IncidentOpened):
            return None
        if runs.under_way >= MOST_AT_ONCE + MOST_WAITING:
            why = f"{MOST_AT_ONCE} runs of this incident are under way, and {MOST_WAITING} wait"
            return await self._ask(connection, fact, why)
        found = choose(fact.alert, self.runbooks())
        if not isinstance(found, Match):
            return await self._ask(connection, fact, found.why)
        name = f"run-{fact.incident}-{runs.all + 1}" if runs.all else f"run-{fact.incident}"
        planned = self._planned(fact, found, name)
        if isinstance(planned, str):
            return await self._ask(connection, fact, f"'{found.runbook.title}' cannot be run: {planned}")
        plan, request = planned
        twin = await store.working(connection, found.runbook.title, plan.instance) if plan.instance else None
        if twin is not None:
            return await self._ask(connection, fact, f"'{found.runbook.title}' is worked there already, as {twin}")
        run = store.Run(
            id=name,
            incident=fact.incident,
            fingerprint=fact.alert.fingerprint,
            alert_at=fact.alert.starts_at,
            runbook=found.runbook.title,
            file=found.runbook.file,
            digest=found.runbook.digest,
            why=found.why,
            plan=plan,
            started_at=self.now(),
            host=plan.instance,
            request=request,
        )
        await store.create_run(connection, run)
        ahead = runs.under_way - MOST_AT_ONCE + 1
        await outbox.append(connection, _started(run, ahead))
        log.info("run opened", run=run.id, runbook=run.runbook, why=run.why, waits_for=max(ahead, 0))
        return None

    def _planned(
        self, fact: IncidentOpened | AlertJoined, found: Match, name: str
    ) -> tuple[Plan, Mapping[str, object]] | str:
        """The plan and the request that it was made of, or why there is none."""
        request = self.unattended.request(found.runbook, fact.alert, name)
        try:
            plan = self.unattended.plan(request, fact.alert)
        except PlatformError as error:
            return error.message
        return (plan, self.unattended.kept(request)) if plan.steps else "it has no step that could be done"

    async def _ask(self, connection: AsyncConnection, fact: IncidentOpened | AlertJoined, why: str) -> None:
        """Somebody has to look; for an alert that joins, somebody does already."""
        at = self.now()
        declined = RunDeclined(at=at, incident=fact.incident, why=why, fingerprint=fact.alert.fingerprint)
        await outbox.append(connection, declined)
        if isinstance(fact, IncidentOpened):
            asked = EscalationAsked(at=at, incident=fact.incident, level=LEVEL_AT_ONCE, why=why)
            await outbox.append(connection, asked)
        log.warning("no run opened", incident=fact.incident, why=why)

    async def _say_begun(self, runs: Sequence[str]) -> None:
        """Runs that waited are worked from now on: their incidents say so, once."""
        for each in runs:
            async with self.database.write() as connection:
                run = await store.find_run(connection, each)
                if run is not None:
                    text = f"{run.id} (“{run.runbook}”) waited, and is worked now: a run of this incident has ended"
                    key = f"{run.id}:turn"
                    note = NoteAdded(at=self.now(), incident=run.incident, key=key, by=CONSUMER, text=text)
                    await outbox.append(connection, note)

    async def _end_unworked(self, runs: Sequence[str]) -> None:
        """What waits behind others is not worked when its alert has recovered meanwhile."""
        for each in runs:
            async with self.database.read() as connection:
                run = await store.find_run(connection, each)
            if run is not None:
                await self._end(run, Finish(outcome=Outcome.CURED, why="the alert recovered before it was its turn"))

    async def _end(self, run: store.Run, finish: Finish) -> None:
        at = self.now()
        async with self.database.write() as connection:
            if not await store.end_run(connection, run.id, outcome=finish.outcome, detail=finish.why, at=at):
                return
            if finish.outcome is not Outcome.CURED and await store.claim_asking(connection, run.id):
                asked = EscalationAsked(at=at, incident=run.incident, level=LEVEL_AFTER_RUN, why=finish.why)
                await outbox.append(connection, asked)
            ended = RunEnded(
                at=at,
                incident=run.incident,
                run=run.id,
                outcome=finish.outcome.value,
                detail=finish.why,
                fingerprint=run.fingerprint,
            )
            await outbox.append(connection, ended)
        log.info("run ended", run=run.id, outcome=finish.outcome.value, why=finish.why)


def _started(run: store.Run, ahead: int) -> RunStarted:
    """`ahead` runs of its incident have to end before it is its turn."""
    waits = f"; it waits: {MOST_AT_ONCE} runs of this incident are under way, and {ahead} of them have to end before it"
    return RunStarted(
        at=run.started_at,
        incident=run.incident,
        run=run.id,
        runbook=run.runbook,
        why=f"{run.why}{waits if ahead > 0 else ''}",
        fingerprint=run.fingerprint,
    )
