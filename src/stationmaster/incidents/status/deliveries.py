"""Sends what subscribers are owed, letters and posts apart: a mail server that hangs holds up no receiver of posts."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.links import Links
from stationmaster.incidents.notify.mail import Mail
from stationmaster.incidents.notify.receipt import Receipt, failed, refused
from stationmaster.incidents.sending import Again, Ending, GivenUp, Patience, Sent, Tried
from stationmaster.incidents.sending_loop import Sender
from stationmaster.incidents.status import deliveries_store as rows
from stationmaster.incidents.status import webhook
from stationmaster.incidents.status.deliveries_store import Delivery, State, Way
from stationmaster.incidents.status.letters import Ways, letter, matter_of, posted
from stationmaster.incidents.status.loading import load
from stationmaster.incidents.status.subscribers import Tokens
from stationmaster.incidents.status.view import View
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

_AT_ONCE = 8
_BATCH = 64
_MOST_LETTERS = 64
"""Letters that are claimed at once: all of them go to the one server."""
_PATIENCE = Patience(
    first_wait_s=10.0,
    longest_wait_s=3_600.0,
    tried_for=timedelta(hours=24),
    most_attempts=10,
)
_MOST_LOST = 10
"""After so many messages in a row that were given up a subscriber is none any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that is to be sent now, with the page that it tells of; it was cut off where there is none."""

    delivery: Delivery
    view: View | None


@dataclass(slots=True)
class Deliveries:
    database: Database
    declared: Cell[PlatformSpec]
    links: Links
    now: Callable[[], datetime]
    letters: Sender[Claimed] = field(init=False)
    posts: Sender[Claimed] = field(init=False)
    _mail: Mail = field(init=False)

    def __post_init__(self) -> None:
        threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="status-page-mail")
        self._mail = Mail(smtp=lambda: self.declared.value.incidents.smtp, threads=threads)
        self.letters = replace(self._sender(Way.EMAIL), most_under_way=_MOST_LETTERS, fails_together=False)
        self.posts = self._sender(Way.WEBHOOK)

    def _sender(self, way: Way) -> Sender[Claimed]:
        what = {Way.EMAIL: "letters to subscribers", Way.WEBHOOK: "posts to subscribers"}[way]
        queue = DeliveryQueue(way=way, declared=self.declared, now=self.now, hand_over=self._send)
        return Sender(what=what, queue=queue, database=self.database, now=self.now, batch=_BATCH, most_to_one=_AT_ONCE)

    async def run(self) -> None:
        """For ever. What was under way when the process ended is taken up first."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.letters.run())
            group.create_task(self.posts.run())

    async def begin(self) -> None:
        await self.letters.begin()
        await self.posts.begin()

    async def tick(self) -> int:
        """Sends what is due, and says how much that was."""
        return await self.letters.work_off() + await self.posts.work_off()

    def troubles(self) -> tuple[str, ...]:
        return (*self.letters.troubles(), *self.posts.troubles())

    async def _send(self, claimed: Claimed) -> Receipt:
        """No receipt names the address: the log is no place for it."""
        view, delivery = claimed.view, claimed.delivery
        matter = None if view is None else matter_of(view, delivery)
        if view is None or matter is None:
            return refused("what it was to tell of is there no longer")
        subscriber = delivery.subscriber
        ways = self._ways(view, subscriber.id)
        if subscriber.way is Way.WEBHOOK:
            return await webhook.post(subscriber.address, posted(view, delivery, matter, ways), inner=subscriber.inner)
        smtp = self.declared.value.incidents.smtp
        if smtp is None:
            return failed("no server takes e-mail: declare `incidents.smtp`")
        try:
            return await self._mail.hand_over(smtp, letter(view, delivery, matter, ways, sender=smtp.sender))
        except PlatformError as error:
            return failed(error.message)

    def _ways(self, view: View, number: str) -> Ways:
        tokens = Tokens(self.links)
        return Ways(
            confirm=f"{view.url}/confirm/{tokens.confirm(number, self.now())}",
            leave=f"{view.url}/unsubscribe/{tokens.leave(number)}",
        )


HandOver: TypeAlias = Callable[[Claimed], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQueue:
    """What is owed by one way."""

    way: Way
    declared: Cell[PlatformSpec]
    now: Callable[[], datetime]
    hand_over: HandOver

    @property
    def patience(self) -> Patience:
        return _PATIENCE

    async def due(
        self, connection: AsyncConnection, now: datetime, limit: int, full: Collection[Hashable]
    ) -> Sequence[int]:
        """All letters go by one server, which may be asked for more than it takes at once."""
        busy = [] if self.way is Way.EMAIL else [str(each) for each in full]
        return await rows.due(connection, self.way, now, limit=limit, without=busy)

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        return await rows.next_due(connection, self.way)

    async def claim(self, connection: AsyncConnection, keys: Sequence[int], now: datetime) -> Sequence[Claimed]:
        view = await load(connection, self.declared.value, now)
        return [Claimed(delivery=each, view=view) for each in await rows.claim(connection, keys)]

    async def cut_off(self, connection: AsyncConnection) -> Sequence[Claimed]:
        return [Claimed(delivery=each, view=None) for each in await rows.claimed(connection, self.way)]

    async def send(self, item: Claimed) -> Receipt:
        return await self.hand_over(item)

    async def note(self, connection: AsyncConnection, item: Claimed, how: Ending, now: datetime) -> None:
        number, subscriber = item.delivery.id, item.delivery.subscriber
        match how:
            case Sent():
                await rows.end(connection, number, State.SENT, now, how.detail)
                await rows.set_lost(connection, subscriber.id, 0)
            case Again():
                await rows.again(connection, number, how.at, how.detail)
            case GivenUp():
                await rows.end(connection, number, State.FAILED, now, how.detail)
                if await rows.add_lost(connection, subscriber.id) >= _MOST_LOST:
                    await rows.remove(connection, subscriber.id)

    async def owed(self, connection: AsyncConnection, now: datetime) -> int:
        return await rows.count_due(connection, self.way, now)

    def tried(self, item: Claimed) -> Tried:
        return Tried(attempts=item.delivery.attempts, since=item.delivery.owed_at)

    def receiver(self, item: Claimed) -> Hashable:
        return self.way if self.way is Way.EMAIL else item.delivery.subscriber.id

    def about(self, item: Claimed) -> dict[str, object]:
        return {"kind": item.delivery.what.value}
