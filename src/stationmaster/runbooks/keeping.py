"""Keeps the changes of a run inside the bounds: asks before each, waits for other runs, looks at what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stationmaster.runbooks.bounded import (
    LOOKS_EVERY_S,
    WAITS_AT_MOST_S,
    Attempt,
    Begun,
    Bounds,
    Held,
    Occupied,
)
from stationmaster.runbooks.consent.asked import Meant
from stationmaster.runbooks.course import verification_of
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.journal import Write
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.read.document import ConditionKind
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.talk import Waiting
from stationmaster.runbooks.worked import NOTHING_SEEN, Worked, effect_name

Probe = Callable[[PlannedStep], Awaitable[bool | None]]
"""Whether a check passes at this moment."""
_RETURNS = {("stm", "target", "auto"), ("stm", "target", "in")}
_TRIED = {Verdict.PASSED, Verdict.FAILED}
_OF_WHAT_IS_DOWN = {ConditionKind.DOWN, ConditionKind.STILL_DOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Needless:
    """By the time its turn came there was nothing left to change."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The bounds that hold for a run, and of which incident it is."""

    bounds: Bounds
    incident: int
    failing_since: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Keeping:
    """Without `kept` nothing is bound: a person works the run."""

    worked: Worked
    kept: Kept | None
    probe: Probe
    _over: set[str] = field(default_factory=set, init=False)
    _compares: set[str] = field(default_factory=set, init=False)
    _waited: set[str] = field(default_factory=set, init=False)
    """The steps that have waited in vain for another run."""

    async def held(self, meant: Meant) -> Held | None:
        """What forbids a change that is about to be asked for or made; what the changes before it led to comes
        first."""
        if self.kept is None:
            return None
        attempt = self._attempt(meant.step, meant.filled.text, self._number(meant.step))
        if not meant.step.rolls_back and not _only_returns(attempt):
            await self._compare(wait=True)
        found = await self.kept.bounds.look(attempt)
        return found if isinstance(found, Held) else None

    async def begin(self, meant: Meant, *, overridden: bool) -> Held | Needless | None:
        """Counts the change; waits before while another run changes the same service. None: it may be made."""
        if self.kept is None:
            return None
        attempt = self._attempt(meant.step, meant.filled.text, self._number(meant.step))
        waits = not (overridden and meant.step.key in self._waited)
        standing = await self.kept.bounds.begin(attempt, overridden=overridden, waits=waits)
        if isinstance(standing, Occupied):
            return await self._turn(meant, attempt, standing, overridden=overridden)
        return None if isinstance(standing, Begun) else standing

    async def again(self, meant: Meant, number: int) -> bool:
        """Whether a change that failed may be tried once more; counts that."""
        if self.kept is None:
            return True
        attempt = self._attempt(meant.step, meant.filled.text, number)
        return isinstance(await self.kept.bounds.begin(attempt), Begun)

    async def follow_up(self) -> None:
        """After every move: what is verified is over. Where a step could take it back, its effect is looked at."""
        if self.kept is None:
            return
        for step, since in self._verified():
            if step.key not in self._over:
                self._over.add(step.key)
                await self.kept.bounds.ended(self._attempt(step, self.worked.intents[step.key].command, 1))
            if any(each.rolls_back == step.key for each in self.worked.plan.steps):
                await self._compared(step, since, wait=True)

    async def at_end(self) -> None:
        """What can be said of the last changes without waiting."""
        if self.kept is not None:
            await self._compare(wait=False)

    async def _turn(
        self, meant: Meant, attempt: Attempt, found: Occupied, *, overridden: bool
    ) -> Held | Needless | None:
        worked, bounds, step = self.worked, self._bounds(), meant.step
        until = worked.now() + timedelta(seconds=WAITS_AT_MOST_S)
        await worked.write(Write(events=[Waiting(at=worked.now(), step=step.key, why=found.why, until=until)]))
        while worked.now() < until:
            await asyncio.sleep(LOOKS_EVERY_S)
            if isinstance(standing := await bounds.look(attempt), Occupied):
                found = standing
                continue
            if why := await self._well_by_now(step):
                return Needless(why=why)
            standing = await bounds.begin(attempt, overridden=overridden)
            if not isinstance(standing, Occupied):
                return None if isinstance(standing, Begun) else standing
        self._waited.add(step.key)
        return Held(why=(f"{found.why}, and has not ended within {WAITS_AT_MOST_S:g} s",))

    async def _well_by_now(self, step: PlannedStep) -> str:
        """Others have changed the service meanwhile: what was down may be up."""
        if not any(each.kind in _OF_WHAT_IS_DOWN for each in step.conditions):
            return ""
        plan, entries = self.worked.plan, self.worked.entries
        before = plan.steps[: plan.steps.index(step)]
        looked = [each for each in before if each.health and each.key in entries]
        failed = [each for each in looked[-1:] if entries[each.key].verdict is Verdict.FAILED]
        well = bool(failed) and await self.probe(failed[0]) is True
        return f"while it waited for another run the failure went away: step {failed[0].key} passes" if well else ""

    async def _compare(self, *, wait: bool) -> None:
        for step, since in tuple(self._verified()):
            await self._compared(step, since, wait=wait)

    async def _compared(self, step: PlannedStep, since: datetime, *, wait: bool) -> None:
        name = effect_name(step.key)
        if name in self.worked.given or name in self._compares:
            return
        self._compares.add(name)
        attempt = self._attempt(step, self.worked.intents[step.key].command, 1)
        try:
            why = await self._bounds().worse_after(attempt, since=since, wait=wait)
        finally:
            self._compares.discard(name)
        await self.worked.write(Write(values={name: why or NOTHING_SEEN}))

    def _verified(self) -> Iterator[tuple[PlannedStep, datetime]]:
        """The changes of the run that were made and verified, and since when they are."""
        entries, plan = self.worked.entries, self.worked.plan
        for step in plan.steps:
            entry = entries.get(step.key)
            if step.key not in self.worked.intents or entry is None or entry.verdict not in _TRIED or step.rolls_back:
                continue
            check = verification_of(plan, step)
            last = entry if check is None else entries.get(check.key)
            if last is not None and last.ended_at is not None:
                yield step, last.ended_at

    def _number(self, step: PlannedStep) -> int:
        before = self.worked.entries.get(step.key)
        return before.attempts + 1 if before is not None else 1

    def _attempt(self, step: PlannedStep, text: str, number: int) -> Attempt:
        kept = self.kept
        return Attempt(
            incident=kept.incident if kept is not None else 0,
            run=self.worked.run,
            step=step.key,
            number=number,
            calls=tuple(tuple(word.text for word in each.words) for each in parse(text).commands),
            service=self.worked.plan.service,
            failing_since=kept.failing_since if kept is not None else None,
            takes_back=bool(step.rolls_back),
        )

    def _bounds(self) -> Bounds:
        if self.kept is None:
            raise LookupError("nothing is bound here")
        return self.kept.bounds


def _only_returns(attempt: Attempt) -> bool:
    """What takes traffic again waits for no numbers."""
    return all(call[:3] in _RETURNS for call in attempt.calls)
