"""The interpreter of a run that somebody works: what to do, to ask or to leave out next; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.lacking.unseen import has_looked, unseen
from stationmaster.runbooks.plan.planned import (
    OF_BALANCERS,
    Effect,
    Jump,
    JumpWhen,
    Plan,
    PlannedKind,
    PlannedStep,
    is_of,
)
from stationmaster.runbooks.read.document import Condition, ConditionKind, ExpectationKind, PlatformAction
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.run import (
    Do,
    Entry,
    Finish,
    Journal,
    Manner,
    Outcome,
    Settle,
    Signals,
    State,
    Wait,
    go_on,
    held,
)
from stationmaster.runbooks.values import Source

UNHEARD = Signals()
GO_ON, STOP, YES, NO = "go-on", "stop", "yes", "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """Only a person can do it."""

    step: PlannedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Only a person can say whether the run goes on elsewhere."""

    step: PlannedStep
    jump: Jump


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """A step failed, and nobody has said yet how to go on."""

    step: PlannedStep
    entry: Entry


Move: TypeAlias = Do | Settle | Wait | Finish | ByHand | Decide | Choose


def next_moves(
    plan: Plan,
    journal: Journal,
    decisions: Mapping[str, str],
    now: datetime,
    *,
    signals: Signals = UNHEARD,
    parallel: int = 1,
    settled: int = 0,
) -> tuple[Move, ...]:
    """What can be done now: several moves only where reads are independent of each other. `settled` is what
    `settled_steps` gave before."""
    state = State(plan=plan, journal=journal, signals=signals, now=now)
    jumped: tuple[str, str] | None = None
    for number in range(settled, len(plan.steps)):
        step = plan.steps[number]
        entry = journal.get(step.key)
        if jumped is not None and is_of(step.key, jumped[1]):
            jumped = None
        if entry is None:
            if jumped is not None:
                why = f"step {jumped[0]} goes on at step {jumped[1]}"
                return (Settle(step=step, verdict=Verdict.SKIPPED, why=why),)
            return _begun(number, state, parallel)
        if entry.verdict is None:
            return (_again(step, entry, state),)
        if (move := _after(step, entry, state, decisions)) is not None:
            return (move,)
        if jumped is None and entry.verdict is not Verdict.SKIPPED:
            taken = _jump(step, entry, state, decisions, number)
            if isinstance(taken, Decide):
                return (taken,)
            jumped = (step.key, taken.target) if taken is not None else None
    return (_finish(state),)


def settled_steps(plan: Plan, journal: Journal, decisions: Mapping[str, str], now: datetime, *, before: int = 0) -> int:
    """How many steps at the beginning of a plan have ended for good and lead nowhere else: nothing that is written
    later changes that, so that they need not be looked at for every move. `before` is what was known of it."""
    state = State(plan=plan, journal=journal, signals=UNHEARD, now=now)
    number = before
    while number < len(plan.steps):
        step = plan.steps[number]
        entry = journal.get(step.key)
        if entry is None or entry.verdict is None or _after(step, entry, state, decisions) is not None:
            break
        if entry.verdict is not Verdict.SKIPPED and _jump(step, entry, state, decisions, number) is not None:
            break
        number += 1
    return number


def jump_name(step: PlannedStep, jump: Jump) -> str:
    return f"jump:{step.key}:{jump.target}"


def choice_name(step: PlannedStep) -> str:
    return f"after:{step.key}"


def untested(step: PlannedStep, state: State) -> tuple[Condition, ...]:
    """The conditions of a step that only a person can judge."""
    seen = _since_change(state)
    return tuple(each for each in step.conditions if not _testable(each, seen))


def verification_of(plan: Plan, change: PlannedStep) -> PlannedStep | None:
    """The step that says whether a change was made."""
    return next((each for each in plan.steps if each.after == change.key and not each.refusal), None)


def _begun(number: int, state: State, parallel: int) -> tuple[Move, ...]:
    """The step's own move; with it those of the reads after it that depend on nothing that is still open."""
    steps = state.plan.steps
    first = _begin(steps[number], state)
    if not _is_independent(first, state):
        return (first,)
    found: list[Move] = [first]
    for step in steps[number + 1 :]:
        if len(found) == parallel or step.section != steps[number].section or step.key in state.journal:
            break
        move = _begin(step, state)
        if not _is_independent(move, state):
            break
        found.append(move)
    return tuple(found)


def _is_independent(move: Move, state: State) -> bool:
    if not isinstance(move, Do):
        return False
    step = move.step
    reads = step.kind is PlannedKind.CHECK and step.effect is Effect.COMMAND and step.risk is Risk.READ
    bound = step.conditions or step.jumps or step.keeps or step.session or step.on_failure in {"stop", "escalate"}
    asked = any(each.kind is ExpectationKind.OTHER for each in step.expectations)
    return reads and not bound and not asked and all(
        each.value is not None
        or (each.source is Source.OUTPUT and (before := state.journal.get(each.from_step)) is not None
            and before.verdict is not None)
        for each in step.places
    )  # fmt: skip


def _begin(step: PlannedStep, state: State) -> Move:
    if step.kind is PlannedKind.NEEDLESS:
        return Settle(step=step, verdict=Verdict.SKIPPED, why=step.why)
    seen = _since_change(state) if step.conditions else state
    for condition in step.conditions:
        why = held(condition, seen) if _testable(condition, seen) else ""
        if isinstance(why, Wait):
            return why
        if why:
            return Settle(step=step, verdict=Verdict.SKIPPED, why=why)
    if (pointless := _pointless(step, state)) is not None:
        return Settle(step=step, verdict=Verdict.SKIPPED, why=pointless)
    if step.refusal:
        return Settle(step=step, verdict=Verdict.REFUSED, why=step.refusal)
    if step.kind in {PlannedKind.MANUAL, PlannedKind.ESCALATE}:
        return ByHand(step=step)
    if step.effect is Effect.NOTE:
        return Settle(step=step, verdict=Verdict.PASSED, why=step.note)
    return Do(step=step, manner=Manner.FIRST)


def _pointless(step: PlannedStep, state: State) -> str | None:
    """What was found done already; a verification or a rollback of something that was not done; a rollback that is
    not needed."""
    before = state.journal.get(step.unless_passed)
    if before is not None and before.verdict is Verdict.PASSED:
        return f"step {step.unless_passed} found it done"
    change = state.journal.get(step.rolls_back or step.after)
    undone = {Verdict.SKIPPED, Verdict.REFUSED, Verdict.MANUAL}
    if step.after and step.key == f"{step.after}v" and change is not None and change.verdict in undone:
        return f"step {step.after} was not done"
    if not step.rolls_back:
        return None
    if change is None or change.verdict in undone:
        return "there is nothing to take back"
    verified = [state.journal.get(each.key) for each in state.plan.steps if each.after == step.rolls_back]
    failed = change.verdict is Verdict.FAILED or any(each and each.verdict is Verdict.FAILED for each in verified)
    failed = failed or step.rolls_back in state.signals.worse
    return None if failed else "nothing found that the change had failed"


def _since_change(state: State) -> State:
    """What was seen after the last change that was tried: older checks say nothing about now."""
    steps = state.plan.steps
    tried = (Verdict.PASSED, Verdict.FAILED)
    changes = [
        number
        for number, step in enumerate(steps)
        if step.kind is PlannedKind.ACTION
        and step.effect is Effect.COMMAND
        and step.acts not in OF_BALANCERS
        and (entry := state.journal.get(step.key)) is not None
        and entry.verdict in tried
    ]
    return replace(state, plan=replace(state.plan, steps=steps[changes[-1] :])) if changes else state


def _testable(condition: Condition, state: State) -> bool:
    match condition.kind:
        case ConditionKind.DOWN | ConditionKind.RECOVERED | ConditionKind.STILL_DOWN:
            return state.latest(health=True) is not None
        case ConditionKind.NO_ERRORS:
            return state.latest(PlatformAction.SERVICE_LOGS) is not None
        case ConditionKind.RECOVERY_ALERT:
            return state.signals.listening
        case _:
            return False


def _again(step: PlannedStep, entry: Entry, state: State) -> Move:
    if step.kind in {PlannedKind.MANUAL, PlannedKind.ESCALATE}:
        return ByHand(step=step)
    return go_on(step, entry, state)


def _after(step: PlannedStep, entry: Entry, state: State, decisions: Mapping[str, str]) -> Move | None:
    """What a step that has ended means for the rest."""
    if step.rolls_back and entry.verdict in {Verdict.PASSED, Verdict.FAILED} and step.on_failure != "continue":
        how = "was rolled back" if entry.verdict is Verdict.PASSED else "could not be rolled back"
        return Finish(outcome=Outcome.FAILED, why=f"step {step.rolls_back} {how}: {entry.detail}")
    if entry.verdict is not Verdict.FAILED or step.on_failure == "continue" or _has_rollback(step, state):
        return None
    if step.on_failure in {"stop", "escalate"}:
        outcome = Outcome.FAILED if step.on_failure == "stop" else Outcome.ESCALATED
        return Finish(outcome=outcome, why=f"step {step.key} failed: {entry.detail}")
    if not _matters(step, state):
        return None
    match decisions.get(choice_name(step)):
        case None:
            return Choose(step=step, entry=entry)
        case "stop":
            return Finish(outcome=Outcome.FAILED, why=f"step {step.key} failed: {entry.detail}")
        case _:
            return None


def _has_rollback(step: PlannedStep, state: State) -> bool:
    """Whether a step of the plan takes care of the failure."""
    changed = step.after or step.key
    return any(each.rolls_back == changed for each in state.plan.steps)


def _matters(step: PlannedStep, state: State) -> bool:
    """A check that finds something wrong is a finding, and the run goes on; a change or a wait that failed is not."""
    if step.kind is PlannedKind.CHECK:
        return False
    change = state.journal.get(step.after)
    return not step.after or (change is not None and change.verdict is Verdict.PASSED)


def _jump(
    step: PlannedStep, entry: Entry, state: State, decisions: Mapping[str, str], number: int
) -> Jump | Decide | None:
    for jump in step.jumps:
        if not any(is_of(each.key, jump.target) for each in state.plan.steps[number + 1 :]):
            continue
        match jump.when:
            case JumpWhen.ALWAYS:
                return jump
            case JumpWhen.PASSED | JumpWhen.FAILED:
                if entry.verdict is not None and entry.verdict.value == jump.when.value:
                    return jump
            case JumpWhen.ASKED:
                said = decisions.get(jump_name(step, jump))
                if said is None:
                    return Decide(step=step, jump=jump)
                if said == YES:
                    return jump
    return None


def _well_since(asked: PlannedStep, state: State) -> bool:
    """Whether a level was only told: the last check after that found it well."""
    steps = state.plan.steps
    later = replace(state, plan=replace(state.plan, steps=steps[steps.index(asked) + 1 :]))
    check = later.latest(health=True)
    return check is not None and check.verdict is Verdict.PASSED and state.restored


def _finish(state: State) -> Finish:
    """What was found, and what could not be looked at: a run that saw nothing has found nothing well."""
    found, missed = _found(state), unseen(state.plan, state.journal)
    if not missed:
        return found
    if found.outcome is Outcome.PASSED and not has_looked(state.plan, state.journal):
        return Finish(outcome=Outcome.ESCALATED, why=f"nothing could be looked at here; {missed}")
    return replace(found, why=f"{found.why}; {missed}")


def _found(state: State) -> Finish:
    ended = [(step, state.journal[step.key]) for step in state.plan.steps]
    asked = [step for step, entry in ended if step.kind is PlannedKind.ESCALATE and entry.verdict is Verdict.PASSED]
    changed = any(
        step.kind is PlannedKind.ACTION and step.effect is Effect.COMMAND and entry.verdict is Verdict.PASSED
        for step, entry in ended
    )
    check = _since_change(state).latest(health=True)
    if asked and not _well_since(asked[-1], state):
        return Finish(outcome=Outcome.ESCALATED, why=f"level {asked[0].level} was asked to look")
    if check is not None and check.verdict is Verdict.PASSED and changed and not state.restored:
        return Finish(outcome=Outcome.ESCALATED, why="it works again, but its target was not put back")
    if check is not None and check.verdict is Verdict.PASSED:
        outcome = Outcome.CURED if changed else Outcome.PASSED
        return Finish(outcome=outcome, why=f"the last check passed: {check.detail}", well=True)
    if check is not None and check.verdict is Verdict.FAILED:
        return Finish(outcome=Outcome.FAILED, why=f"the last check did not pass: {check.detail}")
    failed = [(step, entry) for step, entry in ended if entry.verdict is Verdict.FAILED]
    if failed:
        return Finish(outcome=Outcome.FAILED, why=f"step {failed[-1][0].key} failed: {failed[-1][1].detail}")
    return Finish(outcome=Outcome.PASSED, why="every step that was to be done is done")
