"""What is known of a run at a moment, from its journal and from what was heard, and what that means for conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import Condition, ConditionKind, PlatformAction

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
    """What was heard from outside: the alert's recovery, None while it fires. `listening`: somebody hears such."""

    recovered_at: datetime | None = None
    listening: bool = False
    worse: frozenset[str] = frozenset()
    """The changes after which callers fare worse."""


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
    """`well`: the last check found it well."""

    outcome: Outcome
    why: str
    well: bool = False


Move: TypeAlias = Do | Settle | Wait | Finish
Journal: TypeAlias = Mapping[str, Entry]


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

    def latest(self, acts: PlatformAction | None = None, *, health: bool = False) -> Entry | None:
        """The last ended step that did this to the instance, or that judged its health; what could not look says
        nothing beside what could."""
        found = [
            entry
            for step in self.plan.steps
            if (step.health if health else step.acts is acts)
            and (entry := self.journal.get(step.key)) is not None
            and entry.verdict not in {None, Verdict.SKIPPED}
        ]
        looked = [entry for entry in found if entry.verdict is not Verdict.REFUSED]
        return next(reversed(looked or found), None)

    @property
    def healthy(self) -> bool:
        check = self.latest(health=True)
        return check is not None and check.verdict is Verdict.PASSED

    @property
    def restored(self) -> bool:
        """Whether every target that the plan puts back is back."""
        adds = [
            step.key
            for step in self.plan.steps
            if step.acts is PlatformAction.TARGET_ADD and step.kind is PlannedKind.ACTION
        ]
        ended = [self.journal[key] for key in adds if key in self.journal]
        return all(entry.verdict is Verdict.PASSED for entry in ended) and len(ended) == len(adds)


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
            logs = state.latest(PlatformAction.SERVICE_LOGS)
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
