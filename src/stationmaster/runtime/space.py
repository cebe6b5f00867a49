"""How much room a folder takes, and how much its disk has left."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 512
"""What `st_blocks` counts, whatever the file system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """`taken_bytes` is what the files of the folder really occupy; `free_bytes` is what anybody but root may still
    write."""

    taken_bytes: int
    free_bytes: int
    disk_bytes: int

    def fullness(self, limit_bytes: int | None) -> float:
        """The larger of two shares: of what the folder may take, and of the disk; 1 is full."""
        of_disk = 1 - self.free_bytes / self.disk_bytes if self.disk_bytes else 1.0
        return of_disk if not limit_bytes else max(of_disk, self.taken_bytes / limit_bytes)


def space_of(folder: Path) -> Space:
    """Blocks; links are not followed, and files that vanish meanwhile are passed over. Raises OSError where the folder
    is gone."""
    disk = shutil.disk_usage(folder)
    return Space(taken_bytes=sum(_sizes(folder)), free_bytes=disk.free, disk_bytes=disk.used + disk.free)


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield Path(place, name).lstat().st_blocks * _BLOCK_BYTES
