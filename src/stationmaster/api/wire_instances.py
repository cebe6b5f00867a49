"""The REST API's documents about single processes of the platform."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order


class InstanceOrder(Order):
    """`reason`: why, in one sentence; it is kept and shown to everybody who looks."""

    reason: str = ""


class InstanceChange(Answer):
    """What was done to a process; its health follows in the status."""

    name: str
    action: str
    by: str
    reason: str
    pid: int | None
    at: datetime


class InstanceLog(Answer):
    name: str
    text: str


class ExecOrder(Order):
    """A command that runs inside of the instance's surroundings; no shell reads it."""

    argv: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=1000)]
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=600)] = 30.0
    reason: str = ""


class ExecResult(Answer):
    """`exit_status` is None where the command could not be run or did not end in time; `output` says which."""

    name: str
    exit_status: int | None
    output: str


class InstanceUsage(Answer):
    """What an instance with all its processes uses; all None where it does not live."""

    name: str
    cpu_s: float | None
    """Seconds of one processor since it was started."""
    memory_bytes: int | None
    processes: int | None
