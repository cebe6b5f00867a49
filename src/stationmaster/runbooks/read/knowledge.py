"""The words for what a runbook says besides its steps: phases, causes, thresholds, queries, messages, tasks, people."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from stationmaster.runbooks.read.lines import Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Who keeps the document and what it is about; empty where it does not say."""

    owner: str = ""
    team: str = ""
    component: str = ""
    version: str = ""
    updated: date | None = None
    next_review: date | None = None
    link: str = ""
    name: str = ""
    """The name that its author gave the runbook (`runbook-name`)."""
    impact: str = ""
    lines: tuple[tuple[str, int], ...] = ()
    """Which line says which of them: ("owner", 292)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of the procedure with a clock: "Immediate Response (0-5 minutes)"."""

    title: str
    lines: Lines
    from_s: float
    until_s: float | None
    steps: tuple[str, ...] = ()
    """Addresses of its outermost steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that may have gone wrong: how it shows, how it is diagnosed, what cures it (addresses of steps)."""

    title: str
    lines: Lines
    symptoms: tuple[Symptom, ...] = ()
    diagnosis: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()


class Comparison(Enum):
    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "="


class Use(Enum):
    """What a threshold is for: an alert is bad when it holds, an objective is good when it holds."""

    ALERT = "alert"
    OBJECTIVE = "objective"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """ "Error rate > 5%" is metric "error rate", ABOVE, 5.0, unit "%". Times are in seconds with the unit "s"."""

    metric: str
    quantile: float | None
    """0.95 for p95."""
    comparison: Comparison
    value: float
    unit: str
    use: Use
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that the document shows, in its own language ("promql", "logql", "sql", "lucene")."""

    language: str
    title: str
    text: str
    lines: Lines


class TriggerKind(Enum):
    DURATION = "duration"
    FAILED_ATTEMPTS = "failed-attempts"
    DATA_INTEGRITY = "data-integrity"
    SECURITY = "security"
    CUSTOMER_REPORTS = "customer-reports"
    INFRASTRUCTURE = "infrastructure"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When to escalate; `after_s` for DURATION."""

    kind: TriggerKind
    text: str
    line: int
    after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationLevel:
    """Level `level` of the ladder: who it is, what it does, and what calls it (`triggers`)."""

    level: int
    whom: str
    lines: Lines
    triggers: tuple[Trigger, ...] = ()
    duties: tuple[str, ...] = ()


class Moment(Enum):
    FIRST = "first"
    UPDATE = "update"
    EXTENDED = "extended"
    RESTORED = "restored"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text for the status page or a channel; `every_s` is its cadence ("updates every 15 minutes")."""

    moment: Moment
    title: str
    text: str
    lines: Lines
    every_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to do after the incident, `due_s` seconds after its end; None where no time is said."""

    text: str
    line: int
    group: str = ""
    due_s: float | None = None
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody to ask. `known` is False for a name that no contacts data explains."""

    name: str
    line: int
    role: str = ""
    slack: str = ""
    user_id: str = ""
    email: str = ""
    phone: str = ""
    known: bool = True
    key: str = ""
    """What the contacts data calls it; empty for one that the document names itself."""


class LinkKind(Enum):
    DASHBOARD = "dashboard"
    LOGS = "logs"
    DOCUMENT = "document"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    text: str
    url: str
    line: int
    kind: LinkKind = LinkKind.OTHER


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    phases: tuple[Phase, ...] = ()
    causes: tuple[Cause, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    queries: tuple[Query, ...] = ()
    escalation: tuple[EscalationLevel, ...] = ()
    messages: tuple[Message, ...] = ()
    tasks: tuple[Task, ...] = ()
    contacts: tuple[Contact, ...] = ()
    links: tuple[Link, ...] = ()
    alerts: tuple[str, ...] = ()
    """Alerts that the document names besides the ones it answers."""
    alert_lines: tuple[int, ...] = ()
    """The line of each of them."""
    symptoms: tuple[Symptom, ...] = ()
    """How the failure shows that the whole document is about."""
