"""Boils what was read of a document down to facts: lines, kinds and numbers, as the expectation tables hold them."""

from collections.abc import Sequence
from typing import Any

from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.knowledge import Cause, Contact, EscalationLevel, Knowledge, Message, Phase, Threshold
from stationmaster.runbooks.read.lines import Lines


def facts_of(runbook: Runbook) -> dict[str, Any]:
    knowledge, about = runbook.knowledge, runbook.about
    found: dict[str, Any] = {
        "retired": runbook.retired,
        "about": dict(about.lines),
        "version": about.version,
        "updated": about.updated,
        "next_review": about.next_review,
        "answers": list(runbook.match.alerts),
        "other_alerts": [[line, name] for line, name in zip(knowledge.alert_lines, knowledge.alerts, strict=True)],
        "symptoms": [each.line for each in knowledge.symptoms],
        **_lists(knowledge, runbook),
    }
    return {key: value for key, value in found.items() if value or key == "retired"}


def _lists(knowledge: Knowledge, runbook: Runbook) -> dict[str, Any]:
    return {
        "phases": [_phase(each) for each in knowledge.phases],
        "causes": [_cause(each, runbook) for each in knowledge.causes],
        "thresholds": [_threshold(each) for each in knowledge.thresholds],
        "queries": [[each.language, *_span(each.lines)] for each in knowledge.queries],
        "escalation": [_level(each) for each in knowledge.escalation],
        "messages": [_message(each) for each in knowledge.messages],
        "tasks": [[each.line, each.due_s, each.done] for each in knowledge.tasks],
        "contacts": [_contact(each) for each in knowledge.contacts],
        "links": [[each.line, each.kind.value] for each in knowledge.links],
    }


def _span(lines: Lines) -> list[int]:
    return [lines.first, lines.last]


def _phase(phase: Phase) -> dict[str, Any]:
    return {"lines": _span(phase.lines), "from_s": phase.from_s, "until_s": phase.until_s}


def _cause(cause: Cause, runbook: Runbook) -> dict[str, Any]:
    return {
        "lines": _span(cause.lines),
        "symptoms": [each.line for each in cause.symptoms],
        "diagnosis_commands": _commands(cause.diagnosis, runbook),
        "remedy_commands": _commands(cause.remedy, runbook),
    }


def _commands(addresses: Sequence[str], runbook: Runbook) -> list[int]:
    """The lines of the commands in these steps."""
    chosen = [step for step in runbook.walk() if step.address in addresses]
    return sorted({command.lines.first for top in chosen for step in top.walk() for command in step.commands})


def _threshold(threshold: Threshold) -> dict[str, Any]:
    return {
        "line": threshold.line,
        "noun": threshold.metric.split()[-1],
        "quantile": threshold.quantile,
        "is": f"{threshold.comparison.value} {threshold.value:g}{threshold.unit}",
        "use": threshold.use.value,
    }


def _level(level: EscalationLevel) -> dict[str, Any]:
    return {
        "level": level.level,
        "lines": _span(level.lines),
        "triggers": [[each.line, each.kind.value, each.after_s] for each in level.triggers],
        "duties": len(level.duties),
    }


def _message(message: Message) -> dict[str, Any]:
    return {"lines": _span(message.lines), "moment": message.moment.value, "every_s": message.every_s}


def _contact(contact: Contact) -> dict[str, Any]:
    ways = {
        "slack": bool(contact.slack),
        "email": bool(contact.email),
        "phone": bool(contact.phone),
    }
    told = {"line": contact.line, "by": [way for way, there in ways.items() if there], "known": contact.known}
    return {**told, "key": contact.key} if contact.key else told
