"""Lanes to receivers: few messages at once to one of them, so that one that hangs holds up nobody else."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from stationmaster.incidents.notify.receipt import Delivery, Receipt, failed


@dataclass(slots=True, kw_only=True)
class Lanes:
    """`fails_together`: when one message is not taken, those that wait behind it are not tried now either."""

    most_to_one: int
    fails_together: bool
    limit_s: float
    sending: int = 0
    _waiting: Counter[Hashable] = field(default_factory=Counter)
    _turns: dict[Hashable, asyncio.Semaphore] = field(default_factory=dict)
    _lost_s: dict[Hashable, float] = field(default_factory=dict)

    def full(self) -> frozenset[Hashable]:
        """Receivers that get as many at this moment as they may."""
        return frozenset(to for to, count in self._waiting.items() if count >= self.most_to_one)

    async def in_turn(self, to: Hashable, send: Callable[[], Awaitable[Receipt]]) -> Receipt:
        queued_s = time.monotonic()
        self._waiting[to] += 1
        try:
            async with self._turns.setdefault(to, asyncio.Semaphore(self.most_to_one)):
                if self.fails_together and self._lost_s.get(to, 0.0) > queued_s:
                    return failed("the receiver did not take the message before")
                return await self._sent(to, send)
        finally:
            self._leave(to)

    async def _sent(self, to: Hashable, send: Callable[[], Awaitable[Receipt]]) -> Receipt:
        self.sending += 1
        try:
            async with asyncio.timeout(self.limit_s):
                receipt = await send()
        except TimeoutError:
            receipt = failed(f"no answer within {self.limit_s:g} s")
        finally:
            self.sending -= 1
        if receipt.delivery is Delivery.FAILED:
            self._lost_s[to] = time.monotonic()
        return receipt

    def _leave(self, to: Hashable) -> None:
        """A lane that nobody uses is forgotten."""
        self._waiting[to] -= 1
        if not self._waiting[to]:
            del self._waiting[to], self._turns[to]
            self._lost_s.pop(to, None)
