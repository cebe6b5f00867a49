"""Watches schedules for times in which nobody is on duty: shows them, and owes a notice of each a day before it
begins."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Contact
from stationmaster.incidents import duty_store
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.duty_gaps import SOON, WARNED, Paged, Uncovered, gap_in_words, uncovered
from stationmaster.incidents.duty_notices import NoticeQueue, Send
from stationmaster.incidents.duty_store import Gap, Notice
from stationmaster.incidents.notify.message import Message
from stationmaster.incidents.notify.receipt import Receipt
from stationmaster.incidents.oncall import Span
from stationmaster.incidents.sending_loop import Sender
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell

log = structlog.get_logger("oncall")

BY = "on-call watch"
_TICK_S = 5.0
_LOOK_EVERY = timedelta(minutes=5)
_BACK = timedelta(days=1)
"""So far before now a gap that is under way is followed to its beginning."""


def _none() -> Cell[tuple[Uncovered, ...]]:
    return Cell(())


@dataclass(slots=True, kw_only=True)
class DutyWatch:
    """`send` says how it went. `found` are the gaps of the next 30 days."""

    oncall: OnCall
    send: Send
    found: Cell[tuple[Uncovered, ...]] = field(default_factory=_none)
    sender: Sender[Notice] = field(init=False)
    _looked: tuple[object, ...] = ()
    _next_look: datetime | None = None

    def __post_init__(self) -> None:
        queue = NoticeQueue(declared=self.oncall.declared, hand_over=self._hand_over)
        self.sender = Sender(what="gap notices", queue=queue, database=self.oncall.database, now=self.oncall.now)

    async def run(self) -> None:
        """For ever. A channel that hangs does not keep a gap from being seen."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.run())
            while True:
                await self.look()
                await self.oncall.overrides.changed.beyond(self.oncall.overrides.changed.count, _TICK_S)

    async def look(self) -> None:
        """Looks for gaps where it is time to, and writes down whom to tell."""
        now = self.oncall.now()
        if self._is_due(now):
            await self.oncall.start()
            await self._look(now)

    def troubles(self) -> tuple[str, ...]:
        """In words, for whoever looks at the platform."""
        return (*(each.in_words() for each in self.found.value), *self.sender.troubles())

    async def _hand_over(self, contact: Contact, message: Message) -> Receipt:
        return await self.send(contact, message)

    def _is_due(self, now: datetime) -> bool:
        """After a change of what is declared or overridden, and every few minutes; also after a clock was set back."""
        seen = (self.oncall.declared.value, self.oncall.overrides.value)
        if seen == self._looked and self._next_look is not None and now < self._next_look <= now + _LOOK_EVERY:
            return False
        self._looked, self._next_look = seen, now + _LOOK_EVERY
        return True

    async def _look(self, now: datetime) -> None:
        spec, overrides = self.oncall.declared.value, self.oncall.overrides.value
        wide = await asyncio.to_thread(uncovered, spec, overrides, now - _BACK, now + WARNED)
        current = [
            Uncovered(paged=each.paged, spans=tuple(one for one in each.spans if one.ends_at > now)) for each in wide
        ]
        self.found.set(tuple(each for each in current if each.spans))
        soon = [(each.paged, span) for each in current for span in each.spans if span.starts_at <= now + SOON]
        async with self.oncall.database.read() as connection:
            known = await duty_store.told_gaps(connection)
        if soon or known:
            async with self.oncall.database.write() as connection:
                await self._note(connection, soon, now)

    async def _note(self, connection: AsyncConnection, soon: Sequence[tuple[Paged, Span]], now: datetime) -> None:
        """Tells what is new, and forgets what was mended or is over: were it to come again, it would be told again."""
        told = list(await duty_store.told_gaps(connection))
        kept: list[Gap] = []
        for paged, span in soon:
            gap = Gap(schedules=paged.name, starts_at=span.starts_at, ends_at=span.ends_at)
            same = next((each for each in told if _is_same(each, gap)), None)
            kept.append(same or gap)
            await duty_store.tell_gap(connection, kept[-1] if same is None else _grown(same, gap), now)
            if same is None:
                await self._owe(connection, paged, gap, now)
        for each in told:
            if each not in kept:
                await duty_store.forget_gap(connection, each)

    async def _owe(self, connection: AsyncConnection, paged: Paged, gap: Gap, now: datetime) -> None:
        text = gap_in_words(paged, gap.starts_at, gap.ends_at)
        for channel in paged.channels:
            notice = Notice(
                channel=channel,
                schedules=gap.schedules,
                starts_at=gap.starts_at,
                ends_at=gap.ends_at,
                text=text,
                created_at=now,
            )
            await duty_store.owe(connection, notice)
        after = {"from": gap.starts_at.isoformat(), "until": gap.ends_at.isoformat(), "told": list(paged.channels)}
        change = Change(at=now, who=BY, action="gap", kind="schedule", name=gap.schedules, after=after)
        await record(connection, change)
        log.warning("nobody on duty soon", schedules=gap.schedules, starts_at=gap.starts_at.isoformat())


def _is_same(told: Gap, gap: Gap) -> bool:
    """One that goes on is the same, although its beginning lies further back than is looked."""
    return told.schedules == gap.schedules and told.starts_at <= gap.ends_at and gap.starts_at <= told.ends_at


def _grown(told: Gap, gap: Gap) -> Gap:
    return Gap(schedules=told.schedules, starts_at=told.starts_at, ends_at=gap.ends_at)
