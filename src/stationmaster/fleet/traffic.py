"""What the fleet asks of those who send requests to its processes and who check them."""

from collections.abc import Set
from datetime import datetime
from typing import Protocol

from stationmaster.fleet.rollout import Standing


class Traffic(Protocol):
    """Implemented where the rooms are joined."""

    async def withdraw(self, name: str, *, why: str) -> None:
        """Returns when no gateway node sends new requests to the process, or when that cannot be had."""
        ...

    async def restore(self, name: str, *, why: str) -> None:
        """Undoes every `withdraw` of the process, and nothing that somebody else did."""
        ...

    async def withdrawn(self) -> Set[str]:
        """Processes whose `withdraw` has not been undone, whichever control plane did it."""
        ...

    def standing(self, name: str, since: datetime) -> Standing:
        """How the process that was started at `since` does."""
        ...


class NoTraffic:
    """For processes that nobody sends requests to: one that lives is well."""

    async def withdraw(self, name: str, *, why: str) -> None:
        return None

    async def restore(self, name: str, *, why: str) -> None:
        return None

    async def withdrawn(self) -> Set[str]:
        return frozenset()

    def standing(self, name: str, since: datetime) -> Standing:
        return Standing.UP
