"""Tells when the clock was set, and when a group of rules is due."""

import zlib
from dataclasses import dataclass, field

NOTED_MS = 1_000
"""What the clock differs by less is drift or the slow correction of it."""


@dataclass(slots=True)
class ClockWatch:
    """Compares the wall clock with one that nobody sets; both in milliseconds."""

    _ahead_ms: int | None = field(default=None)

    def jump(self, wall_ms: int, steady_ms: int) -> int:
        """By how much the wall clock was set since the last look: negative where it was set back, else 0."""
        ahead, before = wall_ms - steady_ms, self._ahead_ms
        self._ahead_ms = ahead
        if before is None or abs(ahead - before) < NOTED_MS:
            return 0
        return ahead - before


def offset_ms(file: str, name: str, interval_ms: int) -> int:
    """Where in its interval a group is evaluated: always the same place, and not all groups at once."""
    return zlib.crc32(f"{file}\n{name}".encode()) % interval_ms


def slot_before(now_ms: int, interval_ms: int, offset: int) -> int:
    """The last moment, now included, at which a group with this offset was due."""
    return now_ms - (now_ms - offset) % interval_ms
