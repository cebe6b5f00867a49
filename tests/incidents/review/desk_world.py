"""Reviews on virtual time: the real store and loops, sendings that are only written down, a process that may die."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Fact
from stationmaster.core.response import Contact
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.loop import CONSUMER as INCIDENTS
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.notify.message import Message
from stationmaster.incidents.notify.receipt import Receipt, delivered
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.review.loop import CONSUMER, ReviewLoop
from stationmaster.incidents.review.reminding import Reminding
from stationmaster.incidents.review.worked import Requests, Work
from stationmaster.incidents.steady import Steady
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.test_incidents import NOW
from tests.incidents.world import LADDER, channel, spec


class KilledError(BaseException):
    """The process is gone, by kill -9."""


@dataclass
class Fate:
    """How many more points the process lives through; None: it is not killed."""

    left: int | None = None
    points: int = 0

    def point(self) -> None:
        self.points += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError


class Mortal(Database):
    """Points before and after each commit."""

    fate: Fate

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        async with super().write() as connection:
            yield connection
            self.fate.point()
        self.fate.point()


def mortal(database: Database, fate: Fate) -> Mortal:
    made = Mortal(writer=database.writer, reader=database.reader)
    object.__setattr__(made, "fate", fate)
    return made


@dataclass(slots=True)
class Desk:
    """`work` is what was worked for every incident; `answer` what the next sending leads to."""

    database: Database
    declared: Cell[PlatformSpec] = field(default_factory=lambda: Cell(spec(LADDER, channel())))
    work: Work = field(default_factory=Work)
    requests: Requests | None = None
    broken: frozenset[int] = frozenset()
    """Incidents of which nobody can tell what was worked."""
    now: datetime = NOW
    running_s: float = 0.0
    fate: Fate = field(default_factory=Fate)
    sent: list[tuple[float, str, str, str]] = field(default_factory=list)
    answer: Receipt = field(default_factory=delivered)
    incidents: Incidents = field(init=False)
    reviews: Reviews = field(init=False)
    loop: ReviewLoop = field(init=False)
    reminding: Reminding = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A process that knows nothing but what stands in the store."""
        database = mortal(self.database, self.fate)
        clock = Steady(wall=lambda: self.now, monotonic=lambda: self.running_s)
        self.incidents = Incidents(database, self.declared, clock=clock)
        self.reviews = Reviews(ground=self.incidents.ground, work_of=self._work_of, requests_of=self._requests_of)
        self.loop = ReviewLoop(self.reviews)
        self.reminding = Reminding(
            reviews=self.reviews,
            send=self._send,
            link=lambda number: f"http://control/incidents/{number}",
            spec=lambda: self.declared.value,
        )

    async def _work_of(self, number: int) -> Work:
        if number in self.broken:
            raise ValueError(f"no work for {number}")
        return self.work

    async def _requests_of(self, since: datetime, until: datetime, apis: object) -> Requests | None:
        return self.requests

    async def _send(self, contact: Contact, message: Message) -> Receipt:
        self.fate.point()
        hours = round((self.now - NOW).total_seconds() / 3600, 2)
        self.sent.append((hours, contact.address, message.title, message.key))
        self.fate.point()
        return self.answer

    async def facts(self, *facts: Fact) -> None:
        async with self.database.write() as connection:
            await outbox.append(connection, *facts)
        await self.settle()

    async def settle(self) -> None:
        database = self.incidents.database
        handlers = ((INCIDENTS, self.incidents.handle), (CONSUMER, self.loop.handle))
        while any([await outbox.drain(database, name, handle) for name, handle in handlers]):
            pass
        while await self.loop.draft_owed():
            pass

    async def tick(self) -> None:
        await self.settle()
        await self.reminding.look()
        while due := await self.reminding.sender.tick(1):
            for each in due:
                await self.reminding.sender.finish(each)

    async def at(self, moment: datetime) -> None:
        """It is that time now, and everything is looked at."""
        self.now = moment
        self.running_s = (self.now - NOW).total_seconds()
        await self.tick()

    async def passes(self, span: timedelta, step: timedelta = timedelta(hours=1)) -> None:
        """With a tick every so often."""
        end = self.now + span
        while self.now < end:
            await self.at(self.now + min(step, end - self.now))
