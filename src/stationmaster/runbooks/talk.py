"""What a run and the person who watches it say to each other: events one way, questions and answers the other."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeAlias

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.run import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened:
    """`resumed` when a run that was interrupted goes on; `ended` are the steps that had ended before."""

    at: datetime
    run: str
    plan: Plan
    resumed: bool = False
    ended: tuple["StepEnded", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegan:
    """`command` is the shell text with every place filled in and secrets redacted; `attempt` counts from 1."""

    at: datetime
    step: str
    command: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSeen:
    """A piece of output as it comes, decoded; never empty."""

    at: datetime
    step: str
    text: str
    error: bool = False
    """Whether it came on standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """`why` says what was expected and what was seen; `output` holds head and tail."""

    at: datetime
    step: str
    verdict: Verdict
    why: str
    command: str = ""
    exit_status: int | None = None
    output: str = ""
    took_ms: int = 0
    attempts: int = 1
    by: str = ""
    """Who approved or answered, where somebody did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A run waits: for `why`, until at most `until`."""

    at: datetime
    step: str
    why: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    at: datetime
    run: str
    outcome: Outcome
    why: str


RunEvent: TypeAlias = RunOpened | StepBegan | OutputSeen | StepEnded | Waiting | RunFinished


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A change that wants a yes. `digest` binds the answer to the command, its targets and the runbook's revision: a
    changed plan asks again. `named` is what has to be typed to confirm. Destroy wants a `second_person`, whose code
    is a signature of `digest` and `expires_at` (see approval.py)."""

    run: str
    step: PlannedStep
    command: str
    risk: Risk
    why: tuple[str, ...]
    named: str
    digest: str
    requested_by: str
    expires_at: datetime
    second_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """`by` is the person; `code` is theirs where a second person was asked for."""

    by: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The step is skipped with the reason given."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A value that nothing gives: its name, how the document writes it, where, and what it may look like."""

    name: str
    written: str
    used_in: str
    pattern: str = ""
    choices: tuple[str, ...] = ()
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualDone:
    """What a person says about a step that only a person can do or judge: PASSED, FAILED or SKIPPED."""

    verdict: Verdict
    why: str = ""
    by: str = ""


class AfterFailure(Enum):
    RETRY = "retry"
    GO_ON = "go-on"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    what: AfterFailure
    why: str = ""
    by: str = ""


class NeedsPersonError(PlatformError):
    """Raised by an Operator's question that nobody can answer now: the run stops there, to be resumed."""

    def __init__(self, message: str) -> None:
        super().__init__("needs-a-person", message, hint="resume the run where somebody can answer")


class NobodyThereError(NeedsPersonError):
    """Nobody is there at all: what only a person could judge is left unjudged rather than waited for."""


class Operator(Protocol):
    """Whoever works a run with us: a person at a terminal, a file of answers, or nobody.

    Every question may take as long as a person takes; a question that is cancelled (the run is aborted, the terminal
    is lost) leaves the run where it stands, to be resumed.
    """

    def told(self, event: RunEvent) -> None:
        """Never blocks and never raises."""
        ...

    async def approve(self, request: ApprovalRequest) -> Approved | Denied: ...

    async def fill(self, place: Place, problem: str = "") -> str | None:
        """None leaves the place open; `problem` says why the value before was refused."""
        ...

    async def work_by_hand(self, step: PlannedStep) -> ManualDone: ...

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice: ...
