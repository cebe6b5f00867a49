"""Sends what is owed to somebody: claims it, sends it within a limit, notes how it went, takes up what was cut off."""

import asyncio
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents.notify.receipt import Receipt
from stationmaster.incidents.sending import Again, Ending, GivenUp, Patience, Sent, Tried, after_cut_off, ending
from stationmaster.incidents.sending_lanes import Lanes
from stationmaster.runtime.db import Database
from stationmaster.runtime.tracing import span

log = structlog.get_logger("sending")

Item = TypeVar("Item")

_TICK_S, _PAUSE_S = 1.0, 0.02
_LIMIT_S = 60.0
_MOST_SENDING = 256
_SHOWN_AFTER = timedelta(minutes=1)


class Queue(Protocol[Item]):
    """Messages of one kind in a table of their own. What reads and writes gets the connection of the caller."""

    @property
    def patience(self) -> Patience: ...

    async def due(
        self, connection: AsyncConnection, now: datetime, limit: int, full: Collection[Hashable]
    ) -> Sequence[int]:
        """Keys of what can be claimed, the longest due first; what goes to a receiver that is full may be left out."""
        ...

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        """When something is due next; None: never, unless something happens."""
        ...

    async def claim(self, connection: AsyncConnection, keys: Sequence[int], now: datetime) -> Sequence[Item]:
        """Marks as being sent what is still due; an item may tell of the attempt that begins."""
        ...

    async def cut_off(self, connection: AsyncConnection) -> Sequence[Item]:
        """What is marked as being sent: asked for at the start, when nothing can be."""
        ...

    async def send(self, item: Item) -> Receipt: ...

    async def note(self, connection: AsyncConnection, item: Item, how: Ending, now: datetime) -> None: ...

    async def owed(self, connection: AsyncConnection, now: datetime) -> int:
        """How many are due and not sent, with those under way."""
        ...

    def tried(self, item: Item) -> Tried: ...

    def receiver(self, item: Item) -> Hashable: ...

    def about(self, item: Item) -> dict[str, object]:
        """What the log may say of it: no address, where that is nobody's business."""
        ...


@dataclass(slots=True, kw_only=True)
class Sender(Generic[Item]):
    """`what` is what it sends, in words. The most under way counts also those that wait for their turn."""

    what: str
    queue: Queue[Item]
    database: Database
    now: Callable[[], datetime]
    batch: int = 25
    most_under_way: int = 2_048
    most_to_one: int = 8
    fails_together: bool = True
    _under_way: int = 0
    _owed: int = 0
    _failing: dict[Hashable, tuple[datetime, str]] = field(default_factory=dict)
    _lanes: Lanes = field(init=False)

    def __post_init__(self) -> None:
        self._lanes = Lanes(most_to_one=self.most_to_one, fails_together=self.fails_together, limit_s=_LIMIT_S)

    async def run(self) -> None:
        """For ever. What was under way when the process ended is taken up first."""
        await self.begin()
        committed = self.database.committed
        async with asyncio.TaskGroup() as group:
            while True:
                seen = committed.count
                # Few at a time: the first of many is under way while the others are claimed.
                found = await self.tick(min(self.batch, self._room()))
                for item in found:
                    self._under_way += 1
                    group.create_task(self._finish(item))
                if not found:
                    await committed.beyond(seen, await self.idle_s())
                await asyncio.sleep(_PAUSE_S)  # one look for many commits

    async def begin(self) -> None:
        self._under_way = 0
        async with self.database.write() as connection:
            now = self.now()
            found = await self.queue.cut_off(connection)
            for item in found:
                how = after_cut_off(self.queue.patience, self.queue.tried(item), now)
                await self.queue.note(connection, item, how, now)
        if found:
            log.warning("sendings were cut off", what=self.what, count=len(found))

    async def tick(self, room: int = _MOST_SENDING) -> list[Item]:
        """Claims what is due, with as many keys at most."""
        found: list[Item] = []
        looked = 0
        while looked < room:
            limit = min(room - looked, self.batch)
            async with self.database.read() as connection:
                keys = await self.queue.due(connection, self.now(), limit, self._lanes.full())
            if not keys:
                break
            looked += len(keys)
            with span(f"{self.what}: claim", count=len(keys)):
                async with self.database.write() as connection:
                    found += await self.queue.claim(connection, keys, self.now())
        return found

    async def work_off(self) -> int:
        """Claims what is due, and waits until all of it is sent or noted; says how much it was."""
        found = await self.tick()
        await asyncio.gather(*map(self.finish, found))
        return len(found)

    async def idle_s(self) -> float:
        """How long nothing comes to be owed by time alone, a tick at most."""
        if not self._room():
            return _TICK_S
        now = self.now()
        async with self.database.read() as connection:
            due_at = await self.queue.next_due(connection)
            self._owed = await self.queue.owed(connection, now) if self._failing else 0
        left_s = _TICK_S if due_at is None else (due_at - now).total_seconds()
        if left_s <= 0 and self._under_way:
            return _TICK_S  # it waits for a receiver that is full: how a sending ends is a commit
        return min(max(left_s, _PAUSE_S), _TICK_S)

    async def finish(self, item: Item) -> None:
        """Sends it and notes how it went."""
        to = self.queue.receiver(item)
        receipt = await self._lanes.in_turn(to, lambda: self.queue.send(item))
        async with self.database.write() as connection:
            now = self.now()
            how = ending(self.queue.patience, self.queue.tried(item), receipt, now)
            await self.queue.note(connection, item, how, now)
        self._told(to, item, how, now)

    def troubles(self) -> tuple[str, ...]:
        """In words, for whoever looks at the platform: receivers that have not taken anything for a while."""
        now = self.now()
        late = [detail for since, detail in self._failing.values() if now - since >= _SHOWN_AFTER]
        if not late:
            return ()
        whom = "a receiver does" if len(late) == 1 else f"{len(late)} receivers do"
        return (f"{self.what}: {whom} not take them ({self._owed} owed): {late[-1] or 'no reason given'}",)

    async def _finish(self, item: Item) -> None:
        try:
            await self.finish(item)
        finally:
            self._under_way -= 1

    def _room(self) -> int:
        """How many more may be claimed: those that wait for a turn take no place of those that are sent."""
        return max(0, min(_MOST_SENDING - self._lanes.sending, self.most_under_way - self._under_way))

    def _told(self, to: Hashable, item: Item, how: Ending, now: datetime) -> None:
        said = {"what": self.what, "detail": how.detail, **self.queue.about(item)}
        match how:
            case Sent():
                self._failing.pop(to, None)
                log.info("sent", **said)
            case Again():
                since, _ = self._failing.get(to, (now, ""))
                self._failing[to] = (since, how.detail)
                log.warning("not sent, tried again", **said)
            case GivenUp():
                self._failing.pop(to, None)
                log.warning("not sent, given up", **said)
