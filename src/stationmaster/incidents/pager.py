"""Sends every page that is owed: looks at every tick and after every commit, claims, sends, notes how it went."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import structlog

from stationmaster.core.response import Contact
from stationmaster.incidents import claims, moves, paper, store
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.notify.receipt import Delivery, Receipt, failed
from stationmaster.runtime.tracing import span

log = structlog.get_logger("pages")

Send: TypeAlias = Callable[[Claimed], Awaitable[Receipt]]

_TICK_S, _PAUSE_S = 1.0, 0.02
_MOST_UNDER_WAY, _MOST_TO_ONE = 256, 8
_BATCH = 25


@dataclass(slots=True)
class Pager:
    """`send` says how it went and keeps a time limit of its own."""

    ground: Ground
    send: Send
    _under_way: int = 0
    _turns: dict[tuple[object, ...], asyncio.Semaphore] = field(default_factory=dict)
    _lost_s: dict[tuple[object, ...], float] = field(default_factory=dict)

    async def run(self) -> None:
        """For ever. What was under way when the process ended is taken up first."""
        await self.begin()
        committed = self.ground.database.committed
        async with asyncio.TaskGroup() as group:
            while True:
                seen = committed.count
                # Few at a time: the first of many is under way while the others are claimed.
                found = await self.tick(min(_BATCH, _MOST_UNDER_WAY - self._under_way))
                for claimed in found:
                    self._under_way += 1
                    group.create_task(self._finish(claimed))
                if not found:
                    await committed.beyond(seen, await self.idle_s())
                await asyncio.sleep(_PAUSE_S)  # one look for many commits

    async def begin(self) -> None:
        """After a start: time does not go back behind what was done, and cut-off sendings are taken up."""
        self._under_way = 0
        async with self.ground.database.write() as connection:
            if await store.count_open(connection):
                for latest in (await paper.latest(connection), await moves.latest(connection)):
                    if latest is not None:
                        self.ground.clock.not_before(latest)
            found = await claims.recover(connection, self.ground.clock.now())
        if found:
            log.warning("sendings were cut off", pages=found)

    async def idle_s(self) -> float:
        """How long nothing comes to be owed by time alone, a tick at most."""
        if self._under_way >= _MOST_UNDER_WAY:
            return _TICK_S
        async with self.ground.database.read() as connection:
            due_at = await store.next_due(connection)
        left_s = _TICK_S if due_at is None else (due_at - self.ground.clock.now()).total_seconds()
        return min(max(left_s, _PAUSE_S), _TICK_S)

    async def tick(self, room: int = _MOST_UNDER_WAY) -> list[Claimed]:
        """Claims what is due, of so many incidents at most."""
        found: list[Claimed] = []
        while room > len(found):
            limit = min(room - len(found), _BATCH)
            async with self.ground.database.read() as connection:
                numbers = await store.due(connection, self.ground.clock.now(), limit)
            if not numbers:
                await self._rest()
                break
            found += await self._claim(numbers)
        return found

    async def _claim(self, numbers: tuple[int, ...]) -> list[Claimed]:
        directory = self.ground.directory()
        with span("pages: claim", incidents=len(numbers)):
            async with self.ground.database.write() as connection:
                now = self.ground.clock.now()
                return [each for number in numbers for each in await claims.claim(connection, number, now, directory)]

    async def _rest(self) -> None:
        """Where the clock was set back, the wall clock counts again as soon as nothing is open."""
        if self.ground.clock.ahead():
            async with self.ground.database.read() as connection:
                if not await store.count_open(connection):
                    self.ground.clock.rest()

    async def _finish(self, claimed: Claimed) -> None:
        try:
            await self.finish(claimed)
        finally:
            self._under_way -= 1

    async def finish(self, claimed: Claimed) -> None:
        """Sends it and notes how it went."""
        receipt = await self._in_turn(claimed)
        async with self.ground.database.write() as connection:
            await claims.note(connection, claimed, receipt, self.ground.clock.now())
        told = log.info if receipt.delivery is Delivery.DELIVERED else log.warning
        told(
            "page",
            incident=claimed.owed.incident,
            what=claimed.owed.what.value,
            to=claimed.owed.page.to.name,
            contact=claimed.owed.page.contact.name,
            outcome=receipt.delivery.value,
            detail=receipt.detail,
        )

    async def _in_turn(self, claimed: Claimed) -> Receipt:
        """Few at once to one receiver: when it hangs, those that wait behind are tried again later at once, and leave
        their room to others."""
        to, queued_s = _receiver(claimed.owed.page.contact), time.monotonic()
        async with self._turns.setdefault(to, asyncio.Semaphore(_MOST_TO_ONE)):
            if self._lost_s.get(to, 0.0) > queued_s:
                return failed("the receiver did not take the message before")
            receipt = await self.send(claimed)
            if receipt.delivery is Delivery.FAILED:
                self._lost_s[to] = time.monotonic()
            return receipt


def _receiver(contact: Contact) -> tuple[object, ...]:
    return (contact.kind, contact.address, contact.secret_file)
