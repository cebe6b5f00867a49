"""Looks: runs a reading command on the operator's machine, judges what it shows, and keeps what it gives."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from stationmaster.core.command import NOT_RUNNABLE
from stationmaster.runbooks.commands.local import Ending, Order, Ran
from stationmaster.runbooks.expect import Judgement, Verdict, judge
from stationmaster.runbooks.journal import Write
from stationmaster.runbooks.lacking.told import lacks
from stationmaster.runbooks.outputs import Telling, follows, taken
from stationmaster.runbooks.plan.planned import PlannedKind, PlannedStep
from stationmaster.runbooks.plan.words import declared_risk
from stationmaster.runbooks.read.document import ExpectationKind
from stationmaster.runbooks.read.parameters import plain_name
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.shell.script import BASH, Filled, Misfit, fill
from stationmaster.runbooks.talk import NobodyThereError, OutputSeen, StepBegan, StepEnded
from stationmaster.runbooks.values import is_secret
from stationmaster.runbooks.worked import VARIABLE, Unfilled, Worked

NOT_JUDGED = "nobody was there to judge it"
GIVEN_UP = "skipped while it ran"
FOLLOWED_S = 10.0
"""How long a command that follows a log or a list is watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one attempt showed, and what it means."""

    judgement: Judgement
    ran: Ran
    heard: tuple[OutputSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What was seen of a step before the run came to it; `at` is when it had been seen."""

    filled: Filled
    began: StepBegan
    seen: Seen
    at: datetime


@dataclass(slots=True, kw_only=True)
class Looking:
    worked: Worked
    glances: dict[str, Glance] = field(default_factory=dict)
    """Used when the run comes to their steps, as long as they say how it is now."""
    fresh_until: datetime | None = None
    last: dict[str, StepEnded] = field(default_factory=dict)
    """What the last look of a step showed that is still being repeated."""

    async def look(self, step: PlannedStep) -> None:
        """One look: what passed, or cannot be repeated, ends its step; the rest is the interpreter's."""
        if self.worked.halt(step.key).is_set():
            return await self.settle_last(step, Verdict.SKIPPED, GIVEN_UP)
        filled = await self.filled(step)
        if isinstance(filled, str):
            return await self.worked.settle(step, Verdict.REFUSED, filled)
        once = step.kind is PlannedKind.CHECK and step.tries <= 1 and not _left(step)
        glance = self._glance(step, filled)
        began = glance.began if glance is not None else self._began(step, filled)
        heard = await self._begin(step, began, once=once)
        seen = glance.seen if glance is not None else await self.see(step, filled, attempt=began.attempt)
        ended = self.ended(step, filled, seen, began.attempt)
        if seen.ran.ending is Ending.STOPPED:
            given_up = replace(ended, verdict=Verdict.SKIPPED, why=GIVEN_UP, by=self.worked.halted_by)
            return await self.worked.end(step, given_up, heard=(*heard, *seen.heard))
        if self._is_to_be_judged(step, ended):
            await self.worked.write(Write(), heard=seen.heard)
            seen = replace(seen, heard=())
            ended = await self._judged_by_person(step, ended)
        if ended.verdict is Verdict.FAILED and not once:
            self.last[step.key] = ended
            return await self.worked.write(Write(looked=(step, ended.why)), heard=seen.heard)
        values, missing = self.values_of(step, seen.ran)
        why = "; ".join((ended.why, *missing))
        return await self.worked.end(step, replace(ended, why=why), heard=(*heard, *seen.heard), values=values)

    async def glance(self, step: PlannedStep) -> Glance | str:
        """Looks before the run comes to the step, or says why that cannot be done. Nothing is journaled."""
        filled = await self.filled(step)
        if isinstance(filled, str):
            return filled
        began = self._began(step, filled)
        seen = await self.see(step, filled, attempt=began.attempt)
        return Glance(filled=filled, began=began, seen=seen, at=self.worked.now())

    def _glance(self, step: PlannedStep, filled: Filled) -> Glance | None:
        """What was seen a moment ago, if nothing was changed, waited for or heard since: a look after a change is
        always a new one."""
        worked, found = self.worked, self.glances.pop(step.key, None)
        if found is None or self.fresh_until is None or worked.now() >= self.fresh_until or found.filled != filled:
            return None
        recovered = worked.signals.recovered_at
        changed = bool(worked.intents) or (recovered is not None and recovered > found.at)
        return None if changed or step.key in worked.entries else found

    async def settle_last(self, step: PlannedStep, verdict: Verdict, why: str) -> None:
        """Ends a step that was looked at until its limit."""
        last = self.last.pop(step.key, None)
        if last is None:
            return await self.worked.settle(step, verdict, why)
        at = self.worked.now()
        took_ms = round((at - self.worked.entries[step.key].started_at).total_seconds() * 1000)
        ended = replace(last, at=at, verdict=verdict, why=self.worked.clean(why), took_ms=max(took_ms, last.took_ms))
        return await self.worked.end(step, ended)

    async def filled(self, step: PlannedStep) -> Filled | str:
        """The command with its values, or why it cannot be run."""
        values = await self.worked.values(step, (step.script,))
        if isinstance(values, Unfilled):
            return values.why
        filled = fill(step.script, values)
        if isinstance(filled, Misfit):
            return filled.why
        judged = assess(filled.text)
        if declared_risk(judged.risk, step.declared or None) is not Risk.READ:
            return f"with its values it is no reading command any more: {'; '.join(judged.why)}"
        return filled

    async def see(self, step: PlannedStep, filled: Filled, *, attempt: int, quiet: bool = False) -> Seen:
        """Runs it once. `quiet` for a probe, whose output is nobody's business."""
        worked = self.worked
        telling = Telling(
            step=step.key, tell=_silent if quiet else worked.heard, now=worked.now, secrets=worked.secrets
        )
        following = follows(filled.text)
        order = self.order(step, filled, attempt, reads=True, following=following)
        ran = await worked.runner(order, telling.seen, stop=worked.halt(step.key))
        if following and ran.ending is Ending.TIMED_OUT:
            ran = replace(ran, ending=Ending.EXITED, exit_status=0)
        judged = judge(step.expectations, ran.result, program=program_of(filled))
        if ran.ending is Ending.EXITED and (why := lacks(filled.text, ran.result)):
            judged = Judgement(verdict=Verdict.REFUSED, why=why)
        return Seen(judgement=judged, ran=ran, heard=telling.done())

    def order(self, step: PlannedStep, filled: Filled, attempt: int, *, reads: bool, following: bool = False) -> Order:
        worked = self.worked
        return Order(
            argv=filled.argv,
            cwd=worked.cwd,
            env=worked.env,
            timeout_s=min(step.timeout_s, FOLLOWED_S) if following else step.timeout_s,
            marker=marker_of(worked.run, step, attempt),
            keeps=step.keeps if filled.argv[: len(BASH)] == BASH else (),
            reads=reads,
            words=tuple(word.text for each in parse(filled.text).commands for word in each.words),
        )

    def ended(self, step: PlannedStep, filled: Filled, seen: Seen, attempt: int, *, by: str = "") -> StepEnded:
        worked = self.worked
        return StepEnded(
            at=worked.now(),
            step=step.key,
            verdict=seen.judgement.verdict,
            why=worked.clean(_why(seen, worked.cwd)),
            command=worked.clean(filled.text),
            exit_status=seen.ran.exit_status,
            output=worked.clean(seen.ran.output),
            took_ms=seen.ran.took_ms,
            attempts=attempt,
            by=by,
        )

    def values_of(self, step: PlannedStep, ran: Ran) -> tuple[dict[str, str], list[str]]:
        """What later steps get of this one: captures and shell variables. Secrets are kept in memory alone."""
        found, missing = taken(step.captures, ran.printed)
        given = {plain_name(name): value for name, value in found.items()}
        for name, value in ran.kept.items():
            given[f"{VARIABLE}{name}"] = value
            if name != "PWD":
                given[plain_name(name)] = value
        secret = {name for name in given if is_secret(plain_name(name.lstrip(VARIABLE)), self.worked.sources)}
        self.worked.hidden.update({name: given.pop(name) for name in secret})
        return given, missing

    def _began(self, step: PlannedStep, filled: Filled) -> StepBegan:
        worked = self.worked
        before = worked.entries.get(step.key)
        attempt = before.attempts + 1 if before is not None else 1
        return StepBegan(at=worked.now(), step=step.key, command=worked.clean(filled.text), attempt=attempt)

    async def _begin(self, step: PlannedStep, began: StepBegan, *, once: bool) -> tuple[StepBegan, ...]:
        """What is looked at once is journaled when it has ended: after a crash it is looked at again anyway. What is
        repeated until a limit is journaled when it begins, so that its limit outlives a crash."""
        worked = self.worked
        if once:
            worked.operator.told(began)
            return (began,)
        await worked.write(Write(begins=None if step.key in worked.entries else step, events=[began]))
        return ()

    def _is_to_be_judged(self, step: PlannedStep, ended: StepEnded) -> bool:
        """What only a person can judge is asked when everything else has passed."""
        passed = ended.verdict in {Verdict.PASSED, Verdict.MANUAL}
        return passed and bool(_left(step)) and not self.worked.request.read_only

    async def _judged_by_person(self, step: PlannedStep, ended: StepEnded) -> StepEnded:
        """Where nobody is there it stays unjudged, and what could be tested decides."""
        title = f"judge what it shows: {'; '.join(_left(step))}"
        asked = replace(step, kind=PlannedKind.MANUAL, title=title, why=ended.why)
        try:
            done = await self.worked.operator.work_by_hand(asked)
        except NobodyThereError:
            return replace(ended, why=f"{ended.why}; {NOT_JUDGED}")
        if done.verdict is Verdict.MANUAL:
            return replace(ended, why=f"{ended.why}; {NOT_JUDGED}")
        why = "; ".join(filter(None, (ended.why, done.why)))
        return replace(ended, verdict=done.verdict, why=why, by=done.by)


def _left(step: PlannedStep) -> list[str]:
    return [each.value for each in step.expectations if each.kind is ExpectationKind.OTHER]


def marker_of(run: str, step: PlannedStep, attempt: int) -> str:
    return f"{run}:{step.key}:{attempt}"


def program_of(filled: Filled) -> str:
    """The program whose exit status is meant, for its messages."""
    return filled.argv[0] if filled.argv[: len(BASH)] != BASH else filled.text.split(maxsplit=1)[0]


def _why(seen: Seen, cwd: Path) -> str:
    if seen.ran.ending is Ending.NOT_STARTED and not cwd.is_dir():
        return f"{NOT_RUNNABLE}: the folder {cwd} does not exist"
    return seen.judgement.why


def _silent(_event: OutputSeen) -> None:
    return None
