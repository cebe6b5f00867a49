"""Changes: asks before, journals the intent, makes the change, and probes before it does anything a second time."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stationmaster.runbooks.commands.local import Ending, Ran
from stationmaster.runbooks.commands.processes import end_marked, marked
from stationmaster.runbooks.consent.asked import EXPIRES_AFTER, Meant, allowed, digest_of, refused, request_for
from stationmaster.runbooks.course import untested, verification_of
from stationmaster.runbooks.expect import Judgement, Verdict, judge
from stationmaster.runbooks.journal import Intent, Write
from stationmaster.runbooks.keeping import Keeping, Kept, Needless
from stationmaster.runbooks.lacking.before import lacking_before
from stationmaster.runbooks.lacking.told import lacks
from stationmaster.runbooks.looking import Looking, Seen, marker_of, program_of
from stationmaster.runbooks.outputs import Telling
from stationmaster.runbooks.plan.planned import OF_BALANCERS, PlannedKind, PlannedStep
from stationmaster.runbooks.plan.words import declared_risk
from stationmaster.runbooks.read.document import Condition
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.risk.classes import worst
from stationmaster.runbooks.run import State, poll_delay_s
from stationmaster.runbooks.shell.script import BASH, Filled, Misfit, fill
from stationmaster.runbooks.talk import ApprovalRequest, Approved, Denied, StepBegan, Waiting
from stationmaster.runbooks.worked import Unfilled, Worked

CheckSecond = Callable[[ApprovalRequest, Approved, datetime], str]
"""What is wrong with a second person's answer; empty when it holds."""

PROBE_S, BASELINE_S, PROBE_EVERY_S = 10.0, 5.0, 0.5
UNDONE = "it had not happened before the interruption"
"""So the journal begins to say why a change is made a second time."""
CUT_SHORT = "stopped by hand while it ran: what it had done by then stands"
_ASKED_AT_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The change is not made."""

    verdict: Verdict
    why: str


@dataclass(slots=True, kw_only=True)
class Changing:
    worked: Worked
    looking: Looking
    check_second: CheckSecond | None
    kept: Kept | None = None
    keeping: Keeping = field(init=False)

    def __post_init__(self) -> None:
        self.keeping = Keeping(worked=self.worked, kept=self.kept, probe=self._probe)

    async def change(self, step: PlannedStep, *, resumed: bool) -> None:
        """Makes the change once: after a crash only when it is known, or said, not to have happened."""
        if resumed and await self._found_out(step):
            return None
        meant = await self._meant(step)
        if isinstance(meant, str):
            return await self.worked.settle(step, Verdict.REFUSED, meant)
        if why := await self._lacking(meant):
            return await self.worked.settle(step, Verdict.REFUSED, why)
        answer = await self._bounded(meant)
        if isinstance(answer, Left):
            return await self.worked.settle(step, answer.verdict, answer.why)
        intent = await self._intent(meant, answer)
        return await self._make(meant, intent)

    async def _make(self, meant: Meant, intent: Intent) -> None:
        worked, step = self.worked, meant.step
        before = worked.entries.get(step.key)
        attempt = before.attempts + 1 if before is not None else 1
        began = StepBegan(at=intent.at, step=step.key, command=intent.command, attempt=attempt)
        await worked.write(Write(begins=step if before is None else None, events=[intent, began]))
        telling = Telling(step=step.key, tell=worked.heard, now=worked.now, secrets=worked.secrets)
        order = replace(self.looking.order(step, meant.filled, attempt, reads=False), marker=intent.marker)
        ran = await worked.runner(order, telling.seen, stop=worked.halt(step.key))
        stopped = ran.ending is Ending.STOPPED
        judged = judge(step.expectations, ran.result, program=program_of(meant.filled))
        if stopped:
            worked.halts.pop(step.key)
            judged = Judgement(verdict=Verdict.FAILED, why=CUT_SHORT)
        elif ran.ending is Ending.EXITED and (why := self._lacked(meant, ran)):
            judged = Judgement(verdict=Verdict.REFUSED, why=why)
        seen = Seen(judgement=judged, ran=ran, heard=telling.done())
        ended = self.looking.ended(step, meant.filled, seen, attempt, by=intent.by)
        tries = attempt < step.tries and not stopped and ended.verdict is Verdict.FAILED
        if tries and await self.keeping.again(meant, attempt + 1):
            await worked.write(Write(looked=(step, ended.why)), heard=seen.heard)
            await asyncio.sleep(poll_delay_s(attempt))
            again = replace(intent, at=worked.now(), marker=marker_of(worked.run, step, attempt + 1))
            return await self._make(meant, again)
        values, missing = self.looking.values_of(step, ran)
        why = "; ".join((ended.why, *missing))
        return await worked.end(step, replace(ended, why=why), heard=seen.heard, values=values)

    async def _lacking(self, meant: Meant) -> str:
        """Why nothing could come of it here; what the platform does itself is never in doubt."""
        step, filled = meant.step, meant.filled
        if step.acts is not None:
            return ""
        look = self.looking.order(step, filled, 0, reads=True)
        return await lacking_before(self.worked, step.key, filled.text, look)

    def _lacked(self, meant: Meant, ran: Ran) -> str:
        """Why one call could do nothing here; what a script had done before it stopped nobody knows."""
        return lacks(meant.filled.text, ran.result) if meant.filled.argv[: len(BASH)] != BASH else ""

    # What exactly is meant, and who allows it

    async def _meant(self, step: PlannedStep) -> Meant | str:
        worked = self.worked
        texts = tuple(filter(None, (step.script, step.rollback, step.verify)))
        values = await worked.values(step, texts)
        if isinstance(values, Unfilled):
            return values.why
        filled = fill(step.script, values)
        back = fill(step.rollback, values) if step.rollback else None
        for each in (filled, back):
            if isinstance(each, Misfit):
                return each.why
        if not isinstance(filled, Filled) or isinstance(back, Misfit):
            return "its values do not fit"
        risk = declared_risk(assess(filled.text).risk, step.declared or None)
        if back is not None:
            risk = worst(risk, assess(back.text).risk)
        shown = {
            each.written: values[each.written].text
            for each in step.places
            if not each.secret and each.written in values
        }
        return Meant(
            step=step,
            filled=filled,
            rollback=back,
            risk=risk,
            cwd=str(worked.cwd),
            values=shown,
            secrets=worked.secrets,
            doubts=self._doubts(step),
        )

    def untested(self, step: PlannedStep) -> tuple[Condition, ...]:
        """The conditions of a step that only a person can judge."""
        worked = self.worked
        return untested(step, State(plan=worked.plan, journal=worked.entries, signals=worked.signals, now=worked.now()))

    def _doubts(self, step: PlannedStep) -> tuple[str, ...]:
        """After a change whose verification failed, or was judged by nobody, no other change is made unasked."""
        worked = self.worked
        verified = [
            (each.after, worked.entries.get(each.key))
            for each in worked.plan.steps
            if each.after and each.acts not in OF_BALANCERS
        ]
        if step.rolls_back:
            return worked.doubts
        failed = (
            f"the verification of step {changed} before it failed: {entry.detail}"
            for changed, entry in verified
            if changed != step.key and entry is not None and entry.verdict is Verdict.FAILED
        )
        return (*worked.doubts, *failed, *self._unjudged(step))

    def _unjudged(self, step: PlannedStep) -> Iterator[str]:
        """What was looked at after a change, where nobody was there to judge it."""
        changed = ""
        for each in self.worked.plan.steps:
            if each.key == step.key:
                return
            entry = self.worked.entries.get(each.key)
            if entry is not None and each.kind is PlannedKind.ACTION and entry.verdict is Verdict.PASSED:
                changed = each.key
            elif changed and entry is not None and entry.verdict is Verdict.MANUAL:
                yield f"step {each.key} looked at what step {changed} had done, and nobody was there to judge it"

    async def _bounded(self, meant: Meant) -> "Approved | Left":
        """A yes where one is needed, and the leave of the bounds: one that they deny is asked of a person, who may give
        it once."""
        held = await self.keeping.held(meant)
        for _ in range(_ASKED_AT_MOST):
            if held is not None and not held.asks:
                return Left(verdict=Verdict.REFUSED, why="; ".join(held.why))
            asked = meant if held is None else replace(meant, doubts=(*meant.doubts, *held.why), bound=True)
            answer = await self._consent(asked)
            if isinstance(answer, Denied):
                return Left(verdict=Verdict.SKIPPED, why=f"not approved: {answer.why}")
            found = await self.keeping.begin(meant, overridden=held is not None)
            if found is None:
                return answer
            if isinstance(found, Needless):
                return Left(verdict=Verdict.SKIPPED, why=found.why)
            held = found
        return Left(verdict=Verdict.REFUSED, why="; ".join(held.why) if held is not None else "it is held")

    async def _consent(self, meant: Meant) -> Approved | Denied:
        worked, step = self.worked, meant.step
        if (earlier := self._already(meant)) is not None:
            return earlier
        conditions = self.untested(step)
        if why := allowed(meant, worked.request.policy, conditions):
            return Approved(by=why)
        problem = ""
        for _ in range(_ASKED_AT_MOST):
            said = [problem] if problem else []
            said += [f"only when this holds: {each.text}" for each in conditions]
            request = request_for(
                meant, worked.plan, worked.run, requested_by=worked.request.requested_by, at=worked.now(), why=said
            )
            answer = await worked.operator.approve(request)
            if isinstance(answer, Denied):
                return answer
            problem = self._problem(request, answer)
            if not problem:
                return answer
        return Denied(why=problem)

    def _already(self, meant: Meant) -> Approved | None:
        """A yes that was journaled for exactly this: of the same change before a crash, or of the change that it takes
        back, whose approval covered that."""
        worked, step = self.worked, meant.step
        if step.rolls_back:
            change = worked.intents.get(step.rolls_back)
            covered = change is not None and change.rollback == _hash(meant.filled)
            covered = covered and step.rolls_back not in worked.stale
            return Approved(by=change.by) if change is not None and covered else None
        intent = self._standing(meant)
        return None if intent is None else Approved(by=intent.by, code=intent.code)

    def _standing(self, meant: Meant) -> Intent | None:
        """The intent of the same change whose yes still holds. What destroys is allowed for one time alone: once it
        has ended, whatever its outcome, it is asked anew."""
        worked, step = self.worked, meant.step
        intent = worked.intents.get(step.key)
        if intent is None or intent.approved_at is None or intent.expires_at is None or step.key in worked.stale:
            return None
        same = intent.digest == digest_of(meant, worked.plan)
        again = meant.risk is Risk.DESTROY and step.key not in worked.entries
        return intent if same and not again and intent.approved_at <= worked.now() < intent.expires_at else None

    def _problem(self, request: ApprovalRequest, answer: Approved) -> str:
        now = self.worked.now()
        if problem := refused(request, answer, now=now, used=self.worked.codes):
            return problem
        if not request.second_person:
            return ""
        if self.check_second is None:
            return "nobody here can check a second person's code"
        return self.check_second(request, answer, now)

    async def _intent(self, meant: Meant, answer: Approved) -> Intent:
        worked, step = self.worked, meant.step
        standing = self._standing(meant)
        approved_at, expires_at = (standing.approved_at, standing.expires_at) if standing is not None else (None, None)
        approved_at = approved_at or worked.now()
        passed_before = await self._baseline(step)
        at = worked.now()
        before = worked.entries.get(step.key)
        return Intent(
            at=at,
            step=step.key,
            command=worked.clean(meant.filled.text),
            digest=digest_of(meant, worked.plan),
            rollback=_hash(meant.rollback) if meant.rollback is not None else "",
            marker=marker_of(worked.run, step, before.attempts + 1 if before is not None else 1),
            by=answer.by,
            code=answer.code,
            approved_at=approved_at,
            expires_at=expires_at or approved_at + EXPIRES_AFTER,
            passed_before=passed_before,
        )

    # After a crash

    async def _baseline(self, step: PlannedStep) -> bool | None:
        """Whether the change's verification passes already: then it could not tell whether the change happened."""
        check = verification_of(self.worked.plan, step)
        if check is None:
            return None
        return await self._probe(replace(check, timeout_s=min(check.timeout_s, BASELINE_S)))

    async def _probe(self, check: PlannedStep) -> bool | None:
        """Whether a check passes at this moment; None when nobody knows its values or only a person can judge it."""
        values = self.worked.known(check, check.script)
        filled = fill(check.script, values) if values is not None else None
        if not isinstance(filled, Filled) or check.risk.value != "read":
            return None
        seen = await self.looking.see(check, filled, attempt=0, quiet=True)
        if seen.judgement.open or seen.judgement.verdict is Verdict.REFUSED:
            return None
        return seen.judgement.verdict is Verdict.PASSED

    async def _found_out(self, step: PlannedStep) -> bool:
        """Ends the step when the interrupted change is found to have happened; False when it has to be made."""
        worked = self.worked
        intent = worked.intents.get(step.key)
        if intent is not None:
            await self._outlived(step, intent)
        check = verification_of(worked.plan, step)
        happened: bool | None = None
        if check is not None and intent is not None and intent.passed_before is False:
            happened = await self._polled(check)
        if happened is None or check is None or intent is None:
            return await self._asked(step, intent)
        if happened:
            why = f"it had happened before the interruption: step {check.key} finds it done"
            await worked.settle(step, Verdict.PASSED, why, by=intent.by)
            return True
        at, why = worked.now(), f"{UNDONE}: step {check.key} does not find it done; it is made now"
        await worked.write(Write(events=[Waiting(at=at, step=step.key, why=why, until=at)]))
        return False

    async def _outlived(self, step: PlannedStep, intent: Intent) -> None:
        """What the interrupted run had started may still be at work: it is waited for, then ended."""
        worked = self.worked
        until = worked.now() + timedelta(seconds=step.timeout_s)
        if await asyncio.to_thread(marked, intent.marker):
            why = "what was started before the interruption still runs"
            worked.operator.told(Waiting(at=worked.now(), step=step.key, why=why, until=until))
        while await asyncio.to_thread(marked, intent.marker):
            if worked.now() >= until:
                return await end_marked(intent.marker)
            await asyncio.sleep(PROBE_EVERY_S)
        return None

    async def _polled(self, check: PlannedStep) -> bool | None:
        """An effect may take its time to show."""
        until = self.worked.now() + timedelta(seconds=min(PROBE_S, check.limit_s or PROBE_S))
        while True:
            found = await self._probe(check)
            if found is not False or self.worked.now() >= until:
                return found
            await asyncio.sleep(PROBE_EVERY_S)

    async def _asked(self, step: PlannedStep, intent: Intent | None) -> bool:
        """Nothing can tell: a person looks. PASSED means that it happened, FAILED that it did not."""
        worked = self.worked
        command = intent.command if intent is not None else worked.clean(step.command)
        title = f"Did this happen? {command}"
        when = f" at {intent.at:%H:%M:%S}" if intent is not None else ""
        why = f"it was begun{when} and interrupted, and no check can tell whether it happened"
        done = await worked.operator.work_by_hand(replace(step, kind=PlannedKind.MANUAL, title=title, why=why))
        if done.verdict is Verdict.FAILED:
            return False
        verdict = Verdict.PASSED if done.verdict is Verdict.PASSED else Verdict.SKIPPED
        said = f"{why}; {done.by or 'the operator'} says: {done.why or verdict.value}"
        await worked.settle(step, verdict, said, by=done.by)
        return True


def _hash(filled: Filled) -> str:
    return hashlib.sha256("\0".join(filled.argv).encode()).hexdigest()
