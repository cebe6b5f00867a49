"""Watches schedules for times in which nobody is on duty: shows them, and tells each once, a day before it begins."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.response import Contact
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import duty_store
from stationmaster.incidents.claims import wait_s
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.duty_gaps import SOON, WARNED, Paged, Uncovered, gap_in_words, uncovered
from stationmaster.incidents.duty_store import Gap, Notice, NoticeState
from stationmaster.incidents.notify.message import Message, Occasion, Shown
from stationmaster.incidents.notify.receipt import Delivery, Receipt, failed, refused
from stationmaster.incidents.oncall import Span
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell

log = structlog.get_logger("oncall")

Send = Callable[[Contact, Message], Awaitable[Receipt]]

BY = "on-call watch"
_TICK_S = 5.0
_LOOK_EVERY = timedelta(minutes=5)
_TRIED_FOR = timedelta(hours=1)
_BACK = timedelta(days=1)
"""So far before now a gap that is under way is followed to its beginning."""


def _none() -> Cell[tuple[Uncovered, ...]]:
    return Cell(())


@dataclass(slots=True, kw_only=True)
class DutyWatch:
    """`send` says how it went and keeps a time limit of its own. `found` are the gaps of the next 30 days."""

    oncall: OnCall
    send: Send
    found: Cell[tuple[Uncovered, ...]] = field(default_factory=_none)
    _looked: tuple[object, ...] = ()
    _next_look: datetime | None = None

    async def run(self) -> None:
        """For ever."""
        await self.begin()
        while True:
            await self.tick()
            await self.oncall.overrides.changed.beyond(self.oncall.overrides.changed.count, _TICK_S)

    async def begin(self) -> None:
        """What was being sent when the process ended is sent once more, and then given up."""
        now = self.oncall.now()
        async with self.oncall.database.write() as connection:
            for each in await duty_store.cut_off_notices(connection):
                if each.doubtful:
                    detail = "twice cut off while it was being sent"
                    await duty_store.change_notice(connection, each.id, NoticeState.FAILED, ended_at=now, detail=detail)
                else:
                    await duty_store.change_notice(connection, each.id, NoticeState.OWED, next_at=now, doubtful=True)

    async def tick(self) -> None:
        now = self.oncall.now()
        if self._is_due(now):
            await self.oncall.start()
            await self._look(now)
        await asyncio.gather(*(self._tell(each) for each in await self._claim(now)))

    def troubles(self) -> tuple[str, ...]:
        """In words, for whoever looks at the platform."""
        return tuple(each.in_words() for each in self.found.value)

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

    async def _claim(self, now: datetime) -> Sequence[Notice]:
        async with self.oncall.database.read() as connection:
            if not await duty_store.due_notices(connection, now):
                return ()
        async with self.oncall.database.write() as connection:
            due = await duty_store.due_notices(connection, now)
            for each in due:
                claimed = NoticeState.CLAIMED
                await duty_store.change_notice(connection, each.id, claimed, attempts=each.attempts + 1)
        return due

    async def _tell(self, notice: Notice) -> None:
        spec = self.oncall.declared.value
        channel = next((each for each in spec.channels if each.name == notice.channel), None)
        if channel is None:
            receipt = refused("the channel is not declared any more")
        else:
            receipt = await self._sent(channel.contact, _message(spec, notice))
        await self._ended(notice, receipt)

    async def _sent(self, contact: Contact, message: Message) -> Receipt:
        try:
            async with asyncio.timeout(60):
                return await self.send(contact, message)
        except TimeoutError:
            return failed("no answer within 60 s")

    async def _ended(self, notice: Notice, receipt: Receipt) -> None:
        now, attempts = self.oncall.now(), notice.attempts + 1
        over = receipt.delivery is Delivery.REFUSED or now - notice.created_at >= _TRIED_FOR
        async with self.oncall.database.write() as connection:
            if receipt.delivery is Delivery.DELIVERED or over:
                state = NoticeState.SENT if receipt.delivery is Delivery.DELIVERED else NoticeState.FAILED
                await duty_store.change_notice(connection, notice.id, state, ended_at=now, detail=receipt.detail)
            else:
                next_at = now + timedelta(seconds=max(wait_s(attempts), receipt.retry_after_s))
                await duty_store.change_notice(
                    connection, notice.id, NoticeState.OWED, next_at=next_at, detail=receipt.detail
                )
        told = log.info if receipt.delivery is Delivery.DELIVERED else log.warning
        told("gap told", channel=notice.channel, outcome=receipt.delivery.value, detail=receipt.detail)


def _is_same(told: Gap, gap: Gap) -> bool:
    """One that goes on is the same, although its beginning lies further back than is looked."""
    return told.schedules == gap.schedules and told.starts_at <= gap.ends_at and gap.starts_at <= told.ends_at


def _grown(told: Gap, gap: Gap) -> Gap:
    return Gap(schedules=told.schedules, starts_at=told.starts_at, ends_at=gap.ends_at)


def _message(spec: PlatformSpec, notice: Notice) -> Message:
    labels = {"alertname": "OnCallGap", "schedules": notice.schedules, "environment": spec.environment}
    key = f"oncall-gap/{notice.schedules}/{notice.starts_at.isoformat()}"
    alert = Shown(
        fingerprint=f"{abs(notice.id):016x}",
        labels=labels | {"severity": "warning"},
        summary=notice.text,
        firing=True,
        starts_at=notice.starts_at,
        ends_at=notice.ends_at,
    )
    return Message(
        occasion=Occasion.ON_CALL_GAP,
        key=key,
        group=f"stationmaster/{spec.environment}/{key}",
        number=0,
        title=notice.text,
        severity="warning",
        urgency="low",
        status="coming",
        service="",
        environment=spec.environment,
        summary=f"{notice.text}. `oncall override add` puts somebody on duty.",
        since=notice.starts_at,
        maybe_second=notice.doubtful,
        alerts=(alert,),
    )
