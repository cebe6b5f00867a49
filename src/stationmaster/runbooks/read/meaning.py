"""Says what one step means: its kind, conditions, expectations, actions and waits, from its text and its attributes."""

from dataclasses import dataclass, field, replace

from stationmaster.runbooks.read.actions import actions_of, navigation_reason
from stationmaster.runbooks.read.conditions import conditions_of, sentences, wait_of
from stationmaster.runbooks.read.document import (
    Action,
    Attributes,
    Command,
    Condition,
    Expectation,
    ExpectationKind,
    PlatformAction,
    Step,
    StepKind,
)
from stationmaster.runbooks.read.expectations import expectations_of
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.parameters import parameters_of
from stationmaster.runbooks.risk import Risk, assess


@dataclass(slots=True, kw_only=True)
class Draft:
    """What has been gathered of a step before its meaning is decided."""

    address: str
    lines: Lines
    text: str
    original: str
    commands: list[Command] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    attributes: Attributes = field(default_factory=Attributes)
    children: tuple[Step, ...] = ()


def step_of(draft: Draft) -> Step:
    said = sentences(draft.text)
    attributes = draft.attributes
    conditions = _conditions(said, attributes)
    expectations = (*draft.expectations, *(each for sentence in said for each in expectations_of(sentence)))
    if attributes.expect is not None:
        expectations = (Expectation(kind=ExpectationKind.CONTAINS, value=attributes.expect),)
    actions = _actions(draft, said)
    commands = tuple(_with_conditions(command, said) for command in draft.commands)
    kind, why = _kind(draft, commands, actions, expectations)
    return Step(
        address=draft.address,
        kind=kind,
        lines=draft.lines,
        text=" ".join(draft.text.split()),
        original=draft.original,
        why=why,
        commands=commands,
        expectations=expectations,
        conditions=conditions,
        actions=actions,
        wait_s=attributes.wait_s if attributes.wait_s is not None else wait_of(draft.text),
        parameters=parameters_of("\n".join([draft.text, *(command.text for command in draft.commands)])),
        attributes=attributes,
        children=_judging(draft.children),
    )


def _conditions(said: list[str], attributes: Attributes) -> tuple[Condition, ...]:
    if attributes.when is not None:
        return (Condition(kind=attributes.when, text=f"when={attributes.when.value}"),)
    return conditions_of(said[0]) if said else ()


def _actions(draft: Draft, said: list[str]) -> tuple[Action, ...]:
    attributes = draft.attributes
    found = tuple(action for sentence in said for action in actions_of(draft.text, sentence=sentence))
    if attributes.action is None:
        return found
    same = next((each for each in found if each.action is attributes.action), None)
    made = same or Action(action=attributes.action, text=draft.text.split("\n")[0])
    level = attributes.level or made.level or (2 if attributes.action is PlatformAction.ESCALATE else 0)
    return (replace(made, note=attributes.note or made.note, level=level, conditions=()),)


def _with_conditions(command: Command, said: list[str]) -> Command:
    """A command in prose applies under the conditions of its own sentence."""
    sentence = next((each for each in said if f"`{command.text}`" in each), "")
    return replace(command, conditions=conditions_of(sentence))


def _kind(
    draft: Draft, commands: tuple[Command, ...], actions: tuple[Action, ...], expectations: tuple[Expectation, ...]
) -> tuple[StepKind, str]:
    if draft.attributes.action is not None:
        escalates = draft.attributes.action is PlatformAction.ESCALATE
        return (StepKind.ESCALATE if escalates else StepKind.ACTION), "its author made it exact"
    if draft.children and not commands:
        return StepKind.GROUP, "holds the steps below it"
    reason = navigation_reason(draft.text)
    if reason and not actions and all(assess(each.text).risk is Risk.INTERACTIVE for each in commands):
        return StepKind.NAVIGATION, reason
    if commands:
        return StepKind.COMMAND, "names a command"
    if any(each.action is PlatformAction.ESCALATE for each in actions):
        return StepKind.ESCALATE, "asks for somebody"
    if actions:
        return StepKind.ACTION, "asks for something that the platform does itself"
    if expectations:
        return StepKind.EXPECTATION, "says what the output above should show"
    return StepKind.MANUAL, "nothing in it is known to the platform; a person has to read it"


def _judging(children: tuple[Step, ...]) -> tuple[Step, ...]:
    """Ties an expectation that stands alone to the last command before it."""
    found: list[Step] = []
    last = ""
    for child in children:
        if child.kind is StepKind.COMMAND:
            last = child.address
        found.append(replace(child, judges=last) if child.kind is StepKind.EXPECTATION and last else child)
    return tuple(found)
