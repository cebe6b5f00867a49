"""The face of foreign alerts: takes them in, lets time pass over them, and keeps silences and heartbeats."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select

from stationmaster.core.facts import NoteAdded
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import linked
from stationmaster.incidents.intake import heartbeats, store
from stationmaster.incidents.intake.decide import is_ahead, renewed
from stationmaster.incidents.intake.desk import Desk
from stationmaster.incidents.intake.events import ForeignChange
from stationmaster.incidents.intake.heartbeats import Heartbeat
from stationmaster.incidents.intake.routing_keys import RoutingKey, RoutingKeys
from stationmaster.incidents.life import OPEN
from stationmaster.incidents.silences_desk import Silences
from stationmaster.incidents.store import incidents
from stationmaster.runtime import outbox
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("intake")

Acknowledge = Callable[[int, str], Awaitable[None]]

_TICK_S = 0.5
_JUMP_S = 5.0
"""A wall clock that moved so much further than time itself was set."""
_KEPT = timedelta(days=7)
_SWEEP_S = 3_600.0
_OPENS_WITHIN_S = 3.0


async def _nobody(_number: int, _by: str) -> None:
    return None


@dataclass(slots=True)
class Intake:
    """`acknowledge` is asked with the number of an incident and who acknowledges it."""

    database: Database
    declared: Cell[PlatformSpec]
    acknowledge_incident: Acknowledge = _nobody
    clock: Callable[[], datetime] = utc_now
    silences: Silences = field(init=False)
    desk: Desk = field(init=False)
    keys: RoutingKeys = field(init=False)
    _up_since: datetime = field(init=False)
    _missing: set[str] = field(default_factory=set)
    _started: bool = False

    def __post_init__(self) -> None:
        self.silences = Silences(database=self.database, changed=store.wake_untold)
        self.desk = Desk(database=self.database, declared=self.declared, silences=self.silences.live)
        self.keys = RoutingKeys(self.database)
        self._up_since = self.clock()

    async def start(self) -> None:
        """Before anything is taken in. What lapsed while nobody could be heard begins its time anew."""
        await self.silences.start()
        await self.renew(lapsed=True)
        self._started = True

    async def run(self) -> None:
        """Lets time pass, for ever."""
        if not self._started:
            await self.start()
        seen, swept_s = (self.clock(), time.monotonic()), 0.0
        while True:
            now, now_s = self.clock(), time.monotonic()
            drift_s = (now - seen[0]).total_seconds() - (now_s - seen[1])
            if abs(drift_s) > _JUMP_S:
                log.warning("clock was set", by_s=round(drift_s, 1))
                await self.renew(lapsed=drift_s > 0)
            seen = now, now_s
            await self.tick(now)
            if now_s - swept_s > _SWEEP_S:
                swept_s = now_s
                await self._sweep(now)
            await asyncio.sleep(_TICK_S)

    async def tick(self, now: datetime) -> None:
        while await self.desk.look(now):
            pass
        await self.silences.notice(now)
        await self._miss(now)

    async def renew(self, *, lapsed: bool) -> None:
        """After a start or a jump of the clock; `lapsed`: also what seems to have ended meanwhile."""
        now = self.clock()
        self._up_since = now
        async with self.database.write() as connection:
            found = [each for each in await store.updated_after(connection, now) if is_ahead(each, now)]
            if lapsed:
                found += await store.lapsed(connection, now)
            await self.desk.change(connection, [renewed(each, now) for each in found])

    async def acknowledge(self, key: str, by: str) -> bool:
        """Acknowledges the open incidents of the alert, waiting a moment for one that is just being opened; says
        whether there was one."""
        async with asyncio.timeout(_OPENS_WITHIN_S * 2):
            numbers = await self._open_incidents(key)
            for number in numbers:
                try:
                    await self.acknowledge_incident(number, by)
                except PlatformError as error:
                    log.info("not acknowledged", incident=number, why=error.message)
        return bool(numbers)

    async def beat(self, name: str) -> Heartbeat:
        """Raises PlatformError `unknown-heartbeat`."""
        now = self.clock()
        async with self.database.write() as connection:
            beat = heartbeats.beaten(await heartbeats.known(connection, name), now)
            await heartbeats.keep(connection, beat)
            await self.desk.record(connection, [heartbeats.over(beat, now)], now)
        self._missing.discard(name)
        return beat

    async def set_heartbeat(self, wanted: Heartbeat, *, by: str) -> Heartbeat:
        """Makes it, or changes it and keeps when it was heard last. Raises PlatformError `bad-heartbeat`."""
        heartbeats.checked(wanted)
        async with self.database.write() as connection:
            before = {each.name: each for each in await heartbeats.all_of(connection)}.get(wanted.name)
            if before is not None:
                wanted = replace(wanted, created_at=before.created_at, beat_at=before.beat_at)
            await heartbeats.keep(connection, wanted)
            await record(connection, _change("update" if before else "create", by, wanted))
        return wanted

    async def forget_heartbeat(self, name: str, *, by: str) -> None:
        """With its alert. Raises PlatformError `unknown-heartbeat`."""
        now = self.clock()
        async with self.database.write() as connection:
            beat = await heartbeats.known(connection, name)
            await heartbeats.forget(connection, name)
            await self.desk.record(connection, [heartbeats.over(beat, now)], now)
            await record(connection, _change("delete", by, beat))
        self._missing.discard(name)

    async def heartbeats(self) -> Sequence[tuple[Heartbeat, bool]]:
        """Each with whether it is missed now."""
        now = self.clock()
        async with self.database.read() as connection:
            found = await heartbeats.all_of(connection)
        return [(each, each.missed_at(self._up_since, now) <= now) for each in found]

    async def note_change(self, change: ForeignChange, key: RoutingKey) -> None:
        """Somebody changed something on purpose: open incidents of the service show it, the audit trail keeps it."""
        now, by = self.clock(), f"routing key {key.id}"
        text = f"change: {change.summary}{f' ({change.source})' if change.source else ''}"
        after = {"service": key.service, "summary": change.summary, "details": dict(change.details)}
        noted = f"change/{uuid.uuid4()}"
        async with self.database.write() as connection:
            of_service = incidents.c.service == key.service, incidents.c.status.in_([each.value for each in OPEN])
            numbers = (await connection.execute(select(incidents.c.number).where(*of_service))).scalars().all()
            notes = [NoteAdded(at=now, incident=each, key=noted, by=by, text=text) for each in numbers]
            await outbox.append(connection, *notes)
            told = Change(at=now, who=by, action="change", kind="foreign", name=key.service, after=after)
            await record(connection, told)

    async def _miss(self, now: datetime) -> None:
        missed = [beat for beat, is_missed in await self.heartbeats() if is_missed and beat.name not in self._missing]
        await self.desk.take([heartbeats.alert_of(each, now) for each in missed])
        self._missing |= {each.name for each in missed}

    async def _open_incidents(self, key: str) -> Sequence[int]:
        until_s = time.monotonic() + _OPENS_WITHIN_S
        while True:
            seen = self.database.committed.count
            async with self.database.read() as connection:
                found = [each.number for each in await linked.open_incidents(connection, fingerprint=key)]
                known = found or await store.of_keys(connection, [key])
            if found or not known or time.monotonic() > until_s:
                return found
            await self.database.committed.beyond(seen, until_s - time.monotonic())

    async def _sweep(self, now: datetime) -> None:
        async with self.database.write() as connection:
            await store.forget_ended(connection, now - _KEPT)


def _change(action: str, by: str, beat: Heartbeat) -> Change:
    after = {"interval_s": beat.interval_s, "grace_s": beat.grace_s, "service": beat.service}
    return Change(at=utc_now(), who=by, action=action, kind="heartbeat", name=beat.name, after=after)
