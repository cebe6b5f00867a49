"""Sends every page that is owed: what an incident owes is worked out when it is claimed."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents import claims, moves, paper, store
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.notify.receipt import Receipt
from stationmaster.incidents.sending import Ending, Patience, Tried
from stationmaster.incidents.sending_loop import Sender

Send: TypeAlias = Callable[[Claimed], Awaitable[Receipt]]


@dataclass(slots=True)
class Pager:
    """`send` says how it went."""

    ground: Ground
    send: Send
    sender: Sender[Claimed] = field(init=False)

    def __post_init__(self) -> None:
        queue = PageQueue(ground=self.ground, hand_over=self.send)
        self.sender = Sender(what="pages", queue=queue, database=self.ground.database, now=self.ground.clock.now)

    async def run(self) -> None:
        """For ever."""
        await self.settle()
        await self.sender.run()

    async def begin(self) -> None:
        """After a start, before anything is claimed."""
        await self.settle()
        await self.sender.begin()

    async def settle(self) -> None:
        """Time does not go back behind what was done while anything is open."""
        async with self.ground.database.read() as connection:
            if await store.count_open(connection):
                for latest in (await paper.latest(connection), await moves.latest(connection)):
                    if latest is not None:
                        self.ground.clock.not_before(latest)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQueue:
    """What is due are incidents; what is claimed are their pages."""

    ground: Ground
    hand_over: Send

    @property
    def patience(self) -> Patience:
        return claims.PATIENCE

    async def due(
        self, connection: AsyncConnection, now: datetime, limit: int, full: Collection[Hashable]
    ) -> Sequence[int]:
        """What an incident owes, and to whom, is known when it is claimed: nobody is left out. Where the clock was set
        back, the wall clock counts again as soon as nothing is open."""
        found = await store.due(connection, now, limit)
        if not found and self.ground.clock.ahead() and not await store.count_open(connection):
            self.ground.clock.rest()
        return found

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        return await store.next_due(connection)

    async def claim(self, connection: AsyncConnection, keys: Sequence[int], now: datetime) -> Sequence[Claimed]:
        directory = self.ground.directory()
        return [each for number in keys for each in await claims.claim(connection, number, now, directory)]

    async def cut_off(self, connection: AsyncConnection) -> Sequence[Claimed]:
        return [
            Claimed(owed=each, incident=await store.known(connection, each.incident), alerts=())
            for each in await paper.claimed(connection)
        ]

    async def send(self, item: Claimed) -> Receipt:
        return await self.hand_over(item)

    async def note(self, connection: AsyncConnection, item: Claimed, how: Ending, now: datetime) -> None:
        await claims.note(connection, item, how, now)

    async def owed(self, connection: AsyncConnection, now: datetime) -> int:
        return await paper.count_due(connection, now)

    def tried(self, item: Claimed) -> Tried:
        each = item.owed
        since = each.tried_at or each.claimed_at or each.next_at
        return Tried(attempts=each.attempts, since=since)

    def receiver(self, item: Claimed) -> Hashable:
        contact = item.owed.page.contact
        return (contact.kind, contact.address, contact.secret_file)

    def about(self, item: Claimed) -> dict[str, object]:
        page = item.owed.page
        return {
            "incident": item.owed.incident,
            "kind": item.owed.what.value,
            "to": page.to.name,
            "contact": page.contact.name,
        }
