"""When each check is due: jittered, one after the other, on the monotonic clock."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from stationmaster.runtime.db import utc_now

_JITTER = 0.1


class Schedule:
    """`due` holds when each check is made next, on the monotonic clock: a wall clock that jumps moves none of them."""

    def __init__(self) -> None:
        self.due: dict[str, float] = {}

    async def ticks(self, name: str, interval_s: float) -> AsyncIterator[None]:
        """A tick an interval, the first within one, each up to a tenth early or late; a missed one is left out."""
        due = time.monotonic() + random.random() * interval_s  # noqa: S311 spreads the load, no secrecy needed
        while True:
            self.due[name] = due
            await asyncio.sleep(due - time.monotonic())
            yield
            wait_s = interval_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311
            due = max(due + wait_s, time.monotonic())

    def next_at(self, name: str) -> datetime | None:
        """When the check is due, told on the wall clock of this moment."""
        due = self.due.get(name)
        return None if due is None else utc_now() + timedelta(seconds=max(0.0, due - time.monotonic()))

    def forget(self, name: str) -> None:
        self.due.pop(name, None)
