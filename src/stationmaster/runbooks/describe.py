"""Says what was understood of a runbook, for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TypeVar

import msgspec

from stationmaster.core.problem import Diagnostic
from stationmaster.runbooks.description import (
    AboutPart,
    ActionPart,
    CautionPart,
    CommandPart,
    ConditionPart,
    Description,
    EdgePart,
    ExpectationPart,
    KnowledgePart,
    LinesPart,
    MatchPart,
    ParameterPart,
    ProblemPart,
    SectionPart,
    SessionPart,
    StepPart,
)
from stationmaster.runbooks.read.document import Attributes, Command, Runbook, Step
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.risk.classes import worst

Part = TypeVar("Part")


def describe(runbook: Runbook, diagnostics: tuple[Diagnostic, ...] = ()) -> Description:
    return Description(
        format="stationmaster.runbook/1",
        file=runbook.file,
        digest=runbook.digest,
        title=runbook.title,
        retired=runbook.retired,
        type=runbook.type,
        service=runbook.service or runbook.match.service,
        severity=runbook.severity,
        description=runbook.description,
        tags=runbook.tags,
        match=_same(runbook.match, MatchPart),
        about=_same(runbook.about, AboutPart),
        contacts=runbook.contacts,
        sections=tuple(_same(each, SectionPart) for each in runbook.sections),
        steps=tuple(_step(step, parent) for step, parent in _walk(runbook.steps, "")),
        knowledge=_same(runbook.knowledge, KnowledgePart),
        problems=tuple(problem_part(each) for each in diagnostics),
    )


def as_json(description: Description) -> bytes:
    return msgspec.json.format(msgspec.json.encode(description), indent=2)


def problem_part(diagnostic: Diagnostic) -> ProblemPart:
    return ProblemPart(
        code=diagnostic.code,
        severity=diagnostic.severity,
        line=diagnostic.origin.line,
        column=diagnostic.origin.column,
        message=diagnostic.message,
        hint=diagnostic.hint,
    )


def risk_of(step: Step) -> Risk | None:
    """The worst class of its commands, as far as they can be read; None without any."""
    return worst(*(assess(each.text).risk for each in step.commands)) if step.commands else None


def _same(node: object, part: type[Part]) -> Part:
    """The struct with the values of the attributes that have its names."""
    return msgspec.convert(node, part, from_attributes=True)


def _walk(steps: tuple[Step, ...], parent: str) -> Iterator[tuple[Step, str]]:
    for step in steps:
        yield step, parent
        yield from _walk(step.children, step.address)


def _step(step: Step, parent: str) -> StepPart:
    commands = tuple(_command(each) for each in step.commands)
    return StepPart(
        address=step.address,
        parent=parent,
        kind=step.kind,
        lines=_same(step.lines, LinesPart),
        text=step.text,
        original=step.original,
        why=step.why,
        risk=worst(*(each.risk for each in commands)) if commands else None,
        commands=commands,
        expectations=tuple(_same(each, ExpectationPart) for each in step.expectations),
        conditions=tuple(_same(each, ConditionPart) for each in step.conditions),
        actions=tuple(_same(each, ActionPart) for each in step.actions),
        wait_s=step.wait_s,
        parameters=tuple(_same(each, ParameterPart) for each in step.parameters),
        edges=tuple(_same(each, EdgePart) for each in step.edges),
        cautions=tuple(_same(each, CautionPart) for each in step.cautions),
        attributes=_attributes(step.attributes),
        judges=step.judges,
        instructs=step.instructs,
    )


def _attributes(attributes: Attributes) -> dict[str, object]:
    said = {name: value for name, value in asdict(attributes).items() if value not in (None, (), {})}
    built: dict[str, object] = msgspec.to_builtins(said)
    return built


def _command(command: Command) -> CommandPart:
    judged = assess(command.text)
    return CommandPart(
        text=command.text,
        lines=_same(command.lines, LinesPart),
        risk=judged.risk,
        why=judged.why,
        comment=command.comment,
        session=_same(command.session, SessionPart),
        conditions=tuple(_same(each, ConditionPart) for each in command.conditions),
        cautions=tuple(_same(each, CautionPart) for each in command.cautions),
        shown=command.shown,
    )
