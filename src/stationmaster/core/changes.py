"""Facts of the changes that the platform makes by itself: when one began, when it was over, what callers got of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiReading:
    """What callers of an API got over some seconds: how many requests, the share that was good, and the time within
    which 95 % were answered. `burn` says how fast the error budget of its objective burns, where it has one."""

    api: str
    requests: float
    good_percent: float
    p95_ms: float | None = None
    burn: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBegan:
    """The platform begins to change something by itself, or after a yes. `before` is what callers got until then, with
    the first change of a run alone; what does not `count` uses up no budget. `revives`: it restarted instances that
    were down, and did nothing else."""

    at: datetime
    incident: int
    run: str
    step: str
    attempt: int
    services: tuple[str, ...] = ()
    restarts: tuple[str, ...] = ()
    counts: bool = True
    revives: bool = False
    before: tuple[ApiReading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEnded:
    """It has been verified, or cannot be: others may change the same service."""

    at: datetime
    incident: int
    run: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWorsened:
    """Callers fare worse after it than before the first change of the run; `why` says so in numbers."""

    at: datetime
    incident: int
    run: str
    step: str
    why: str
