"""The face of the status page: keeps standings in line with incidents, posts where it may, prepares documents."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Publishing
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.links import Links, new_links
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.status import automatic, following, keeping, store
from stationmaster.incidents.status.automatic import Due, Known
from stationmaster.incidents.status.deliveries import Deliveries
from stationmaster.incidents.status.desk import StatusDesk
from stationmaster.incidents.status.leaks import leaks
from stationmaster.incidents.status.loading import load
from stationmaster.incidents.status.neutral import STATUS_AT, Moment
from stationmaster.incidents.status.posting import Told, parts_of
from stationmaster.incidents.status.prepared import Prepared
from stationmaster.incidents.status.render import prepare
from stationmaster.incidents.status.subscribers import Subscribers
from stationmaster.incidents.status.suffering import suffering
from stationmaster.incidents.status.view import View
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.outbox import cursors, outbox

log = structlog.get_logger("status page")

TextFor = Callable[[int, str], Awaitable[str | None]]

BY = "status page"
_TICK_S, _PAUSE_S, _SHARE = 1.0, 0.1, 6.0
"""After a look it waits at least six times as long as the look took: a storm of alerts is not held up by the page."""
_LOOKS_EVERY_S = 30.0
_SWEEPS_EVERY_S = 3_600.0
_KEPT = timedelta(days=400)
_MOST_KNOWN = 100


async def no_text(_incident: int, _moment: str) -> str | None:
    return None


def _no_silences() -> tuple[Silence, ...]:
    return ()


@dataclass(slots=True, kw_only=True)
class StatusPages:
    """`text_for` is asked with the number of an incident and a moment (opened, mitigated, resolved) what the public is
    to be told; None, or a text that names internal things: neutral words. `silences` shows those that hold or will."""

    database: Database
    declared: Cell[PlatformSpec]
    links: Links = field(default_factory=new_links)
    text_for: TextFor = no_text
    silences: Callable[[], tuple[Silence, ...]] = _no_silences
    now: Callable[[], datetime] = utc_now
    prepared: Cell[Prepared] = field(default_factory=lambda: Cell(Prepared()))
    view: View | None = None
    desk: StatusDesk = field(init=False)
    subscribers: Subscribers = field(init=False)
    deliveries: Deliveries = field(init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen: tuple[object, ...] = ()
    _left: tuple[int, ...] = ()
    _edge: datetime | None = None
    _looked_s: float = 0.0
    _swept_s: float = -_SWEEPS_EVERY_S

    def __post_init__(self) -> None:
        self.desk = StatusDesk(self.database, self.declared, self.now)
        self.subscribers = Subscribers(self.database, self.declared, self.links, self.now)
        self.deliveries = Deliveries(self.database, self.declared, self.links, self.now)

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {"status page": self.run, "status page messages": self.deliveries.run}

    async def run(self) -> None:
        """For ever."""
        committed = self.database.committed
        while True:
            seen, begun_s = committed.count, time.monotonic()
            await self.tick()
            took_s = time.monotonic() - begun_s
            await asyncio.sleep(max(_PAUSE_S, took_s * _SHARE))  # one look for many commits
            await committed.beyond(seen, self._wait_s())

    def troubles(self) -> tuple[str, ...]:
        """What `status` has to say of the page."""
        told = "the status page does not say that it is over: `status-page post {} --status resolved`"
        left = (f"#{number}: {told.format(number)}" for number in self._left)
        return (*left, *self.deliveries.troubles())

    async def refresh(self) -> None:
        """Everything that was committed is on the page when this returns."""
        self._seen = ()
        await self.tick()

    async def tick(self) -> None:
        """Looks whether anything has changed, and if so brings the page in line."""
        async with self._turn:
            seen = await self._what_is_seen()
            if seen == self._seen and not self._is_time():
                return
            self._looked_s = time.monotonic()
            await self._keep()
            if self.declared.value.status_page.publish is Publishing.AUTOMATIC:
                await self._publish()
            await self._prepare()
            await self._sweep()
            self._seen = await self._what_is_seen()

    async def _what_is_seen(self) -> tuple[object, ...]:
        """Cheap to ask for, and different when anything is that matters here."""
        facts = select(func.max(outbox.c.id)).scalar_subquery()
        handled = select(cursors.c.last_id).where(cursors.c.consumer == "incidents").scalar_subquery()
        async with self.database.read() as connection:
            row = (await connection.execute(select(facts, handled))).one()
        return (*row, self.desk.changed.count, self.silences(), self.declared.value)

    def _is_time(self) -> bool:
        due = self._edge is not None and self.now() >= self._edge
        return due or time.monotonic() - self._looked_s > _LOOKS_EVERY_S

    def _wait_s(self) -> float:
        if self._edge is None:
            return _TICK_S
        return min(_TICK_S, max(0.0, (self._edge - self.now()).total_seconds()))

    async def _keep(self) -> None:
        now, spec = self.now(), self.declared.value
        async with self.database.read() as connection:
            found = await keeping.look(connection, now)
        wanted = keeping.changes(found, spec, now)
        self._edge = keeping.edge(found, keeping.windows_of(found, wanted.maintenances), now)
        ended = any(not each.holds(now) for each in found.holds.values())
        if wanted or ended:
            async with self.database.write() as connection:
                # Looked at again: something may have been committed in between.
                found = await keeping.look(connection, now)
                await keeping.apply(connection, keeping.changes(found, spec, now), found, now)

    async def _publish(self) -> None:
        for each in await self._due():
            if each.told:
                text = await self._text(each.incident, each.moment)
                await self._post(each, text)
            else:
                await self.desk.seen(each.incident, each.moment)

    async def _post(self, due: Due, text: str) -> None:
        try:
            status = STATUS_AT[due.moment]
            await self.desk.post_update(due.incident, status, text, by=BY, told=Told(), moment=due.moment)
        except PlatformError as error:
            log.warning("not posted", incident=due.incident, moment=due.moment.value, why=error.message)

    async def _due(self) -> Sequence[Due]:
        components, parts = self.declared.value.status_page.components, parts_of(self.declared.value)
        async with self.database.read() as connection:
            felt = await suffering(connection)
            fresh = automatic.new_ones(felt, components, parts, await following.told(connection))
            followed = await following.followed(connection, _MOST_KNOWN)
        suffer = automatic.suffering_components(felt, components, parts)
        known = [
            Known(
                incident=each.incident,
                told=each.told,
                seen=each.seen,
                now_at=each.now_at,
                felt=bool(each.components & suffer),
            )
            for each in followed
        ]
        return [*(Due(incident=number, moment=Moment.OPENED) for number in fresh), *automatic.due(known)]

    async def _text(self, incident: int, moment: Moment) -> str:
        """Nothing: neutral words."""
        text = await self.text_for(incident, moment.value) or ""
        found = leaks(text, self.declared.value)
        if found:
            log.warning("a text names internal things and is not published", incident=incident, names=found)
            return ""
        return text

    async def _prepare(self) -> None:
        async with self.database.read() as connection:
            view = await load(connection, self.declared.value, self.now())
            self._left = await following.left_open(connection)
        before = self.prepared.value
        # In a thread: drawing many pages takes a moment in which nothing else would be answered.
        self.prepared.set(await asyncio.to_thread(prepare, view, self.now(), before))
        self.view = view

    async def _sweep(self) -> None:
        if time.monotonic() - self._swept_s < _SWEEPS_EVERY_S:
            return
        self._swept_s = time.monotonic()
        async with self.database.write() as connection:
            await store.forget_before(connection, self.now() - _KEPT)
        await self.subscribers.sweep()
