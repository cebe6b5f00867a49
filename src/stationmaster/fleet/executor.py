"""What a place that runs instances has to be able to do; every executor passes the same contract tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from stationmaster.core.command import CommandResult
from stationmaster.fleet.inventory import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A live process of the platform."""

    name: str
    pid: int
    started_at: datetime


class Executor(Protocol):
    async def seen(self) -> Mapping[str, Running]:
        """Every live process of this platform by name, whoever started it."""
        ...

    async def start(self, launch: Launch) -> Running:
        """Starts the process unless one of its name lives; PlatformError when it cannot be started."""
        ...

    async def stop(self, name: str, *, grace_s: float) -> bool:
        """Asks the process to end and ends it after `grace_s` seconds; says whether one was there."""
        ...

    async def kill(self, name: str) -> bool:
        """Ends the process at once, as a crash would."""
        ...

    async def logs(self, name: str, *, tail: int) -> str:
        """The last `tail` lines that the instance wrote."""
        ...

    async def run_command(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        """Runs a command where the instance runs, with nothing on its standard input."""
        ...
