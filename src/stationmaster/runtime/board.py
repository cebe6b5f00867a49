"""Latest values that rooms show each other; rebuilt at start, a missed edge costs one tick."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")


class Pulse:
    """Counts beats and wakes those who wait for the next one."""

    __slots__ = ("_event", "count")

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.count = 0

    def beat(self) -> None:
        self.count += 1
        self._event.set()
        self._event = asyncio.Event()

    async def beyond(self, seen: int, limit: float) -> bool:
        """Waits until `count` exceeds `seen`, at most `limit` seconds; says whether it does.

        Read `count` before looking at what the beats tell of: then no beat is missed in between.
        """
        try:
            async with asyncio.timeout(limit):
                while self.count <= seen:
                    await self._event.wait()
        except TimeoutError:
            return False
        return True


class Cell(Generic[T]):
    """One typed latest value."""

    __slots__ = ("_value", "changed")

    def __init__(self, value: T) -> None:
        self._value = value
        self.changed = Pulse()

    @property
    def value(self) -> T:
        return self._value

    def set(self, value: T) -> None:
        """Shows a new value; an equal one wakes nobody."""
        if value == self._value:
            return
        self._value = value
        self.changed.beat()

    async def changes(self, *, tick: float) -> AsyncGenerator[T, None]:
        """The value now, then after every change, and at least every `tick` seconds."""
        while True:
            seen = self.changed.count
            yield self._value
            await self.changed.beyond(seen, tick)
