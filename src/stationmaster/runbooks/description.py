"""The JSON document of a runbook that has been read, as structs; `docs/runbook.schema.json` is made of them."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from stationmaster.core.problem import Severity
from stationmaster.runbooks.read.document import ConditionKind, EdgeKind, ExpectationKind, SessionKind, StepKind
from stationmaster.runbooks.read.document import PlatformAction as ActionName
from stationmaster.runbooks.read.knowledge import Comparison, LinkKind, Moment, TriggerKind, Use
from stationmaster.runbooks.risk import Risk


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the document; every field is always there, empty where the runbook says nothing."""


class LinesPart(_Part, frozen=True):
    """Lines of the file, counted from 1, both included."""

    first: int
    last: int


class ExpectationPart(_Part, frozen=True):
    """What an output has to show; `count` lines with `value` for `count`; `line` is 0 where it is not known."""

    kind: ExpectationKind
    value: str
    count: int
    met: str
    unmet: str
    line: int


class ConditionPart(_Part, frozen=True):
    """When a step applies; `other` is a condition that only a person can judge."""

    kind: ConditionKind
    text: str


class EdgePart(_Part, frozen=True):
    """A condition or a jump; `target` is the address that a `goto` leads to."""

    kind: EdgeKind
    text: str
    line: int
    target: str


class SessionPart(_Part, frozen=True):
    """Where a command is typed; `opened_by` is the command that opened it, empty for the operator's own shell."""

    kind: SessionKind
    opened_by: str


class CautionPart(_Part, frozen=True):
    """A warning beside a step or command; one that `forbids` is shown and never run."""

    text: str
    line: int
    forbids: bool


class CommandPart(_Part, frozen=True):
    """One statement of shell with its class and the reasons for it; `shown` is output that the document shows."""

    text: str
    lines: LinesPart
    risk: Risk
    why: tuple[str, ...]
    comment: str
    session: SessionPart
    conditions: tuple[ConditionPart, ...]
    cautions: tuple[CautionPart, ...]
    shown: str


class ActionPart(_Part, frozen=True):
    """What the platform does itself in place of clicks."""

    action: ActionName
    text: str
    note: str
    level: int
    contacts: tuple[str, ...]
    conditions: tuple[ConditionPart, ...]


class ParameterPart(_Part, frozen=True):
    """A place to be filled in, as written, and its plain name."""

    text: str
    name: str


class StepPart(_Part, frozen=True):
    """One step; `parent` is the address of the step around it, `judges` the one whose output it judges.

    `instructs` tells whether its own words ask for something, which those of a heading or an explanation do not;
    `attributes` holds what the author made exact, `why` says what made the step its kind.
    """

    address: str
    parent: str
    kind: StepKind
    lines: LinesPart
    text: str
    original: str
    why: str
    risk: Annotated[Risk | None, Meta(description="The worst of its commands; null without any.")]
    commands: tuple[CommandPart, ...]
    expectations: tuple[ExpectationPart, ...]
    conditions: tuple[ConditionPart, ...]
    actions: tuple[ActionPart, ...]
    wait_s: float | None
    parameters: tuple[ParameterPart, ...]
    edges: tuple[EdgePart, ...]
    cautions: tuple[CautionPart, ...]
    attributes: dict[str, Any]
    judges: str
    instructs: bool


class AboutPart(_Part, frozen=True):
    """Who keeps the document, empty where it does not say; `lines` tells which line says which of them."""

    owner: str
    team: str
    component: str
    version: str
    updated: date | None
    next_review: date | None
    link: str
    name: str
    impact: str
    lines: tuple[tuple[str, int], ...]


class PhasePart(_Part, frozen=True):
    """A part of the procedure with a clock; `steps` are the addresses of its outermost steps."""

    title: str
    lines: LinesPart
    from_s: float
    until_s: float | None
    steps: tuple[str, ...]


class SymptomPart(_Part, frozen=True):
    """How a cause shows."""

    text: str
    line: int


class CausePart(_Part, frozen=True):
    """What may have gone wrong; `diagnosis` and `remedy` are addresses of steps."""

    title: str
    lines: LinesPart
    symptoms: tuple[SymptomPart, ...]
    diagnosis: tuple[str, ...]
    remedy: tuple[str, ...]


class ThresholdPart(_Part, frozen=True):
    """A number that a metric is held against; times are in seconds."""

    metric: str
    quantile: float | None
    comparison: Comparison
    value: float
    unit: str
    use: Use
    text: str
    line: int


class QueryPart(_Part, frozen=True):
    """A query in its own language."""

    language: str
    title: str
    text: str
    lines: LinesPart


class TriggerPart(_Part, frozen=True):
    """When to escalate; `after_s` for `duration`."""

    kind: TriggerKind
    text: str
    line: int
    after_s: float | None


class LevelPart(_Part, frozen=True):
    """One level of the escalation ladder."""

    level: int
    whom: str
    lines: LinesPart
    triggers: tuple[TriggerPart, ...]
    duties: tuple[str, ...]


class MessagePart(_Part, frozen=True):
    """A text for a status page or a channel; `every_s` is its cadence."""

    moment: Moment
    title: str
    text: str
    lines: LinesPart
    every_s: float | None


class TaskPart(_Part, frozen=True):
    """Something to do after the incident; `due_s` is seconds after its end."""

    text: str
    line: int
    group: str
    due_s: float | None
    done: bool


class ContactPart(_Part, frozen=True):
    """Somebody to ask; `known` is false for a name that no contacts data explains, `key` is its name in the data."""

    name: str
    key: str
    line: int
    role: str
    slack: str
    user_id: str
    email: str
    phone: str
    known: bool


class LinkPart(_Part, frozen=True):
    """A link of the document."""

    text: str
    url: str
    line: int
    kind: LinkKind


class KnowledgePart(_Part, frozen=True):
    """What a runbook says besides its steps.

    `alerts` are those that it names and does not answer, each with its line in `alert_lines`; `symptoms` are those of
    the failure that the whole document is about.
    """

    phases: tuple[PhasePart, ...]
    causes: tuple[CausePart, ...]
    thresholds: tuple[ThresholdPart, ...]
    queries: tuple[QueryPart, ...]
    escalation: tuple[LevelPart, ...]
    messages: tuple[MessagePart, ...]
    tasks: tuple[TaskPart, ...]
    contacts: tuple[ContactPart, ...]
    links: tuple[LinkPart, ...]
    alerts: tuple[str, ...]
    alert_lines: tuple[int, ...]
    symptoms: tuple[SymptomPart, ...]


class MatchPart(_Part, frozen=True):
    """Which alerts it answers: by name, by service, by texts that it quotes."""

    alerts: tuple[str, ...]
    service: str
    quoted: tuple[str, ...]
    tags: tuple[str, ...]


class SectionPart(_Part, frozen=True):
    """A heading and its lines; `role` is `procedure` or `reference`."""

    title: str
    level: int
    lines: LinesPart
    role: str


class ProblemPart(_Part, frozen=True):
    """What could not be used; a document with an `error` is shown and never run."""

    code: str
    severity: Severity
    line: int
    column: int
    message: str
    hint: str


class Description(_Part, frozen=True):
    """A runbook as it was understood: its steps in document order and everything else that it says.

    `format` changes when a field is removed or changes its meaning; fields may be added without that. `digest` is the
    SHA-256 of the text.
    """

    format: Literal["stationmaster.runbook/1"]
    file: str
    digest: str
    title: str
    retired: bool
    type: str
    service: str
    severity: str
    description: str
    tags: tuple[str, ...]
    match: MatchPart
    about: AboutPart
    contacts: tuple[str, ...]
    sections: tuple[SectionPart, ...]
    steps: tuple[StepPart, ...]
    knowledge: KnowledgePart
    problems: tuple[ProblemPart, ...]


def json_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of `runbook read --json`."""
    (schema,), components = msgspec.json.schema_components([Description], ref_template="#/$defs/{name}")
    named = {name.removesuffix("Part"): part for name, part in components.items()}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "$defs": dict(sorted(named.items())),
    }
    renamed: dict[str, Any] = _renamed(document)
    return renamed


def _renamed(node: Any) -> Any:
    """The same with references and titles that do not end in `Part`."""
    match node:
        case dict():
            return dict(_items(node))
        case list() | tuple():
            return [_renamed(each) for each in node]
        case _:
            return node


def _items(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        shortened = key in {"$ref", "title"} and isinstance(value, str)
        yield key, value.removesuffix("Part") if shortened else _renamed(value)
