"""What a place that runs instances has to be able to do; every executor passes the same contract tests."""

from collections.abc import AsyncGenerator, Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an instance with all its processes uses; `cpu_s` in seconds of one processor since it was started."""

    cpu_s: float
    memory_bytes: int
    processes: int


class Executor(Protocol):
    async def seen(self) -> Mapping[str, Running]:
        """Every live instance of this platform by name, whoever started it. PlatformError when nobody can tell."""
        ...

    async def start(self, launch: Launch) -> Running:
        """Starts the instance unless one of its name lives; PlatformError when it cannot be started."""
        ...

    async def stop(self, name: str, *, grace_s: float) -> bool:
        """Asks the instance to end and ends it, with all that it started, after `grace_s` seconds; says whether one
        was there."""
        ...

    async def kill(self, name: str) -> bool:
        """Ends the instance at once, as a crash would."""
        ...

    async def forget(self, name: str) -> None:
        """Takes away what a stopped instance leaves where it ran; the end of its log stays readable."""
        ...

    async def logs(self, name: str, *, tail: int) -> str:
        """The last `tail` lines that the instance wrote; what is kept is bounded."""
        ...

    def follow(self, name: str, *, tail: int) -> AsyncGenerator[str, None]:
        """The last `tail` lines, then all that the instance writes, over its restarts, until the caller closes it."""
        ...

    async def exec(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        """Runs a command inside the surroundings of the live instance (its environment, its folder, its container),
        with nothing on its standard input."""
        ...

    async def usage(self, name: str) -> Usage | None:
        """What the instance uses at this moment; None where it does not live."""
        ...

    async def close(self) -> None:
        """Lets go of connections; instances go on."""
        ...
