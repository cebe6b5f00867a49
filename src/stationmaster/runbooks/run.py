"""The interpreter of a plan: from what is written in the journal and what was heard, it says what to do next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import Condition, ConditionKind

RECOVERY_LIMIT_S = 120.0
"""How long a run waits for the recovery alert after its last step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the journal holds of a step; without a verdict its outcome is not known."""

    key: str
    started_at: datetime
    tried_at: datetime
    attempts: int
    verdict: Verdict | None = None
    detail: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What was heard from outside: the alert's recovery (None while it fires), the instance's last restart."""

    recovered_at: datetime | None = None
    restarted_at: datetime | None = None


class Manner(Enum):
    FIRST = "first"
    AGAIN = "again"
    """A look that is repeated."""
    RESUMED = "resumed"
    """A change whose outcome is not known: to be probed first."""


class Outcome(Enum):
    CURED = "cured"
    PASSED = "passed"
    """Everything was done and nothing failed, but nothing that was changed needed a cure."""
    FAILED = "failed"
    ESCALATED = "escalated"
    STOPPED = "stopped"
    """Left where it stands, because it needs a person; it can be resumed."""
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    step: PlannedStep
    manner: Manner


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Ends a step without doing anything."""

    step: PlannedStep
    verdict: Verdict
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    outcome: Outcome
    why: str


Move: TypeAlias = Do | Settle | Wait | Finish
Journal: TypeAlias = Mapping[str, Entry]


def next_move(plan: Plan, journal: Journal, signals: Signals, now: datetime) -> Move:
    state = State(plan=plan, journal=journal, signals=signals, now=now)
    for step in plan.steps:
        entry = journal.get(step.key)
        if entry is None:
            return _begin(step, state)
        if entry.verdict is None:
            return go_on(step, entry, state)
        if entry.verdict is Verdict.FAILED and step.on_failure in {"stop", "escalate"}:
            return Finish(outcome=Outcome.ESCALATED, why=f"step {step.key} failed: {entry.detail}")
    return _finish(state)


def poll_delay_s(attempts: int) -> float:
    """How long to wait between two looks: 0.25 s at first, growing to 5 s."""
    return float(min(0.25 * 1.4 ** max(attempts - 1, 0), 5.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known at this moment."""

    plan: Plan
    journal: Journal
    signals: Signals
    now: datetime

    def latest(self, *effects: Effect, health: bool = False) -> Entry | None:
        """The last ended step that did one of `effects`, or that judged the instance's health."""
        found = [
            entry
            for step in self.plan.steps
            if (step.health if health else step.effect in effects)
            and (entry := self.journal.get(step.key)) is not None
            and entry.verdict not in {None, Verdict.SKIPPED}
        ]
        return found[-1] if found else None

    @property
    def healthy(self) -> bool:
        check = self.latest(health=True)
        return check is not None and check.verdict is Verdict.PASSED

    @property
    def restored(self) -> bool:
        """Whether every target that the plan puts back is back."""
        adds = [step.key for step in self.plan.steps if step.effect is Effect.TARGET_ADD]
        ended = [self.journal[key] for key in adds if key in self.journal]
        return all(entry.verdict is Verdict.PASSED for entry in ended) and len(ended) == len(adds)


def _begin(step: PlannedStep, state: State) -> Move:
    if step.kind is PlannedKind.NEEDLESS:
        return Settle(step=step, verdict=Verdict.SKIPPED, why=step.why)
    for condition in step.conditions:
        missed = held(condition, state)
        if isinstance(missed, Wait):
            return missed
        if missed:
            return Settle(step=step, verdict=Verdict.SKIPPED, why=missed)
    before = state.journal.get(step.unless_passed)
    if before is not None and before.verdict is Verdict.PASSED:
        return Settle(step=step, verdict=Verdict.SKIPPED, why=f"step {step.unless_passed} found it done")
    if step.refusal:
        return Settle(step=step, verdict=Verdict.REFUSED, why=step.refusal)
    if step.kind is PlannedKind.MANUAL:
        return Settle(step=step, verdict=Verdict.MANUAL, why=step.why)
    return Do(step=step, manner=Manner.FIRST)


def go_on(step: PlannedStep, entry: Entry, state: State) -> Move:
    """A step that was begun: a change is probed, a look is repeated when its time has come, until its limit."""
    if step.kind not in {PlannedKind.CHECK, PlannedKind.WAIT}:
        return Do(step=step, manner=Manner.RESUMED)
    if not entry.detail:
        return Do(step=step, manner=Manner.AGAIN)
    if _is_over(step, entry, state):
        return Settle(step=step, verdict=Verdict.FAILED, why=_told(entry, state.now))
    due = entry.tried_at + timedelta(seconds=poll_delay_s(entry.attempts))
    set_back = state.now < entry.tried_at
    return Do(step=step, manner=Manner.AGAIN) if state.now >= due or set_back else Wait(until=due)


def _told(entry: Entry, now: datetime) -> str:
    waited = (now - entry.started_at).total_seconds()
    return f"{entry.detail} (tried {entry.attempts} times in {waited:.0f} s)" if entry.attempts > 1 else entry.detail


def _is_over(step: PlannedStep, entry: Entry, state: State) -> bool:
    if step.tries:
        return entry.attempts >= step.tries
    change = state.journal.get(step.after)
    if step.after and (change is None or change.verdict is not Verdict.PASSED):
        return True
    set_back = state.now < entry.started_at
    return set_back or state.now >= entry.started_at + timedelta(seconds=step.limit_s)


def held(condition: Condition, state: State) -> str | Wait:
    """Empty when the condition holds, otherwise why it does not; Wait when that is still open."""
    match condition.kind:
        case ConditionKind.DOWN:
            return _is_down(state)
        case ConditionKind.NO_ERRORS:
            logs = state.latest(Effect.LOGS)
            return logs.detail if logs is not None and logs.verdict is Verdict.FAILED else ""
        case ConditionKind.RECOVERY_ALERT:
            return _has_recovery_alert(state)
        case ConditionKind.RECOVERED:
            return "" if state.healthy else "the last check did not find it recovered"
        case ConditionKind.STILL_DOWN:
            return "the last check found it well" if state.healthy and state.restored else ""
        case ConditionKind.OTHER:
            return ""


def _is_down(state: State) -> str:
    check = state.latest(health=True)
    if check is None or check.verdict is not Verdict.FAILED:
        return "no check has found it down"
    recovered = state.signals.recovered_at
    if recovered is not None and check.ended_at is not None and recovered > check.ended_at:
        return "it recovered by itself after the check"
    return ""


def _has_recovery_alert(state: State) -> str | Wait:
    if state.signals.recovered_at is not None:
        return ""
    if not state.healthy:
        return "no recovery alert came, and the last check does not find it well"
    ends = [
        entry.ended_at
        for entry in state.journal.values()
        if entry.ended_at is not None and entry.verdict not in {Verdict.SKIPPED, Verdict.MANUAL}
    ]
    until = max(ends, default=state.now) + timedelta(seconds=RECOVERY_LIMIT_S)
    return Wait(until=until) if state.now < until else f"no recovery alert came within {RECOVERY_LIMIT_S:.0f} s"


def _finish(state: State) -> Finish:
    asked = [
        step
        for step in state.plan.steps
        if step.kind is PlannedKind.ESCALATE and state.journal[step.key].verdict is Verdict.PASSED
    ]
    check = state.latest(health=True)
    if asked:
        return Finish(outcome=Outcome.ESCALATED, why=f"level {asked[0].level} was asked to look")
    if check is None:
        return Finish(outcome=Outcome.ESCALATED, why="nothing in the runbook could verify a cure")
    if not state.healthy:
        return Finish(outcome=Outcome.ESCALATED, why=f"the last check did not pass: {check.detail}")
    if not state.restored:
        return Finish(outcome=Outcome.ESCALATED, why="it works again, but its target was not put back")
    return Finish(outcome=Outcome.CURED, why=f"the last check passed: {check.detail}")
