"""What happened: immutable facts that one room writes and others act on; never state, never a wish."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from stationmaster.core.changes import ChangeBegan, ChangeEnded, ChangeWorsened


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One failing thing. `fingerprint` is a digest of the labels; `labels` follow Prometheus (`alertname`, `service`,
    `environment`, `region`, `instance`, `severity`); `summary` names service, environment and URL; `annotations` are
    those of the rule that fired; `rule` says where that rule stands, as `runbooks/latency.md:41`. It fires from
    `starts_at` on; `active_at` is since when its condition held, None where nobody knows."""

    fingerprint: str
    labels: Mapping[str, str]
    summary: str
    url: str
    starts_at: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    rule: str = ""
    active_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")


class BalancerState(Enum):
    """Whether a target may take traffic from a virtual host."""

    IN = "in"
    OUT = "out"
    DRAIN = "drain"
    """It finishes what it has and gets nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFired:
    at: datetime
    alert: Alert
    evidence: str
    """The last answers of the check, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecovered:
    at: datetime
    alert: Alert
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentOpened:
    at: datetime
    incident: int
    title: str
    alert: Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertJoined:
    """An alert that is new to an open incident belongs to it from now on; `why` says by what. `worked`: a runbook is
    to be looked for as for one that opens an incident; what only follows from the incident is not worked."""

    at: datetime
    incident: int
    alert: Alert
    why: str
    worked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceQuiet:
    """Every alert of the incident about this instance has recovered, and no runbook is worked for one of them any
    more; others of the incident may still fire."""

    at: datetime
    incident: int
    instance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRecovered:
    """Every alert of the incident has recovered; work on it may still be under way."""

    at: datetime
    incident: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentResolved:
    """`by` and `why` are empty where nobody did it: every alert had recovered."""

    at: datetime
    incident: int
    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentChanged:
    """Somebody did something with it. `act` is a stable word (acknowledged, mitigated, escalated, merged ...), `status`
    what it is from then on; `other` the incident that it was merged into or split off."""

    at: datetime
    incident: int
    act: str
    status: str
    by: str
    text: str
    other: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded:
    """A note on an incident; `key` makes it idempotent: the second note of a key on an incident is dropped."""

    at: datetime
    incident: int
    key: str
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPosted:
    """The public was told something of an incident on the status page. `status` is a word of Statuspage
    (investigating, identified, monitoring, resolved, postmortem)."""

    at: datetime
    incident: int
    status: str
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChanged:
    at: datetime
    virtual_host: str
    target: str
    state: BalancerState
    by: str
    why: str
    acknowledged: Mapping[str, float]
    """Milliseconds after which each gateway node acknowledged it."""
    pending: tuple[str, ...] = ()
    """Nodes that had not acknowledged it within the limit."""
    incident: int | None = None
    manual: bool = False
    """Somebody holds it there: nothing automatic changes it until it is released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    at: datetime
    incident: int
    run: str
    runbook: str
    why: str
    """Why this runbook answers this alert."""
    fingerprint: str = ""
    """Of that alert; nothing: of the one with which the incident opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDeclined:
    """No runbook is worked for an alert of the incident; a person has to look."""

    at: datetime
    incident: int
    why: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckMade:
    """One reading step, and what it found; `step` is its address in the runbook."""

    step: str
    title: str
    verdict: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectedCause:
    """A cause that the runbook knows, with what speaks for it and against it, and what could not be looked at."""

    title: str
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    ruled_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedRemedy:
    """The first change that the run comes to; `asks` says what it waits for, and is empty where it is made unasked."""

    step: str
    title: str
    command: str
    asks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisMade:
    """What a run found out before it changed anything. `likely` is empty where nothing speaks for one cause more than
    for the others; `causes` are ordered by that, the likeliest first. `affected` is what else is not well now."""

    at: datetime
    incident: int
    run: str
    runbook: str
    likely: str
    why: str
    causes: tuple[SuspectedCause, ...] = ()
    checks: tuple[CheckMade, ...] = ()
    unseen: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    proposed: ProposedRemedy | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStepEnded:
    at: datetime
    incident: int
    run: str
    step: str
    """The step's address in the runbook, as `2.1`."""
    title: str
    verdict: str
    """passed, failed, skipped, refused or manual."""
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    at: datetime
    incident: int
    run: str
    outcome: str
    """cured, escalated or aborted."""
    detail: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationAsked:
    """Somebody has to look: what could not be done safely, or did not help."""

    at: datetime
    incident: int
    level: int
    why: str
    contact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A step of a run waits until somebody says yes to exactly this command, or until `expires_at`."""

    at: datetime
    incident: int
    run: str
    step: str
    command: str
    risk: str
    why: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAnswered:
    """`why` is what was said to it; `by` is empty where nobody answered in time."""

    at: datetime
    incident: int
    run: str
    step: str
    allowed: bool
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRestarted:
    at: datetime
    instance: str
    by: str
    why: str
    incident: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultInjected:
    at: datetime
    drill: str
    instance: str
    fault: str


Fact: TypeAlias = (
    AlertFired
    | AlertRecovered
    | IncidentOpened
    | AlertJoined
    | InstanceQuiet
    | IncidentRecovered
    | IncidentResolved
    | IncidentChanged
    | NoteAdded
    | StatusPosted
    | TargetChanged
    | RunStarted
    | RunDeclined
    | DiagnosisMade
    | RunStepEnded
    | RunEnded
    | EscalationAsked
    | ApprovalAsked
    | ApprovalAnswered
    | InstanceRestarted
    | ChangeBegan
    | ChangeEnded
    | ChangeWorsened
    | FaultInjected
)

FACT_KINDS: tuple[type[Fact], ...] = (
    AlertFired,
    AlertRecovered,
    IncidentOpened,
    AlertJoined,
    InstanceQuiet,
    IncidentRecovered,
    IncidentResolved,
    IncidentChanged,
    NoteAdded,
    StatusPosted,
    TargetChanged,
    RunStarted,
    RunDeclined,
    DiagnosisMade,
    RunStepEnded,
    RunEnded,
    EscalationAsked,
    ApprovalAsked,
    ApprovalAnswered,
    InstanceRestarted,
    ChangeBegan,
    ChangeEnded,
    ChangeWorsened,
    FaultInjected,
)
