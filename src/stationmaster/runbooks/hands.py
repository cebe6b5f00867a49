"""Makes the moves of a run that somebody works: does, looks, asks, waits, and writes each down."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stationmaster.runbooks.changing import Changing, CheckSecond
from stationmaster.runbooks.course import GO_ON, NO, STOP, YES, ByHand, Choose, Decide, Move, choice_name, jump_name
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.journal import Write
from stationmaster.runbooks.keeping import Kept
from stationmaster.runbooks.looking import Looking
from stationmaster.runbooks.plan.planned import PlannedKind, PlannedStep
from stationmaster.runbooks.run import Do, Manner, Settle
from stationmaster.runbooks.talk import AfterFailure, StepBegan, StepEnded, Waiting
from stationmaster.runbooks.worked import Worked

_LONGEST_SLEEP_S = 5.0
"""Then the clock is looked at again: it may have been set."""


@dataclass(slots=True, kw_only=True)
class Hands:
    worked: Worked
    check_second: CheckSecond | None
    kept: Kept | None = None
    """The bounds of what is changed unasked; None where a person works the run."""
    looking: Looking = field(init=False)
    changing: Changing = field(init=False)
    _waits: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self.looking = Looking(worked=self.worked)
        looking, check = self.looking, self.check_second
        self.changing = Changing(worked=self.worked, looking=looking, check_second=check, kept=self.kept)

    async def make(self, move: Move) -> None:
        match move:
            case Do(step=step, manner=manner):
                await self._do(step, manner)
            case Settle(step=step, verdict=verdict, why=why) if step.key in self.worked.entries:
                await self.looking.settle_last(step, verdict, why)
            case Settle(step=step, verdict=verdict, why=why):
                await self.worked.settle(step, verdict, why)
            case ByHand(step=step):
                await self._by_hand(step)
            case Decide():
                await self._decide(move)
            case Choose():
                await self._choose(move)
        await self.changing.keeping.follow_up()

    async def wait(self, until: datetime) -> None:
        left = (until - self.worked.now()).total_seconds()
        await asyncio.sleep(min(max(left, 0.0), _LONGEST_SLEEP_S))

    async def _do(self, step: PlannedStep, manner: Manner) -> None:
        if step.kind is PlannedKind.ACTION:
            return await self.changing.change(step, resumed=manner is Manner.RESUMED)
        await self._tell_wait(step)
        return await self.looking.look(step)

    async def _tell_wait(self, step: PlannedStep) -> None:
        """Once for every step that is repeated until it passes."""
        entry = self.worked.entries.get(step.key)
        if step.kind is not PlannedKind.WAIT or entry is None or not entry.detail or step.key in self._waits:
            return
        self._waits.add(step.key)
        until = entry.started_at + timedelta(seconds=step.limit_s)
        await self.worked.write(
            Write(events=[Waiting(at=self.worked.now(), step=step.key, why=entry.detail, until=until)])
        )

    async def _by_hand(self, step: PlannedStep) -> None:
        worked = self.worked
        began = StepBegan(at=worked.now(), step=step.key, command=step.command)
        worked.operator.told(began)
        open_ones = self.changing.untested(step)
        conditions = "; ".join(each.text for each in open_ones)
        shown = replace(step, conditions=open_ones, why=f"{conditions}: {step.why}" if conditions else step.why)
        done = await worked.operator.work_by_hand(shown)
        took_ms = round((worked.now() - began.at).total_seconds() * 1000)
        why = worked.clean(done.why or f"{done.by or 'the operator'} says so")
        ended = StepEnded(
            at=worked.now(),
            step=step.key,
            verdict=done.verdict,
            why=why,
            command=step.command,
            took_ms=took_ms,
            by=done.by,
        )
        await worked.end(step, ended, heard=[began])

    async def _decide(self, move: Decide) -> None:
        """Whether the run goes on elsewhere: PASSED says that what the document says holds."""
        step, jump = move.step, move.jump
        title = f"Does this hold? {jump.text}"
        why = f"if so, the run goes on at step {jump.target}; otherwise with the next step"
        done = await self.worked.operator.work_by_hand(replace(step, kind=PlannedKind.MANUAL, title=title, why=why))
        answer = YES if done.verdict is Verdict.PASSED else NO
        await self.worked.write(Write(values={jump_name(step, jump): answer}))

    async def _choose(self, move: Choose) -> None:
        step, entry = move.step, move.entry
        ended = self._ended(step, entry.detail, entry.attempts)
        choice = await self.worked.operator.after_failure(step, ended)
        match choice.what:
            case AfterFailure.RETRY:
                await self.worked.write(Write(reopens=step))
            case AfterFailure.GO_ON:
                await self.worked.write(Write(values={choice_name(step): GO_ON}))
            case AfterFailure.STOP:
                await self.worked.write(Write(values={choice_name(step): STOP}))

    def _ended(self, step: PlannedStep, why: str, attempts: int) -> StepEnded:
        at = self.worked.now()
        found = self.worked.ended.get(step.key)
        return found or StepEnded(
            at=at, step=step.key, verdict=Verdict.FAILED, why=why, command=step.command, attempts=attempts
        )
