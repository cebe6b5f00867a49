"""Supervised loops: a loop that fails is logged, waits with jittered back-off and is started again."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from stationmaster.runtime.board import Cell

log = structlog.get_logger("tasks")

failing: Cell[frozenset[str]] = Cell(frozenset())
"""Names of the loops that failed a moment ago; a face shows them."""

failures: Counter[str] = Counter()
"""How often each loop has failed in the life of this process."""

_FIRST_DELAY_S, _LONGEST_DELAY_S, _CALM_S = 0.1, 15.0, 20.0


async def supervise(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Runs `loop` for ever: an exception restarts it after 0.1 s, doubling to 15 s.

    20 s without a failure reset the delay and take the name from `failing`.
    """
    delay_s = _FIRST_DELAY_S
    while True:
        started = time.monotonic()
        well = asyncio.get_running_loop().call_later(_CALM_S, _is_well, name)
        try:
            await loop()
            _is_well(name)
            return
        except asyncio.CancelledError:
            raise
        except Exception:
            # The one catch-all: a loop must not take the platform with it.
            failures[name] += 1
            log.exception("loop failed", loop=name, retry_in_s=round(delay_s, 2))
        finally:
            well.cancel()
        failing.set(failing.value | {name})
        if time.monotonic() - started > _CALM_S:
            delay_s = _FIRST_DELAY_S
        await asyncio.sleep(delay_s * random.uniform(0.7, 1.3))  # noqa: S311 jitter needs no secrecy
        delay_s = min(delay_s * 2, _LONGEST_DELAY_S)


def _is_well(name: str) -> None:
    failing.set(failing.value - {name})
