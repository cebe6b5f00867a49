"""The words of a runbook that has been read: steps, commands, expectations, conditions, each with its lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from stationmaster.core.problem import Diagnostic
from stationmaster.runbooks.read.knowledge import About, Knowledge
from stationmaster.runbooks.read.lines import Lines


class ExpectationKind(Enum):
    CONTAINS = "contains"
    NOT_CONTAINS = "not-contains"
    JSON_SUBSET = "json-subset"
    JSON_LIST = "json-list"
    COUNT = "count"
    MATCHES = "matches"
    EXIT_STATUS = "exit-status"
    HTTP_STATUS = "http-status"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What an output has to show. `count` lines with `value` for COUNT; `met` and `unmet` are what it implies.
    OTHER is one that only a person can judge; `line` is where its sentence begins, 0 where nobody knows."""

    kind: ExpectationKind
    value: str
    count: int = 0
    met: str = ""
    unmet: str = ""
    line: int = 0


class ConditionKind(Enum):
    DOWN = "down"
    NO_ERRORS = "no-errors"
    RECOVERY_ALERT = "recovery-alert"
    RECOVERED = "recovered"
    STILL_DOWN = "still-down"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a step applies; OTHER is one that the platform cannot test."""

    kind: ConditionKind
    text: str


class EdgeKind(Enum):
    IF = "if"
    ELSE = "else"
    ONCE = "once"
    GOTO = "goto"
    CONTINUE = "continue-anyway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A condition or a jump as the document words it. `target` is the address of the step that a GOTO means, empty
    where it means none of this document; `line` is where its sentence begins."""

    kind: EdgeKind
    text: str
    line: int
    target: str = ""


class SessionKind(Enum):
    """Where a command runs: what follows `ssh`, `kubectl exec -it … sh` or `psql` in a fence is typed in there."""

    LOCAL = "local"
    SSH = "ssh"
    CONTAINER = "container"
    """A shell in a pod or container: kubectl exec, oc rsh, docker exec."""
    DATABASE = "database"
    CONSOLE = "console"
    """Any other prompt that reads its own language: rails console, python, redis-cli."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`opened_by` is the command that opened it, empty for the operator's own shell."""

    kind: SessionKind = SessionKind.LOCAL
    opened_by: str = ""


LOCAL = Session()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """A warning that stands beside a command or step and has to stay with it ("DO NOT RUN", "only if …")."""

    text: str
    line: int
    forbids: bool = False
    """Whether it says not to run it: such a command is shown and never run."""


class PlatformAction(Enum):
    """What the platform does itself where a runbook's prose describes clicks."""

    TARGET_REMOVE = "target.remove"
    TARGET_ADD = "target.add"
    SERVICE_RESTART = "service.restart"
    SERVICE_LOGS = "service.logs"
    NOTE_ADD = "note.add"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`note` is what the action leaves on the incident, `level` whom it escalates to, `contacts` who that is."""

    action: PlatformAction
    text: str
    note: str = ""
    level: int = 0
    contacts: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What the author made exact beside a step; None where nothing is said."""

    risk: str | None = None
    expect: str | None = None
    timeout_s: float | None = None
    wait_s: float | None = None
    retries: int | None = None
    on_failure: str | None = None
    rollback: str | None = None
    action: PlatformAction | None = None
    when: ConditionKind | None = None
    note: str | None = None
    level: int | None = None
    capture: str | None = None
    """`NAME` for the whole output, `NAME=regex` for its first group (or all that matched)."""
    pattern: str | None = None
    """`NAME=/regex/`: what a value has to look like, all of it."""
    secret: str | None = None
    """Names of values, separated by commas, that are never shown."""
    verify: str | None = None
    """A command whose success says that the change was made."""
    second_person: bool | None = None


UNSAID = Attributes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One statement of shell; `comment` stands above it in its fence, `conditions` before it in its sentence.
    `shown` is the output that the document shows below it."""

    text: str
    lines: Lines
    comment: str = ""
    session: Session = LOCAL
    conditions: tuple[Condition, ...] = ()
    cautions: tuple[Caution, ...] = ()
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A place to be filled in, as written (`X.X.X.X`, `<pod-name>`, `$NAME`, `{{ … }}`) and its plain name."""

    text: str
    name: str


class StepKind(Enum):
    GROUP = "group"
    COMMAND = "command"
    ACTION = "action"
    ESCALATE = "escalate"
    EXPECTATION = "expectation"
    NAVIGATION = "navigation"
    MANUAL = "manual"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One node of the tree. `text` is the prose without markup, `original` the lines as they stand; `why` says
    what made it its kind; `judges` is the address of the step whose output the expectations here are about."""

    address: str
    kind: StepKind
    lines: Lines
    text: str
    original: str
    why: str = ""
    commands: tuple[Command, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    conditions: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = ()
    wait_s: float | None = None
    parameters: tuple[Parameter, ...] = ()
    edges: tuple[Edge, ...] = ()
    cautions: tuple[Caution, ...] = ()
    attributes: Attributes = UNSAID
    judges: str = ""
    instructs: bool = False
    """Whether its own words tell somebody to do or to check something; a heading or label that only holds others,
    a shown command and an explanation do not."""
    children: tuple["Step", ...] = ()

    def walk(self) -> Iterator["Step"]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRules:
    """What says which alerts this runbook answers."""

    alerts: tuple[str, ...] = ()
    service: str = ""
    quoted: tuple[str, ...] = ()
    """Alert texts that the document quotes, with their placeholders."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with the text below it, up to the next heading; kept so that nothing of the document is lost."""

    title: str
    level: int
    lines: Lines
    role: str
    """procedure or reference."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """`digest` is the SHA-256 of the text; `file` is where it came from."""

    file: str
    digest: str
    title: str
    retired: bool = False
    type: str = ""
    service: str = ""
    severity: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    match: MatchRules = field(default_factory=MatchRules)
    contacts: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    steps: tuple[Step, ...] = ()
    about: About = field(default_factory=About)
    knowledge: Knowledge = field(default_factory=Knowledge)

    def walk(self) -> Iterator[Step]:
        for step in self.steps:
            yield from step.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A runbook and every problem found in it; a runbook with errors is shown but never run."""

    runbook: Runbook
    diagnostics: tuple[Diagnostic, ...] = ()
