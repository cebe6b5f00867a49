"""The text of the runbook that answers an incident, as it stands in its file now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.notify.message import plain

_LARGEST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookFile:
    title: str
    path: Path

    def read(self) -> str:
        """Blocks. Raises PlatformError `runbook-unreadable`."""
        try:
            with self.path.open("rb") as file:
                text = file.read(_LARGEST_BYTES).decode("utf-8", "replace")
        except OSError as error:
            hint = "look for it beside the other runbooks"
            message = f"the runbook “{self.title}” cannot be read: {error.strerror}"
            raise PlatformError("runbook-unreadable", message, hint=hint, status=404) from error
        return plain(text, _LARGEST_BYTES)


RunbookOf: TypeAlias = Callable[[int], Awaitable[RunbookFile | None]]
"""The runbook that answers an incident, by its number."""


async def no_runbook(_incident: int) -> RunbookFile | None:
    return None
