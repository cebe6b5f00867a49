"""Says each fact of an incident as one line of its timeline: when, who, what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from stationmaster.core.changes import ChangeBegan, ChangeEnded, ChangeWorsened
from stationmaster.core.facts import (
    AlertFired,
    AlertJoined,
    AlertRecovered,
    ApprovalAnswered,
    ApprovalAsked,
    BalancerState,
    DiagnosisMade,
    EscalationAsked,
    Fact,
    FaultInjected,
    IncidentChanged,
    IncidentOpened,
    IncidentRecovered,
    IncidentResolved,
    InstanceQuiet,
    InstanceRestarted,
    NoteAdded,
    RunDeclined,
    RunEnded,
    RunStarted,
    RunStepEnded,
    StatusPosted,
    TargetChanged,
)
from stationmaster.incidents import diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a timeline. `kind` is stable and meant for programs, `text` for people."""

    at: datetime
    kind: str
    by: str
    text: str
    key: str | None = None
    """An entry whose key the incident has already is dropped."""


def entry_of(fact: Fact) -> Entry:
    kind, by, text = _said(fact)
    key = fact.key if isinstance(fact, NoteAdded) else None
    if isinstance(fact, DiagnosisMade):
        key = diagnosis.key_of(fact.run)
    if isinstance(fact, InstanceRestarted):
        key = f"restarted/{fact.instance[:100]}/{fact.at.timestamp():.6f}"
    return Entry(at=fact.at, kind=kind, by=by, text=text, key=key)


def _said(fact: Fact) -> tuple[str, str, str]:
    match fact:
        case AlertFired():
            return "alert.fired", "monitor", f"{fact.alert.summary}: {fact.evidence}"
        case AlertRecovered():
            return "alert.recovered", "monitor", f"recovered, {fact.alert.url}: {fact.evidence}"
        case IncidentOpened():
            return "incident.opened", "incidents", f"incident #{fact.incident} opened: {fact.title}"
        case IncidentRecovered():
            return "incident.recovered", "incidents", "every alert has recovered"
        case IncidentResolved():
            return "incident.resolved", fact.by or "incidents", f"incident #{fact.incident} resolved{_behind(fact.why)}"
        case IncidentChanged():
            return f"incident.{fact.act}", fact.by, fact.text
        case AlertJoined():
            return "alert.joined", "incidents", f"{fact.alert.name} belongs to this: {fact.why}"
        case InstanceQuiet():
            return "instance.quiet", "incidents", f"every alert of {fact.instance} has recovered"
        case NoteAdded():
            return "note", fact.by, fact.text
        case StatusPosted():
            return "status.posted", fact.by, f"status page, {fact.status}: {fact.text}"
        case TargetChanged():
            return f"target.{fact.state.value}", fact.by, _target_text(fact)
        case ChangeBegan():
            return "change.began", "runbooks", f"step {fact.step} of {fact.run} begins to change {_named(fact)}"
        case ChangeEnded():
            return "change.ended", "runbooks", f"step {fact.step} of {fact.run} has been looked at"
        case ChangeWorsened():
            text = f"callers fare worse after step {fact.step}: {fact.why}; nothing more is changed unasked"
            return "change.worse", "runbooks", text
        case InstanceRestarted():
            return "instance.restarted", fact.by, f"{fact.instance} restarted: {fact.why}"
        case FaultInjected():
            return "fault.injected", f"drill {fact.drill}", f"{fact.fault} of {fact.instance}, on purpose"
        case _:
            return _said_of_run(fact)


_OfRun = (
    RunStarted
    | RunDeclined
    | DiagnosisMade
    | RunStepEnded
    | RunEnded
    | EscalationAsked
    | ApprovalAsked
    | ApprovalAnswered
)


def _said_of_run(fact: _OfRun) -> tuple[str, str, str]:
    match fact:
        case ApprovalAsked():
            until = f"{fact.expires_at:%H:%M:%S UTC}"
            text = f"step {fact.step} waits for a yes until {until}: `{fact.command}` ({fact.why})"
            return "approval.asked", "runbooks", text
        case ApprovalAnswered():
            said = "approved" if fact.allowed else "not approved"
            return "approval.answered", fact.by or "runbooks", f"step {fact.step} {said}{_behind(fact.why)}"
        case RunStarted():
            return "run.started", "runbooks", f"runbook “{fact.runbook}”: {fact.why}"
        case RunDeclined():
            return "run.declined", "runbooks", f"no runbook is worked: {fact.why}"
        case DiagnosisMade():
            return diagnosis.KIND, "runbooks", diagnosis.text_of(fact)
        case RunStepEnded():
            return "run.step", "runbooks", f"step {fact.step} {fact.title}: {fact.verdict}{_behind(fact.detail)}"
        case RunEnded():
            return "run.ended", "runbooks", f"run ended: {fact.outcome}{_behind(fact.detail)}"
        case EscalationAsked():
            to = f" ({fact.contact})" if fact.contact else ""
            return "escalation", "runbooks", f"level {fact.level}{to} has to look: {fact.why}"
        case _:
            assert_never(fact)


def _target_text(fact: TargetChanged) -> str:
    done = {BalancerState.OUT: "taken out of", BalancerState.DRAIN: "drained from"}.get(fact.state, "put back into")
    return f"target {fact.target} {done} {fact.virtual_host}: {fact.why}; {_receipt(fact.acknowledged, fact.pending)}"


def _receipt(acknowledged: Mapping[str, float], pending: tuple[str, ...]) -> str:
    parts = [f"{node} after {elapsed_ms:.0f} ms" for node, elapsed_ms in sorted(acknowledged.items())]
    said = f"acknowledged by {', '.join(parts)}" if parts else "acknowledged by no node"
    return f"{said}; waiting for {', '.join(pending)}" if pending else said


def _named(fact: ChangeBegan) -> str:
    return ", ".join(fact.services) or "something"


def _behind(detail: str) -> str:
    return f" — {detail}" if detail else ""
