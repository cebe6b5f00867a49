"""Says what a diagnosis looks at at once, how the plan goes on when it is known, and which change it comes to first."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from stationmaster.core.facts import DiagnosisMade, SuspectedCause
from stationmaster.runbooks.course import ByHand, Decide, jump_name, next_moves
from stationmaster.runbooks.diagnosis.suspects import Suspect
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Effect, Plan, PlannedKind, PlannedStep, is_of
from stationmaster.runbooks.read.document import ExpectationKind, PlatformAction
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.run import Do, Entry, Journal, Settle, Signals

_READS_LOG = "stm instance logs "
_NAMES = re.compile(r"(?:likely|probable|root) cause\s*:", re.IGNORECASE)


def looked_at_once(plan: Plan) -> tuple[PlannedStep, ...]:
    """Reads that depend on nothing that is open: no condition, no value to be found first. What comes after the last
    change only says whether that helped, and what is the same command is looked at once."""
    last = max((number for number, step in enumerate(plan.steps) if _changes(step)), default=len(plan.steps))
    found: dict[str, PlannedStep] = {}
    moved = False
    for number, step in enumerate(plan.steps):
        early = number < last or any(_is_of_any(step, each.diagnosis) for each in plan.suspects)
        if early and not moved and _reads(step):
            found.setdefault(step.script, step)
        moved = moved or "PWD" in step.keeps
    return tuple(found.values())


def reads_log(step: PlannedStep) -> bool:
    """What checks provoke stands in the log only after them."""
    return step.script.startswith(_READS_LOG)


def names_cause(step: PlannedStep) -> bool:
    """Whether its script prints what is likely wrong."""
    return _NAMES.search(step.script) is not None


def arranged(plan: Plan, made: DiagnosisMade) -> Plan:
    """What the likely cause is about comes before what the others are about; remedies of causes that are ruled out are
    left out, each with the reason."""
    ruled_out = {each.title: each for each in made.causes if each.ruled_out}
    steps = tuple(_left_out(step, plan.suspects, ruled_out) for step in plan.steps)
    likely = next((each for each in plan.suspects if each.title == made.likely), None)
    return replace(plan, steps=_likely_first(steps, plan.suspects, likely) if likely is not None else steps)


def first_change(
    plan: Plan, seen: Journal, signals: Signals, now: datetime, known: Mapping[str, str]
) -> PlannedStep | None:
    """The change that a run comes to first, as far as that can be told from what was seen; `known` are values that
    were captured. What was not looked at yet is passed over, and so is what a diagnosis itself has to ask for."""
    journal: dict[str, Entry] = {}
    decisions: dict[str, str] = {}
    for _ in range(2 * len(plan.steps) + 1):
        move = next_moves(plan, journal, decisions, now, signals=signals)[0]
        match move:
            case Do(step=step) if step.kind is PlannedKind.ACTION:
                if _can_be_filled(step, known) and not any(_is_of_any(step, each.diagnosis) for each in plan.suspects):
                    return step
                journal[step.key] = _entry(step, Verdict.REFUSED, now)
            case Do(step=step):
                journal[step.key] = seen.get(step.key) or _entry(step, _supposed(step), now)
            case Settle(step=step, verdict=verdict):
                journal[step.key] = _entry(step, verdict, now)
            case ByHand(step=step):
                journal[step.key] = _entry(step, Verdict.MANUAL, now)
            case Decide(step=step, jump=jump):
                decisions[jump_name(step, jump)] = "no"
            case _:
                return None
    return None


def expects(step: PlannedStep) -> bool:
    return any(each.kind is not ExpectationKind.OTHER for each in step.expectations)


def _changes(step: PlannedStep) -> bool:
    return step.kind is PlannedKind.ACTION and step.effect is Effect.COMMAND and not step.refusal


def _reads(step: PlannedStep) -> bool:
    reads = step.kind is PlannedKind.CHECK and step.effect is Effect.COMMAND and step.risk is Risk.READ
    bound = step.conditions or step.session or step.keeps or step.refusal or step.after or step.rolls_back
    return reads and not bound and all(each.value is not None for each in step.places)


def _is_of_any(step: PlannedStep, addresses: Sequence[str]) -> bool:
    """A verification or a rollback belongs to its change."""
    key = step.rolls_back or step.after or step.key
    return any(is_of(key, address) for address in addresses)


def _left_out(step: PlannedStep, suspects: Sequence[Suspect], ruled_out: Mapping[str, SuspectedCause]) -> PlannedStep:
    """Unless it is a remedy of another cause as well."""
    owners = [each for each in suspects if _is_of_any(step, each.remedy)]
    if not owners or not all(each.title in ruled_out for each in owners):
        return step
    cause = ruled_out[owners[0].title]
    why = f"“{cause.title}” is ruled out: {'; '.join(cause.speaks_against)}"
    return replace(step, kind=PlannedKind.NEEDLESS, effect=Effect.NONE, refusal="", conditions=(), jumps=(), why=why)


def _likely_first(
    steps: tuple[PlannedStep, ...], suspects: Sequence[Suspect], likely: Suspect
) -> tuple[PlannedStep, ...]:
    of_likely, of_others = _owned(likely), [_owned(each) for each in suspects if each is not likely]
    first = next((number for number, step in enumerate(steps) if any(of(step) for of in of_others)), None)
    own = [number for number, step in enumerate(steps) if of_likely(step)]
    if first is None or not own or own[0] < first:
        return steps
    moved = tuple(steps[number] for number in own)
    rest = [step for number, step in enumerate(steps) if number not in own]
    return (*rest[:first], *moved, *rest[first:])


def _owned(suspect: Suspect) -> Callable[[PlannedStep], bool]:
    return lambda step: _is_of_any(step, (*suspect.diagnosis, *suspect.remedy))


def _supposed(step: PlannedStep) -> Verdict:
    """Self-healing takes out what is down; of everything else that was not looked at nothing is known."""
    healing = step.kind is PlannedKind.WAIT and step.acts is PlatformAction.TARGET_REMOVE
    return Verdict.PASSED if healing else Verdict.SKIPPED


def _can_be_filled(step: PlannedStep, known: Mapping[str, str]) -> bool:
    return all(each.value is not None or each.name in known for each in step.places)


def _entry(step: PlannedStep, verdict: Verdict, now: datetime) -> Entry:
    return Entry(key=step.key, started_at=now, tried_at=now, attempts=1, verdict=verdict, ended_at=now)
