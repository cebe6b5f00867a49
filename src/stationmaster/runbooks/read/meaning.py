"""Says what one step means: its kind, conditions, expectations, edges, actions, from its text and attributes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from stationmaster.runbooks.read.actions import actions_of, navigation_reason
from stationmaster.runbooks.read.cautions import caution_of
from stationmaster.runbooks.read.conditions import conditions_of, wait_of
from stationmaster.runbooks.read.document import (
    UNSAID,
    Action,
    Attributes,
    Caution,
    Command,
    Condition,
    Edge,
    EdgeKind,
    Expectation,
    ExpectationKind,
    PlatformAction,
    Step,
    StepKind,
)
from stationmaster.runbooks.read.edges import edges_of
from stationmaster.runbooks.read.expectations import expectations_of
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.parameters import parameters_of
from stationmaster.runbooks.read.prose import Sentence
from stationmaster.runbooks.read.words import cells
from stationmaster.runbooks.risk import Risk, assess

_CONDITIONAL = cells("if once when unless after case")
_ONLY_WAITS = re.compile(r"(?:then |please |now |and )?wait\b[^.;,]*\.?", re.IGNORECASE)
_ASKING = cells("remove add record escalate notify page target")


@dataclass(slots=True, kw_only=True)
class Draft:
    """What has been gathered of a step before its meaning is decided. `told` says that its place makes it an
    instruction whatever its words, `silent` that it is none (a title); `heads` that others stand under it."""

    address: str
    lines: Lines
    text: str
    original: str
    said: list[Sentence] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    attributes: Attributes = UNSAID
    children: tuple[Step, ...] = ()
    told: bool = False
    silent: bool = False
    heads: bool = False
    shows: bool = False
    """Whether what stands under it is only shown: a block that holds no commands."""
    after_output: bool = False
    anchor: bool = False
    """Whether it only points to another place of the document."""
    shows_command: bool = False
    """Whether it begins with a command in code."""
    meant: "_Meant | None" = None
    """What was found in it, where somebody has asked already."""

    @property
    def instructs(self) -> bool:
        return not self.silent and (self.told or self.shows_command or any(each.instructs for each in self.said))


@dataclass(slots=True, kw_only=True)
class _Meant:
    """What the sentences of a draft hold."""

    instructs: bool
    edges: tuple[Edge, ...]
    actions: tuple[Action, ...]
    expectations: tuple[Expectation, ...]
    wait_s: float | None


def _meant(draft: Draft) -> _Meant:
    told = draft.instructs
    return _Meant(
        instructs=told,
        edges=edges_of(draft.said, heads=draft.heads, told=told, shows=draft.shows),
        actions=_actions(draft),
        expectations=expectations_in(draft),
        wait_s=wait_of(draft.text),
    )


def step_of(draft: Draft) -> Step:
    attributes = draft.attributes
    meant = draft.meant or _meant(draft)
    commands = tuple(_with_conditions(command, draft.said) for command in draft.commands)
    kind, why = _kind(draft, commands, meant)
    return Step(
        address=draft.address,
        kind=kind,
        lines=draft.lines,
        text=" ".join(draft.text.split()),
        original=draft.original,
        why=why,
        instructs=meant.instructs,
        commands=commands,
        expectations=meant.expectations,
        conditions=_conditions(draft.said, attributes),
        actions=meant.actions,
        wait_s=attributes.wait_s if attributes.wait_s is not None else meant.wait_s,
        parameters=parameters_of("\n".join([draft.text, *(command.text for command in draft.commands)])),
        edges=meant.edges,
        cautions=_beside(commands, cautions_in(draft.said)),
        attributes=attributes,
        children=_judging(draft.children),
    )


def says_something(draft: Draft) -> bool:
    """Whether words that instruct nobody say what to expect or when, or ask for what the platform does itself."""
    draft.meant = _meant(draft)
    return bool(draft.meant.edges or draft.meant.actions or draft.meant.expectations)


def expectations_in(draft: Draft) -> tuple[Expectation, ...]:
    if draft.attributes.expect is not None:
        return (Expectation(kind=ExpectationKind.CONTAINS, value=draft.attributes.expect, line=draft.lines.first),)
    shown = {each.line for each in draft.expectations}
    found: list[Expectation] = []
    after_output = draft.after_output or bool(draft.commands)
    for sentence in draft.said:
        instructed = sentence.instructs or draft.told
        found += expectations_of(
            sentence.text, sentence.words, line=sentence.line, after_output=after_output, instructed=instructed
        )
        after_output = after_output or sentence.instructs
    kept = (each for each in found if each.kind is not ExpectationKind.OTHER or each.line not in shown)
    return (*draft.expectations, *kept)


def cautions_in(said: Sequence[Sentence]) -> tuple[Caution, ...]:
    found = [caution_of(each.text, each.words, line=each.line) for each in said]
    return tuple([each for each in found if each is not None])


def _beside(commands: Sequence[Command], cautions: tuple[Caution, ...]) -> tuple[Caution, ...]:
    """The warnings that no command of the step holds already."""
    held = {(each.line, each.text) for command in commands for each in command.cautions}
    return tuple(each for each in cautions if (each.line, each.text) not in held)


def _conditions(said: Sequence[Sentence], attributes: Attributes) -> tuple[Condition, ...]:
    if attributes.when is not None:
        return (Condition(kind=attributes.when, text=f"when={attributes.when.value}"),)
    return conditions_of(said[0].text) if said and said[0].words & _CONDITIONAL else ()


def _actions(draft: Draft) -> tuple[Action, ...]:
    attributes = draft.attributes
    asking = (sentence.text for sentence in draft.said if sentence.words & _ASKING)
    found = tuple(action for sentence in asking for action in actions_of(draft.text, sentence=sentence))
    if attributes.action is None:
        return found
    same = next((each for each in found if each.action is attributes.action), None)
    made = same or Action(action=attributes.action, text=draft.text.split("\n")[0])
    level = attributes.level or made.level or (2 if attributes.action is PlatformAction.ESCALATE else 0)
    return (replace(made, note=attributes.note or made.note, level=level, conditions=()),)


def _with_conditions(command: Command, said: Sequence[Sentence]) -> Command:
    """A command in prose applies under the conditions of its own sentence."""
    sentence = next((each.text for each in said if f"`{command.text}`" in each.text), "")
    return replace(command, conditions=conditions_of(sentence)) if sentence else command


def _kind(draft: Draft, commands: tuple[Command, ...], meant: _Meant) -> tuple[StepKind, str]:
    actions, expectations = meant.actions, meant.expectations
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
    if expectations and not meant.instructs:
        return StepKind.EXPECTATION, "says what the output above should show"
    if any(each.kind is not ExpectationKind.OTHER for each in expectations):
        return StepKind.EXPECTATION, "says what the output above should show"
    if meant.wait_s is not None and _ONLY_WAITS.fullmatch(draft.text.strip()):
        return StepKind.MANUAL, "waits; nobody has to do anything"
    if any(each.kind is EdgeKind.GOTO for each in meant.edges):
        return StepKind.MANUAL, "says where the run goes on"
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
