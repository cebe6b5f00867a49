"""Makes one move of a run: intent into the journal, the effect, its outcome with its facts in one transaction."""

import asyncio
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from stationmaster.core.command import CommandResult
from stationmaster.core.facts import EscalationAsked, Fact, NoteAdded, RunStepEnded
from stationmaster.core.names import InstanceName, VirtualHostName
from stationmaster.core.problem import PlatformError
from stationmaster.runbooks import store
from stationmaster.runbooks.expect import Judgement, Verdict, judge
from stationmaster.runbooks.perform import Perform
from stationmaster.runbooks.plan import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.run import Do, Entry, Manner, Settle, Signals
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

BY = "runbooks"
LOG_LINES = 100
_KEPT_CHARS = 4000
_CHANGE_LIMIT_S = 60.0
_LOOK_LIMIT_S = 15.0
_PROBE_S = 5.0
_PROBE_EVERY_S = 0.25

log = structlog.get_logger("runbooks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an effect came out: the verdict, why, and what was seen."""

    verdict: Verdict
    why: str
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    database: Database
    perform: Perform
    now: Callable[[], datetime]

    async def load(self, run: str) -> tuple[store.Run | None, Mapping[str, Entry], Signals]:
        async with self.database.read() as connection:
            found = await store.find_run(connection, run)
            if found is None:
                return None, {}, Signals()
            return found, await store.journal(connection, run), await store.heard(connection, found)

    async def make(self, run: store.Run, move: Do | Settle, journal: Mapping[str, Entry], signals: Signals) -> None:
        step = move.step
        if isinstance(move, Settle):
            return await self._end(run, step, Ended(verdict=move.verdict, why=move.why))
        if step.kind is PlannedKind.ESCALATE:
            return await self._end(run, step, Ended(verdict=Verdict.PASSED, why=f"level {step.level} is asked to look"))
        if step.effect is Effect.NOTE:
            return await self._end(run, step, Ended(verdict=Verdict.PASSED, why=step.note))
        if move.manner is Manner.FIRST:
            async with self.database.write() as connection:
                await store.begin_step(connection, run.id, step, at=self.now())
        if step.kind is PlannedKind.ACTION:
            resumed = journal.get(step.key) if move.manner is Manner.RESUMED else None
            return await self._end(run, step, await self._change(run, step, resumed, signals))
        return await self._look(run, step)

    # Looking

    async def _look(self, run: store.Run, step: PlannedStep) -> None:
        """One look: what passed or cannot be done ends its step, anything else is kept for the interpreter."""
        seen = await self._see(_plan(run), step)
        if seen.verdict in {Verdict.PASSED, Verdict.REFUSED, Verdict.MANUAL}:
            return await self._end(run, step, seen)
        at = self.now()
        async with self.database.write() as connection:
            await store.record_look(connection, run.id, step.key, at=at, detail=seen.why, output=_kept(seen.output))
            if step.effect is Effect.LOGS:
                await outbox.append(connection, self._log_note(run, step, seen, at))
        return None

    async def _see(self, plan: Plan, step: PlannedStep) -> Ended:
        try:
            async with asyncio.timeout(step.timeout_s + _LOOK_LIMIT_S):
                return await self._seen(plan, step)
        except PlatformError as error:
            return Ended(verdict=Verdict.REFUSED if step.effect is Effect.LOGS else Verdict.FAILED, why=error.message)
        except TimeoutError:
            return Ended(verdict=Verdict.FAILED, why="no answer in time")

    async def _seen(self, plan: Plan, step: PlannedStep) -> Ended:
        instance = InstanceName(plan.instance)
        match step.effect:
            case Effect.TARGET_IS_OUT:
                out = await self._is_out(step)
                where = f"{step.target} is out of" if out else f"{step.target} still takes traffic from"
                verdict = Verdict.PASSED if out else Verdict.FAILED
                return Ended(verdict=verdict, why=f"{where} {step.virtual_host}")
            case Effect.LOGS:
                text = await self.perform.logs(instance, tail=LOG_LINES)
                judged = _judged_log(step, text)
                return Ended(verdict=judged.verdict, why=judged.why, output=text)
            case _:
                result = await self.perform.run_command(instance, step.argv, step.timeout_s)
                judged = judge(step.expectations, result, program=step.argv[0])
                return Ended(verdict=judged.verdict, why=judged.why, output=result.output)

    async def _is_out(self, step: PlannedStep) -> bool:
        if step.target is None:
            raise PlatformError("no-target", f"step {step.key} names no target", hint="plan the run anew")
        return await self.perform.target_is_out(VirtualHostName(step.virtual_host), step.target)

    # Changing

    async def _change(self, run: store.Run, step: PlannedStep, resumed: Entry | None, signals: Signals) -> Ended:
        """Does the change unless it is done; after a crash it is probed first, and done again only if it is not."""
        try:
            if (done := await self._already(run, step, resumed, signals)) is not None:
                return done
            async with asyncio.timeout(_CHANGE_LIMIT_S):
                await self._effect(run, step)
            return await self._verified(step)
        except PlatformError as error:
            return Ended(verdict=Verdict.FAILED, why=error.message)
        except TimeoutError:
            return Ended(verdict=Verdict.FAILED, why=f"not done within {_CHANGE_LIMIT_S:.0f} s")

    async def _effect(self, run: store.Run, step: PlannedStep) -> None:
        plan = _plan(run)
        why = f"step {step.key} of '{run.runbook}'"
        host = VirtualHostName(step.virtual_host)
        match step.effect, step.target:
            case Effect.TARGET_REMOVE, target if target is not None:
                await self.perform.take_out(host, target, why=why, incident=run.incident)
            case Effect.TARGET_ADD, target if target is not None:
                await self.perform.put_back(host, target, why=why, incident=run.incident)
            case Effect.RESTART, _:
                await self.perform.restart(InstanceName(plan.instance), why=why, incident=run.incident)
            case _:
                raise PlatformError("no-effect", f"step {step.key} has no effect to make", hint="plan the run anew")

    async def _already(
        self, run: store.Run, step: PlannedStep, resumed: Entry | None, signals: Signals
    ) -> Ended | None:
        if step.effect is not Effect.RESTART:
            async with asyncio.timeout(_LOOK_LIMIT_S):
                out = await self._is_out(step)
            wanted = step.effect is Effect.TARGET_REMOVE
            return Ended(verdict=Verdict.PASSED, why=_where(step)) if out is wanted else None
        if resumed is None:
            return None
        heard = signals.restarted_at
        if heard is not None and heard >= resumed.started_at:
            return Ended(verdict=Verdict.PASSED, why="it was restarted before the run was interrupted")
        return await self._probe_restart(_plan(run))

    async def _probe_restart(self, plan: Plan) -> Ended | None:
        """Polls the plan's own check for a few seconds: an instance that works needs no second restart."""
        check = next((each for each in plan.steps if each.health), None)
        if check is None:
            return None
        until = asyncio.get_running_loop().time() + _PROBE_S
        while (seen := await self._see(plan, check)).verdict is not Verdict.PASSED:
            if asyncio.get_running_loop().time() >= until:
                return None
            await asyncio.sleep(_PROBE_EVERY_S)
        return Ended(verdict=Verdict.PASSED, why=f"it works again after the interruption: {seen.why}")

    async def _verified(self, step: PlannedStep) -> Ended:
        """The balancer is asked whether the change is there; a restart is verified by the check that follows it."""
        if step.effect is Effect.RESTART:
            return Ended(verdict=Verdict.PASSED, why=step.why or "restarted")
        async with asyncio.timeout(_LOOK_LIMIT_S):
            out = await self._is_out(step)
        if out is not (step.effect is Effect.TARGET_REMOVE):
            return Ended(verdict=Verdict.FAILED, why=f"the change was made, but {_where(step)} is not what is seen")
        manual = f"{step.note}: " if step.effect is Effect.TARGET_REMOVE else ""
        return Ended(verdict=Verdict.PASSED, why=f"{manual}{_where(step)}")

    # Writing down

    async def _end(self, run: store.Run, step: PlannedStep, ended: Ended) -> None:
        at = self.now()
        async with self.database.write() as connection:
            kept = _kept(ended.output)
            await store.end_step(connection, run.id, step, verdict=ended.verdict, detail=ended.why, at=at, output=kept)
            for fact in self._facts(run, step, ended, at):
                await outbox.append(connection, fact)
            refused = ended.verdict is Verdict.REFUSED and step.risk is not Risk.READ
            escalated = step.kind is PlannedKind.ESCALATE and ended.verdict is Verdict.PASSED
            first = (refused or escalated) and await store.claim_asking(connection, run.id)
            if refused and first:
                why = f"step {step.key} ({step.title}) is left to a person: {ended.why}"
                await outbox.append(connection, EscalationAsked(at=at, incident=run.incident, level=1, why=why))
        log.info("step ended", run=run.id, step=step.key, verdict=ended.verdict.value, why=ended.why)

    def _facts(self, run: store.Run, step: PlannedStep, ended: Ended, at: datetime) -> list[Fact]:
        found: list[Fact] = [
            RunStepEnded(
                at=at,
                incident=run.incident,
                run=run.id,
                step=step.key,
                title=step.title,
                verdict=ended.verdict.value,
                detail=_told(step, ended),
            )
        ]
        if ended.verdict is not Verdict.PASSED:
            return found
        if step.effect is Effect.LOGS:
            found.append(self._log_note(run, step, ended, at))
        if step.effect is Effect.NOTE or (step.effect is Effect.TARGET_REMOVE and ended.why.startswith(step.note)):
            found.append(self._note(run, step, step.note if step.effect is Effect.NOTE else ended.why, at))
        if step.kind is PlannedKind.ESCALATE:
            found.append(self._escalation(run, step, at))
        return found

    def _escalation(self, run: store.Run, step: PlannedStep, at: datetime) -> EscalationAsked:
        why = f"'{run.runbook}' did not help: {step.title}"
        contact = ", ".join(step.contacts)
        return EscalationAsked(at=at, incident=run.incident, level=step.level, why=why, contact=contact)

    def _log_note(self, run: store.Run, step: PlannedStep, seen: Ended, at: datetime) -> NoteAdded:
        instance = _plan(run).instance
        text = f"log of {instance} ({seen.why}):\n{_kept(seen.output)}" if seen.output else f"log of {instance}: empty"
        return self._note(run, step, text, at)

    def _note(self, run: store.Run, step: PlannedStep, text: str, at: datetime) -> NoteAdded:
        key = store.idempotency_key(run.id, step)
        return NoteAdded(at=at, incident=run.incident, key=key, by=BY, text=text)


def _plan(run: store.Run) -> Plan:
    if run.plan is None:
        raise PlatformError("plan-unreadable", f"the plan of {run.id} cannot be read", hint="start the run anew")
    return run.plan


def _told(step: PlannedStep, ended: Ended) -> str:
    """What really ran stands beside what the runbook says, where the two differ."""
    ran = shlex.join(step.argv)
    if ended.verdict not in {Verdict.PASSED, Verdict.FAILED} or ran in {"", step.title}:
        return ended.why
    return f"ran `{ran}`: {ended.why}"


def _where(step: PlannedStep) -> str:
    state = "is out of" if step.effect is Effect.TARGET_REMOVE else "takes traffic from"
    return f"{step.target} {state} {step.virtual_host}"


def _judged_log(step: PlannedStep, text: str) -> Judgement:
    """A log is judged only by the errors that the runbook names."""
    if not step.expectations:
        count = len(text.splitlines())
        return Judgement(verdict=Verdict.PASSED, why=f"{count} line(s) read")
    return judge(step.expectations, CommandResult(exit_status=0, output=text), program="log")


def _kept(text: str) -> str:
    """Head and tail of an output, at most `_KEPT_CHARS` characters."""
    if len(text) <= _KEPT_CHARS:
        return text
    head, tail = text[: _KEPT_CHARS // 4], text[-3 * _KEPT_CHARS // 4 :]
    return f"{head}\n… {len(text) - len(head) - len(tail)} characters left out …\n{tail}"
