"""Takes up the room that the state folder has left, with a log that has grown, and gives it back."""

import os
from dataclasses import dataclass
from pathlib import Path

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.space import space_of

NAME = "drill-disk-full.log"
"""Beside the logs of the platform: a log that has grown is what mostly fills a disk."""
_FULL = 0.97
_MOST_BYTES = 8 * 1024**3
_LEFT_BYTES = 1024**3
"""So much of the disk stays free whatever is asked: others may be on it."""


@dataclass(frozen=True, slots=True)
class Filler:
    """`logs` is the folder that it writes into, a part of the folder `root` whose room is measured."""

    root: Path
    logs: Path

    def fill(self, limit_bytes: int | None) -> int:
        """Blocks are really taken, nothing is written into them; says how many bytes that are. Blocks the caller.

        Raises PlatformError `cannot-fill` where more would be needed than a drill may take.
        """
        space = space_of(self.root)
        of_disk = int(space.disk_bytes * _FULL) - (space.disk_bytes - space.free_bytes)
        of_limit = of_disk if limit_bytes is None else int(limit_bytes * _FULL) - space.taken_bytes
        wanted = min(of_disk, of_limit)
        if wanted > min(_MOST_BYTES, space.free_bytes - _LEFT_BYTES):
            text = f"{wanted} bytes would have to be taken, which a drill may not: the disk has {space.free_bytes} free"
            hint = "declare `monitoring: {state_limit: 1GB}`, or another bound that can be reached"
            raise PlatformError("cannot-fill", text, hint=hint, status=409)
        return self._take(max(wanted, 0))

    def give_back(self) -> bool:
        """Says whether there was something to give back."""
        try:
            (self.logs / NAME).unlink()
        except FileNotFoundError:
            return False
        return True

    def _take(self, size_bytes: int) -> int:
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            with (self.logs / NAME).open("ab") as file:
                if size_bytes:
                    os.posix_fallocate(file.fileno(), 0, size_bytes)
        except OSError as error:
            self.give_back()
            text = f"the room cannot be taken: {error.strerror}"
            raise PlatformError("cannot-fill", text, hint="look at the disk of the state folder") from error
        return size_bytes
