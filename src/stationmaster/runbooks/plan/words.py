"""Words that every plan is made with: the steps that do something, their keys, their titles, their class."""

from collections.abc import Iterator
from dataclasses import replace

from stationmaster.runbooks.plan.planned import THE_PART_BEFORE, PlannedStep
from stationmaster.runbooks.read.document import Condition, ConditionKind, Step, StepKind
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.risk.classes import worst


def leaves(steps: tuple[Step, ...], inherited: tuple[Condition, ...]) -> Iterator[tuple[Step, tuple[Condition, ...]]]:
    """Every step that does something itself, with the conditions of the steps around it."""
    for step in steps:
        conditions = (*inherited, *step.conditions)
        if step.kind is StepKind.NOTE:
            continue
        below = {action.action for child in step.children for each in child.walk() for action in each.actions}
        own = tuple(action for action in step.actions if action.action not in below)
        if not step.children or step.commands or own:
            yield replace(step, actions=own), conditions
        yield from leaves(step.children, conditions)


def declared_risk(assessed: Risk, declared: str | None) -> Risk:
    """An author may say what we do not know, and may ask for more care, never for less."""
    if declared is None:
        return assessed
    return Risk(declared) if assessed is Risk.UNKNOWN else worst(assessed, Risk(declared))


def lettered(steps: list[PlannedStep]) -> list[PlannedStep]:
    if len(steps) < 2:
        return steps
    keys = [f"{step.key}{_letter(number)}" for number, step in enumerate(steps)]
    return [
        replace(step, key=key, unless_passed=before if step.unless_passed == THE_PART_BEFORE else step.unless_passed)
        for step, key, before in zip(steps, keys, ["", *keys], strict=False)
    ]


def _letter(number: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[number] if number < 26 else f"z{number}"


def unique(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return tuple({each.kind if each.kind is not ConditionKind.OTHER else each: each for each in conditions}.values())


def title_of(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 120 else f"{plain[:119]}…"
