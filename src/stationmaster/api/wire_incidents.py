"""Incidents as they go over the wire: the whole of one, and what may be done with it."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, IncidentDetail, Order

Text = Annotated[str, msgspec.Meta(max_length=20_000)]
Short = Annotated[str, msgspec.Meta(max_length=500)]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class IncidentAlert(Answer):
    fingerprint: str
    labels: dict[str, str]
    summary: str
    firing: bool
    starts_at: datetime
    ends_at: datetime | None
    worked: bool = False
    """A runbook is looked for or worked."""
    inhibited_by: str = ""
    """The fingerprint of the alert that it only follows from."""


class IncidentPage(Answer):
    what: str
    """page, or the notice that it is: opened, acknowledged, resolved."""
    level: int
    """Counted from 1; 0 for somebody who was asked for by name, and for notices."""
    to: str
    contact: str
    kind: str
    due_at: datetime
    state: str
    """owed, claimed (it is being sent), sent, failed or needless."""
    attempts: int
    ended_at: datetime | None
    detail: str
    why: str


class NoteVersion(Answer):
    at: datetime
    by: str
    text: str


class IncidentNote(Answer):
    id: int
    versions: tuple[NoteVersion, ...]
    """The last is what holds."""


class IncidentResponder(Answer):
    name: str
    at: datetime
    by: str


class ReachedLevel(Answer):
    level: int
    round: int
    at: datetime
    why: str


class IncidentRelation(Answer):
    """Other incidents that may be the same failure."""

    cause: str
    why: str
    numbers: tuple[int, ...]
    at: datetime


class DiagnosedCheck(Answer):
    step: str
    title: str
    verdict: str
    detail: str


class DiagnosedCause(Answer):
    """A cause that the runbook knows."""

    title: str
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    """What could not be looked at, each with the reason."""
    ruled_out: bool = False


class DiagnosedRemedy(Answer):
    """The first change that the run comes to."""

    step: str
    title: str
    command: str
    asks: str = ""
    """What it waits for; empty where it is made unasked."""


class IncidentDiagnosis(Answer):
    """What a run found out before it changed anything."""

    at: datetime
    run: str
    runbook: str
    likely: str
    """Empty where nothing speaks for one cause more than for the others."""
    why: str
    causes: tuple[DiagnosedCause, ...] = ()
    """The likeliest first."""
    checks: tuple[DiagnosedCheck, ...] = ()
    unseen: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    """What else is not well."""
    proposed: DiagnosedRemedy | None = None


class IncidentStory(IncidentDetail):
    """The whole of one incident."""

    urgency: str = "high"
    priority: str = ""
    policy: str | None = None
    """The escalation policy, as it was when the incident opened."""
    routed: str = ""
    region: str = ""
    instance: str = ""
    summary: str = ""
    url: str = ""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    reviewed_at: datetime | None = None
    merged_into: int | None = None
    merged: tuple[int, ...] = ()
    related: tuple[IncidentRelation, ...] = ()
    alerts: tuple[IncidentAlert, ...] = ()
    pages: tuple[IncidentPage, ...] = ()
    levels: tuple[ReachedLevel, ...] = ()
    notes: tuple[IncidentNote, ...] = ()
    responders: tuple[IncidentResponder, ...] = ()
    diagnoses: tuple[IncidentDiagnosis, ...] = ()


class ActOrder(Order):
    """`why` is kept in the timeline."""

    why: Text = ""


class SnoozeOrder(Order):
    """Either of both; `until` is RFC 3339 with its offset."""

    until: datetime | None = None
    seconds: Annotated[int, msgspec.Meta(ge=1, le=7 * 86_400)] | None = None
    why: Text = ""


class EscalateOrder(Order):
    level: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    """Counted from 1; without it the next."""
    why: Text = ""


class AssignOrder(Order):
    to: Short
    """responder/ada, schedule/primary or channel/ops."""
    why: Text = ""


class RaiseOrder(Order):
    condition: Short
    """runbook failed, data integrity, security, customer reports, infrastructure, major impact."""
    why: Text = ""


class IncidentEdit(Order):
    """What is left out stays as it is."""

    title: Short | None = None
    severity: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    urgency: str | None = None
    """high or low."""
    priority: Annotated[str, msgspec.Meta(max_length=16)] | None = None


class NoteOrder(Order):
    text: Text


class MergeOrder(Order):
    into: Number
    why: Text = ""


class SplitOrder(Order):
    fingerprints: Annotated[tuple[Short, ...], msgspec.Meta(min_length=1, max_length=10_000)]
    why: Text = ""
