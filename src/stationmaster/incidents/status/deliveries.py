"""Sends what subscribers are owed: claimed before it is sent, tried again with growing pauses, given up in the end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.links import Links
from stationmaster.incidents.notify.mail import Mail
from stationmaster.incidents.notify.receipt import Delivery as Outcome
from stationmaster.incidents.notify.receipt import Receipt, failed, refused
from stationmaster.incidents.status import deliveries_store as rows
from stationmaster.incidents.status import webhook
from stationmaster.incidents.status.deliveries_store import Delivery, State, Way
from stationmaster.incidents.status.letters import Ways, letter, matter_of, posted
from stationmaster.incidents.status.loading import load
from stationmaster.incidents.status.subscribers import Tokens
from stationmaster.incidents.status.view import View
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

log = structlog.get_logger("status page")

_TICK_S, _PAUSE_S = 2.0, 0.1
_AT_ONCE = 8
_BATCH = 64
_FIRST_WAIT_S, _LONGEST_WAIT_S = 10.0, 3_600.0
_MOST_TRIES = 10
_TRIED_FOR = timedelta(hours=24)
_MOST_LOST = 10
"""After so many messages in a row that were given up a subscriber is none any more."""


@dataclass(slots=True)
class Deliveries:
    database: Database
    declared: Cell[PlatformSpec]
    links: Links
    now: Callable[[], datetime]
    _mail: Mail = field(init=False)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def __post_init__(self) -> None:
        threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="status-page-mail")
        self._mail = Mail(smtp=lambda: self.declared.value.incidents.smtp, threads=threads)

    async def run(self) -> None:
        """For ever. What was under way when the process ended is taken up first."""
        await self.begin()
        committed = self.database.committed
        while True:
            seen = committed.count
            while await self.tick():
                pass
            await committed.beyond(seen, _TICK_S)
            await asyncio.sleep(_PAUSE_S)

    async def begin(self) -> None:
        async with self.database.write() as connection:
            await rows.recover(connection, self.now())

    async def tick(self) -> int:
        """Sends what is due, and says how much that was."""
        async with self.database.read() as connection:
            if not await rows.anything_due(connection, self.now()):
                return 0
        async with self.database.write() as connection:
            claimed = await rows.claim(connection, self.now(), _BATCH)
        async with self.database.read() as connection:
            view = await load(connection, self.declared.value, self.now())
        await asyncio.gather(*(self._finish(view, each) for each in claimed))
        return len(claimed)

    async def _finish(self, view: View, claimed: Delivery) -> None:
        async with self._room:
            receipt = await self._send(view, claimed)
        async with self.database.write() as connection:
            now, number = self.now(), claimed.id
            if receipt.delivery is Outcome.DELIVERED:
                await rows.end(connection, number, State.SENT, now, receipt.detail)
                await rows.set_lost(connection, claimed.subscriber.id, 0)
            elif receipt.delivery is Outcome.REFUSED or self._is_enough(claimed, now):
                await rows.end(connection, number, State.FAILED, now, receipt.detail)
                lost = claimed.subscriber.lost + 1
                await rows.set_lost(connection, claimed.subscriber.id, lost)
                if lost >= _MOST_LOST:
                    await rows.remove(connection, claimed.subscriber.id)
            else:
                wait = timedelta(seconds=max(wait_s(claimed.attempts), receipt.retry_after_s))
                await rows.again(connection, number, now + wait, receipt.detail)
        if receipt.delivery is not Outcome.DELIVERED:
            log.warning("message not delivered", what=claimed.what.value, detail=receipt.detail)

    def _is_enough(self, claimed: Delivery, now: datetime) -> bool:
        return claimed.attempts >= _MOST_TRIES or now - claimed.owed_at >= _TRIED_FOR

    async def _send(self, view: View, claimed: Delivery) -> Receipt:
        """No receipt names the address: the log is no place for it."""
        matter = matter_of(view, claimed)
        if matter is None:
            return refused("what it was to tell of is there no longer")
        subscriber = claimed.subscriber
        ways = self._ways(view, subscriber.id)
        if subscriber.way is Way.WEBHOOK:
            return await webhook.post(subscriber.address, posted(view, claimed, matter, ways), inner=subscriber.inner)
        smtp = self.declared.value.incidents.smtp
        if smtp is None:
            return failed("no server takes e-mail: declare `incidents.smtp`")
        try:
            return await self._mail.hand_over(smtp, letter(view, claimed, matter, ways, sender=smtp.sender))
        except PlatformError as error:
            return failed(error.message)

    def _ways(self, view: View, number: str) -> Ways:
        tokens = Tokens(self.links)
        return Ways(
            confirm=f"{view.url}/confirm/{tokens.confirm(number, self.now())}",
            leave=f"{view.url}/unsubscribe/{tokens.leave(number)}",
        )


def wait_s(attempts: int) -> float:
    """How long until it is tried again, after so many attempts: 10 s, doubling to an hour."""
    return min(_FIRST_WAIT_S * 2.0 ** min(attempts - 1, 16), _LONGEST_WAIT_S)
