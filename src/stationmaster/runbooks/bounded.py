"""What a run asks before it changes something, and tells afterwards; app.py hands in who knows the bounds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

WAITS_AT_MOST_S = 150.0
"""For another run that changes the same service, some longer than its change may wait for a cure; then a person is
asked."""
LOOKS_EVERY_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a change: the words of its `calls`, and the `service` that the run is about. `failing_since` is
    when the alert of the run began; `takes_back`: it undoes a change of the run."""

    incident: int
    run: str
    step: str
    number: int
    calls: tuple[tuple[str, ...], ...]
    service: str
    failing_since: datetime | None = None
    takes_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """It may be made now, and has been counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A bound forbids it. Where it does not ask, it is left out; otherwise a person may allow it once."""

    why: tuple[str, ...]
    asks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """Another run changes the same service."""

    why: str


Standing: TypeAlias = Begun | Held | Occupied


class Bounds(Protocol):
    async def look(self, attempt: Attempt) -> Standing:
        """What `begin` would say; nothing is counted."""
        ...

    async def begin(self, attempt: Attempt, *, overridden: bool = False, waits: bool = True) -> Standing:
        """Counts it when it may be made. `overridden`: a person allowed what is held; where it `waits` it is occupied
        by others all the same. Asking twice for the same attempt counts once."""
        ...

    async def ended(self, attempt: Attempt) -> None:
        """It is verified, or cannot be."""
        ...

    async def worse_after(self, attempt: Attempt, *, since: datetime, wait: bool) -> str:
        """In which numbers callers fare worse than before the run's first change; empty where nothing shows that."""
        ...
