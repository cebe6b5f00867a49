"""What was understood of a runbook, as plain rows for a table and as JSON for programs."""

import msgspec

from stationmaster.core.problem import Diagnostic
from stationmaster.runbooks.read.document import Action, Condition, Expectation, ExpectationKind, Runbook, Step
from stationmaster.runbooks.risk import assess
from stationmaster.runbooks.risk_table import worst


class StepRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step in words; empty texts where it says nothing."""

    address: str
    kind: str
    lines: str
    text: str
    command: str = ""
    risk: str = ""
    expectation: str = ""
    condition: str = ""
    action: str = ""
    wait_s: float = 0.0
    parameters: tuple[str, ...] = ()
    why: str = ""


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    file: str
    title: str
    digest: str
    retired: bool
    type: str
    service: str
    severity: str
    description: str
    tags: tuple[str, ...]
    alerts: tuple[str, ...]
    quoted: tuple[str, ...]
    contacts: tuple[str, ...]
    steps: tuple[StepRow, ...]
    problems: tuple[str, ...] = ()


def describe(runbook: Runbook, diagnostics: tuple[Diagnostic, ...] = ()) -> Description:
    return Description(
        file=runbook.file,
        title=runbook.title,
        digest=runbook.digest,
        retired=runbook.retired,
        type=runbook.type,
        service=runbook.match.service,
        severity=runbook.severity,
        description=runbook.description,
        tags=runbook.tags,
        alerts=runbook.match.alerts,
        quoted=runbook.match.quoted,
        contacts=runbook.contacts,
        steps=tuple(_row(step) for step in runbook.walk()),
        problems=tuple(str(each) for each in diagnostics),
    )


def as_json(description: Description) -> bytes:
    return msgspec.json.format(msgspec.json.encode(description), indent=2)


def _row(step: Step) -> StepRow:
    risks = [assess(command.text).risk for command in step.commands]
    return StepRow(
        address=step.address,
        kind=step.kind.value,
        lines=str(step.lines),
        text=step.text,
        command="\n".join(command.text for command in step.commands),
        risk=worst(*risks).value if risks else "",
        expectation="; ".join(_expectation(each) for each in step.expectations),
        condition="; ".join(_condition(each) for each in step.conditions),
        action="; ".join(_action(each) for each in step.actions),
        wait_s=step.wait_s or 0.0,
        parameters=tuple(parameter.text for parameter in step.parameters),
        why=step.why,
    )


def _expectation(expectation: Expectation) -> str:
    if expectation.kind is ExpectationKind.COUNT:
        return f"{expectation.count} lines with '{expectation.value}'"
    text = f"{expectation.kind.value} '{expectation.value}'" if expectation.value else expectation.kind.value
    meanings = [f"met: {expectation.met}"] if expectation.met else []
    meanings += [f"unmet: {expectation.unmet}"] if expectation.unmet else []
    return f"{text} ({'; '.join(meanings)})" if meanings else text


def _condition(condition: Condition) -> str:
    return f"{condition.kind.value}: {condition.text}"


def _action(action: Action) -> str:
    level = f" level {action.level}" if action.level else ""
    note = f", note '{action.note}'" if action.note else ""
    return f"{action.action.value}{level}{note}"
