"""Keeps the overrides of schedules: adds them, ends them, swaps turns, and shows who is on duty."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override, Schedule
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import duty_asking, duty_store
from stationmaster.incidents.duty_asking import LONGEST, Wanted
from stationmaster.incidents.duty_store import BY_HAND, KeptOverride
from stationmaster.incidents.oncall import Span, duties, of_declared
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("oncall")

_KEPT = timedelta(days=1)
_NOT_WRITTEN = 2**62
"""The number of an override that is only tried: newer than all that stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came, or would come, of it: `before` and `after` are the duties of the whole time that is concerned."""

    overrides: tuple[KeptOverride, ...]
    before: tuple[Span, ...] = ()
    after: tuple[Span, ...] = ()
    warnings: tuple[str, ...] = ()


def _no_overrides() -> Cell[tuple[Override, ...]]:
    return Cell(())


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """`overrides` are those that count now or will."""

    database: Database
    declared: Cell[PlatformSpec]
    overrides: Cell[tuple[Override, ...]] = field(default_factory=_no_overrides)
    now: Callable[[], datetime] = utc_now

    async def start(self) -> None:
        """Shows what stands in the store; once before anybody asks, and whenever time has passed."""
        async with self.database.read() as connection:
            await self._show(connection)

    async def add(self, wanted: Wanted, *, by: str, dry_run: bool = False) -> Outcome:
        """Raises PlatformError `unknown-schedule`, `unknown-responder`, `bad-span`."""
        return await self._put([wanted], by=by, action="create", dry_run=dry_run)

    async def swap(
        self,
        schedule: str,
        one: tuple[datetime, datetime | None],
        other: tuple[datetime, datetime | None],
        *,
        by: str,
        reason: str = "",
        dry_run: bool = False,
    ) -> Outcome:
        """Two overrides at once: whoever has the one time gets the other. A time without an end is the whole turn
        around that moment. Raises PlatformError `unknown-schedule`, `bad-span`, `bad-swap`."""
        found, now = duty_asking.schedule_of(self.declared.value, schedule), self.now()
        async with self.database.read() as connection:
            known = await self.counting(connection, now - LONGEST)
        spans = [_span(found, known, each, now) for each in (one, other)]
        wanted = [replace(each, reason=reason) for each in duty_asking.swapped(found, known, spans[0], spans[1])]
        return await self._put(wanted, by=by, action="swap", dry_run=dry_run)

    async def end(self, number: int, *, by: str) -> KeptOverride:
        """Whoever is on duty without it takes over at once. Raises PlatformError `unknown-override`,
        `override-over`."""
        now = self.now()
        async with self.writing() as connection:
            before = await duty_store.known(connection, number)
            if before.until <= now or before.ended_at is not None:
                hint = "`oncall override list` shows those that hold"
                raise PlatformError("override-over", f"override {number} is over", hint=hint, status=409)
            await duty_store.end(connection, number, at=now, by=by, why=BY_HAND)
            await record(connection, ended(before, now, by))
        log.info("override ended", override=number, schedule=before.schedule, by=by)
        return replace(before, ended_at=now, ended_by=by, ended_why=BY_HAND)

    async def listed(self, schedule: str = "", *, since: datetime, limit: int = 1000) -> Sequence[KeptOverride]:
        """Those that end after `since`, ended ones too, the newest first. Raises PlatformError `unknown-schedule`."""
        if schedule:
            duty_asking.schedule_of(self.declared.value, schedule)
        async with self.database.read() as connection:
            return await duty_store.listed(connection, schedule, since, limit)

    async def duties(self, schedule: Schedule, starts_at: datetime, ends_at: datetime) -> tuple[Span, ...]:
        """Also of times that are over."""
        async with self.database.read() as connection:
            known = await self.counting(connection, starts_at)
        return await asyncio.to_thread(duties, schedule, known, starts_at, ends_at)

    async def counting(self, connection: AsyncConnection, after: datetime) -> tuple[Override, ...]:
        """Overrides of declared people that count, or counted, later than that moment."""
        found = [each.counting() for each in await duty_store.counting_after(connection, after)]
        names = {each.name for each in self.declared.value.responders}
        return of_declared([each for each in found if each is not None], names)

    async def _put(self, asked: Sequence[Wanted], *, by: str, action: str, dry_run: bool) -> Outcome:
        spec, now = self.declared.value, self.now()
        wanted = [duty_asking.checked(spec, each, now) for each in asked]
        if dry_run:
            async with self.database.read() as connection:
                return await self._outcome(connection, wanted, [kept_of(each, by, now) for each in wanted])
        async with self.writing() as connection:
            kept = [kept_of(each, by, now) for each in wanted]
            outcome = await self._outcome(connection, wanted, kept)
            written = [replace(each, number=await duty_store.add(connection, each)) for each in kept]
            await record(connection, *(change_of(action, each, written) for each in written))
        for each in written:
            log.info("override", action=action, override=each.number, schedule=each.schedule, responder=each.responder)
        return replace(outcome, overrides=tuple(written))

    async def _outcome(
        self, connection: AsyncConnection, wanted: Sequence[Wanted], kept: Sequence[KeptOverride]
    ) -> Outcome:
        starts_at, ends_at = min(each.starts_at for each in wanted), max(each.ends_at for each in wanted)
        schedule = duty_asking.schedule_of(self.declared.value, wanted[0].schedule)
        known = await self.counting(connection, starts_at)
        tried = tuple(each.as_override(_NOT_WRITTEN + index) for index, each in enumerate(wanted))
        before = duties(schedule, known, starts_at, ends_at)
        return Outcome(
            overrides=tuple(kept),
            before=before,
            after=duties(schedule, (*known, *tried), starts_at, ends_at),
            warnings=duty_asking.warnings(wanted, known, before),
        )

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """`overrides` is renewed before the writer is given up: whoever decides next must not see what held before."""
        done = False
        try:
            async with self.database.write() as connection:
                yield connection
                await self._show(connection)
            done = True
        finally:
            if not done:
                await self.start()

    async def _show(self, connection: AsyncConnection) -> None:
        found = await duty_store.counting_after(connection, self.now() - _KEPT)
        self.overrides.set(tuple(each for each in (one.counting() for one in found) if each is not None))


def _span(
    schedule: Schedule, known: Sequence[Override], asked: tuple[datetime, datetime | None], now: datetime
) -> tuple[datetime, datetime]:
    starts_at, ends_at = asked
    if ends_at is None:
        starts_at, ends_at = duty_asking.whole_turn(schedule, known, starts_at)
    starts_at, ends_at = duty_asking.span_of(starts_at, ends_at, now)
    return max(starts_at, now), ends_at


def kept_of(wanted: Wanted, by: str, now: datetime) -> KeptOverride:
    """Who was on duty until now is not changed."""
    return KeptOverride(
        schedule=wanted.schedule,
        responder=wanted.responder,
        starts_at=max(wanted.starts_at, now),
        ends_at=wanted.ends_at,
        by=by,
        reason=wanted.reason,
        created_at=now,
        uid=wanted.uid,
        instance=wanted.instance,
    )


def change_of(action: str, kept: KeptOverride, together: Sequence[KeptOverride]) -> Change:
    others = [each.number for each in together if each.number != kept.number]
    after = told(kept) | ({"with": others} if others else {})
    return Change(at=kept.created_at, who=kept.by, action=action, kind="override", name=str(kept.number), after=after)


def ended(before: KeptOverride, at: datetime, by: str) -> Change:
    after = told(before) | {"ended_at": at.isoformat()}
    return Change(
        at=at, who=by, action="end", kind="override", name=str(before.number), before=told(before), after=after
    )


def told(kept: KeptOverride) -> dict[str, Any]:
    """As the audit trail keeps it."""
    return {
        "schedule": kept.schedule,
        "responder": kept.responder,
        "starts_at": kept.starts_at.isoformat(),
        "ends_at": kept.ends_at.isoformat(),
        "reason": kept.reason,
    }
