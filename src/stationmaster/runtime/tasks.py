"""Supervised loops: a loop that fails is logged, waits with jittered back-off and is started again."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import structlog

from stationmaster.runtime.board import Cell

log = structlog.get_logger("tasks")

failing: Cell[frozenset[str]] = Cell(frozenset())
"""Names of the loops whose last turn failed; a face shows them."""

_FIRST_DELAY, _LONGEST_DELAY, _CALM = 0.1, 15.0, 30.0


async def supervise(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Runs `loop` for ever: an exception restarts it after 0.1 s, doubling to 15 s; 30 s of calm reset the delay."""
    delay = _FIRST_DELAY
    while True:
        started = time.monotonic()
        try:
            await loop()
            return
        except asyncio.CancelledError:
            raise
        except Exception:
            # The one catch-all: a loop must not take the platform with it.
            log.exception("loop failed", loop=name, retry_in_s=round(delay, 2))
        failing.set(failing.value | {name})
        await asyncio.sleep(delay * random.uniform(0.7, 1.3))  # noqa: S311 jitter needs no secrecy
        calm = time.monotonic() - started > _CALM
        delay = _FIRST_DELAY if calm else min(delay * 2, _LONGEST_DELAY)
        failing.set(failing.value - {name})
