"""Watches that pages are sent: one that is overdue is told by every other way that there is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.core.response import Contact, ContactKind, PageTarget, TargetKind
from stationmaster.incidents import linked, paper, store
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.notify.receipt import Delivery, Receipt
from stationmaster.incidents.pages import Page
from stationmaster.incidents.paper import Owed, State, What
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime.board import Cell

log = structlog.get_logger("page watchdog")

Send: TypeAlias = Callable[[Claimed], Awaitable[Receipt]]

_TICK_S = 5.0
_LATE = timedelta(seconds=30)
_MOST = 100
_WRITE_LIMIT_S = 5.0


@dataclass(slots=True)
class PageWatch:
    """`overdue` shows what is late, in words; `send` must not share anything with the pager that could hang."""

    ground: Ground
    overdue: Cell[tuple[str, ...]]
    send: Send
    _told: set[int] = field(default_factory=set)
    _lost: set[int] = field(default_factory=set)

    async def run(self) -> None:
        while True:
            # After a start the pager has its turn first.
            await asyncio.sleep(_TICK_S)
            await self.look()

    async def look(self) -> None:
        now = self.ground.clock.now()
        async with self.ground.database.read() as connection:
            late = await paper.overdue(connection, now - _LATE, _MOST)
            stuck = await store.due(connection, now - _LATE, _MOST)
            lost = await paper.unreached(connection, now - _LATE, _MOST)
        fresh = [each for each in late if each.id not in self._told]
        self._told = {each.id for each in late}
        lonely = [each for each in lost if each not in self._lost]
        self._lost = set(lost)
        words = [*map(_words, late), *(f"#{number}: what it owes is not looked at" for number in stuck)]
        if stuck and not any("is not looked at" in each for each in self.overdue.value):
            log.error("pages are not looked at", incidents=stuck[:10])
        self.overdue.set((*words, *map(_nobody, lost)))
        for each in fresh:
            log.error("page overdue", incident=each.incident, to=each.page.to.name, detail=each.detail)
        if lonely:
            log.error("nobody could be paged", incidents=lonely[:10])
        tellings = [self._tell(each, _words(each), now) for each in _one_of_each_incident(fresh)]
        await asyncio.gather(
            *tellings, *(self._tell(_owed_to_nobody(each, now), _nobody(each), now) for each in lonely)
        )

    async def _tell(self, late: Owed, words: str, now: datetime) -> None:
        """By the channels of the incident, at once and without a place in any queue."""
        async with self.ground.database.read() as connection:
            incident = await store.known(connection, late.incident)
            alerts = await linked.alerts_of(connection, late.incident)
        channels = self.ground.directory().channels
        told = []
        for name in incident.channels:
            if name in channels and channels[name].contact != late.page.contact:
                to = PageTarget(kind=TargetKind.CHANNEL, name=name)
                key = f"overdue/{late.page.key}/{name}"
                page = replace(late.page, key=key, to=to, contact=channels[name].contact, why=words)
                owed = replace(late, what=What.OVERDUE, page=page)
                receipt = await self.send(Claimed(owed=owed, incident=incident, alerts=alerts))
                told += [str(name)] if receipt.delivery is Delivery.DELIVERED else []
        await self._note(late, now, f"{words}; told to {', '.join(told) or 'nobody else'}")

    async def _note(self, late: Owed, now: datetime, text: str) -> None:
        """Where the store itself is what hangs, the log has to do."""
        key = f"overdue/{late.id or late.page.key}"
        entry = Entry(at=now, kind="page.overdue", by="page watchdog", text=text, key=key)
        try:
            async with asyncio.timeout(_WRITE_LIMIT_S), self.ground.database.write() as connection:
                await store.add_entry(connection, late.incident, entry)
        except (TimeoutError, SQLAlchemyError) as error:
            log.error("overdue page could not be noted", incident=late.incident, why=type(error).__name__)


def _one_of_each_incident(late: list[Owed]) -> list[Owed]:
    return list({each.incident: each for each in reversed(late)}.values())


def _words(late: Owed) -> str:
    due = f"{late.page.due_at:%H:%M:%S UTC}"
    why = f": {late.detail}" if late.detail else ""
    return f"#{late.incident}: the page to {late.page.to.name} by {late.page.contact.name}, due at {due}, is late{why}"


def _nobody(number: int) -> str:
    return f"#{number}: nobody could be paged about it: no level of its policy leads to anybody who can be reached"


def _owed_to_nobody(number: int, now: datetime) -> Owed:
    """There is no page that could be late: what the channels are told in its place."""
    nobody = Page(
        key="nobody",
        level=0,
        round=0,
        to=PageTarget(kind=TargetKind.RESPONDER, name="nobody"),
        contact=Contact(name="none", kind=ContactKind.EMAIL),
        due_at=now,
        reached_at=now,
        why="",
    )
    return Owed(
        id=0,
        incident=number,
        what=What.OVERDUE,
        chain=0,
        page=nobody,
        state=State.FAILED,
        next_at=now,
        attempts=0,
        doubtful=False,
        tried_at=None,
        claimed_at=None,
        ended_at=None,
        detail="",
    )
