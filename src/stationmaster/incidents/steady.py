"""Tells what time it is to whoever owes pages: never earlier than it told before, although the clock is set back."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stationmaster.runtime.db import utc_now

_FURTHEST = timedelta(days=1)
"""What lies further ahead than this was written by a clock that was wrong then, and counts for nothing."""


@dataclass(slots=True, kw_only=True)
class Steady:
    """Where the wall clock is set back, time goes on from where it was, by the monotonic clock. `wall` in UTC,
    `monotonic` in seconds."""

    wall: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    _told: datetime | None = field(default=None)
    _told_s: float = 0.0

    def now(self) -> datetime:
        wall, at_s = self.wall(), self.monotonic()
        if self._told is not None:
            wall = max(wall, self._told + timedelta(seconds=max(at_s - self._told_s, 0.0)))
        self._told, self._told_s = wall, at_s
        return wall

    def ahead(self) -> timedelta:
        """How far it is before the wall clock."""
        return max(self.now() - self.wall(), timedelta())

    def not_before(self, moment: datetime) -> None:
        """Something was done at that moment already."""
        now = self.now()
        if now < moment <= now + _FURTHEST:
            self._told = moment

    def rest(self) -> None:
        """Nothing is under way: the wall clock counts again."""
        self._told = None
