"""Faults that are made on purpose, and where and how long that is allowed."""

from dataclasses import dataclass
from datetime import time
from enum import Enum


class FaultKind(Enum):
    """What is broken. `of` is an instance or a gateway node for those of `OF_PROCESSES`, an API for those of `OF_APIS`,
    whoever tells metrics for METRICS_GONE, and empty for what there is once in a platform."""

    KILL = "kill"
    """It dies, as by a crash."""
    HANG = "hang"
    """It lives and does nothing (SIGSTOP)."""
    REFUSE = "refuse"
    """It lives and takes no connections."""
    SLOW = "slow"
    """It answers `delay_ms` later than it should."""
    WRONG_BODY = "wrong-body"
    """It answers 200 with another text."""
    ERRORS = "errors"
    """It answers everything with `status`."""
    NO_SPACE = "no-space"
    """It cannot write, as on a full disk: every write that it tries ends with ENOSPC, and every request with 503."""
    DELAY = "delay"
    """Gateway nodes hold up a share of the requests for `delay_ms`."""
    ABORT = "abort"
    """Gateway nodes answer a share of the requests with `status`."""
    EXPIRED_CERTIFICATE = "expired-certificate"
    """The TLS entrances of the gateway show a certificate that expired yesterday."""
    BAD_ROTATION = "bad-rotation"
    """Gateway nodes know another signing key than the one that signs: tokens are refused, API keys are not."""
    METRICS_GONE = "metrics-gone"
    """Its metrics are asked for where it answers 404."""
    DISK_FULL = "disk-full"
    """The room that the state folder may take is used up, by a log that has grown."""
    CONTROL_KILL = "control-kill"
    """The control plane dies, as by a crash."""


OF_PROCESSES = (
    FaultKind.KILL,
    FaultKind.HANG,
    FaultKind.REFUSE,
    FaultKind.SLOW,
    FaultKind.WRONG_BODY,
    FaultKind.ERRORS,
    FaultKind.NO_SPACE,
)
OF_APIS = (FaultKind.DELAY, FaultKind.ABORT)
OF_THE_WHOLE = (
    FaultKind.EXPIRED_CERTIFICATE,
    FaultKind.BAD_ROTATION,
    FaultKind.DISK_FULL,
    FaultKind.CONTROL_KILL,
)
OVER_AT_ONCE = (FaultKind.KILL, FaultKind.CONTROL_KILL)
"""Nothing of them has to be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`sticky`: a process is broken again when somebody has mended it, until the fault ends: no restart helps."""

    kind: FaultKind
    of: str = ""
    delay_ms: int = 1000
    status: int = 503
    percent: int = 100
    sticky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledDrill:
    """`every_s` after the last run of that name, at that time of the day in UTC where one is given."""

    drill: str
    every_s: int
    at: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPolicy:
    """`allowed` False: no fault is ever injected. `longest_s`: then every fault is taken back, whatever happens."""

    allowed: bool = False
    longest_s: int = 600
    schedule: tuple[ScheduledDrill, ...] = ()
