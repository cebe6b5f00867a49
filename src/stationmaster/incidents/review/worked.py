"""What a review has to know of the runs of an incident, of the files that they worked and of what else was hit."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedStep:
    """One step as it was planned, and what came of it. `first` and `last` are the lines of its file; `verdict` is
    passed, failed, skipped, refused or manual, empty where the run did not come to it."""

    key: str
    title: str
    kind: str
    """check, action, wait, manual, escalate or needless."""
    command: str = ""
    """As the file writes it; empty where the step runs none."""
    first: int = 0
    last: int = 0
    judged: bool = True
    """Whether anything is expected of its output that a program can test."""
    verdict: str = ""
    detail: str = ""
    output: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertThreshold:
    """A value at which the document says that an alert fires."""

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterTask:
    """What a runbook wants done after the incident, `due_s` seconds after its end; None where it does not say."""

    text: str
    group: str = ""
    due_s: float | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedFile:
    """The file of a runbook as it stands now. `digest` is its SHA-256, `root` the folder that patches are made against
    and `path` the place below it; `text` None: it cannot be read any more."""

    file: str
    root: str
    path: str
    text: str | None
    digest: str = ""
    thresholds: tuple[AlertThreshold, ...] = ()
    tasks: tuple[AfterTask, ...] = ()
    judged: frozenset[str] = frozenset()
    """Commands of the text as it stands now whose output is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedRun:
    """One run. `digest` is that of the text that was worked; `past_skips` counts, for steps by their key, how many of
    `past_runs` of the same text skipped them."""

    id: str
    runbook: str
    digest: str
    outcome: str
    detail: str
    started_at: datetime
    ended_at: datetime | None
    file: WorkedFile
    steps: tuple[WorkedStep, ...] = ()
    past_runs: int = 0
    past_skips: tuple[tuple[str, int], ...] = ()
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Everything that was worked for one incident. `home` is where a new runbook would stand: a folder and the place
    of that folder below its root; None where no folder of runbooks is declared."""

    runs: tuple[WorkedRun, ...] = ()
    home: tuple[str, str] | None = None
    taken: frozenset[str] = field(default_factory=frozenset)
    """Names of the files that stand there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What the gateway counted between two moments."""

    total: float
    failed: float
    by_api: tuple[tuple[str, float, float], ...] = ()
    """API, requests, failed requests."""


WorkOf: TypeAlias = Callable[[int], Awaitable[Work]]
"""What was worked for the incident of that number."""

RequestsOf: TypeAlias = Callable[[datetime, datetime, Sequence[str]], Awaitable[Requests | None]]
"""What the gateway served between two moments, of these APIs or of all; None where nobody knows."""


async def nothing_worked(incident: int) -> Work:
    return Work()


async def nobody_counted(since: datetime, until: datetime, apis: Sequence[str]) -> Requests | None:
    return None
