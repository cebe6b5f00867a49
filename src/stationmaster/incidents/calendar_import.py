"""Turns a calendar file into overrides of one schedule; the same file again changes nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ScheduleName
from stationmaster.incidents import duty_asking, duty_store
from stationmaster.incidents.calendar_reading import Looked, NotUnderstood, Reading, Shift, read
from stationmaster.incidents.duty import OnCall, change_of, ended
from stationmaster.incidents.duty_asking import LONGEST
from stationmaster.incidents.duty_store import BY_CALENDAR, KeptOverride
from stationmaster.runtime.audit import record

_LIMIT_S = 20.0
_MOST_SHIFTS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """`past` shifts are over, or lie more than a year ahead."""

    added: tuple[KeptOverride, ...]
    ended: tuple[KeptOverride, ...]
    unchanged: int
    past: int
    not_understood: tuple[NotUnderstood, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    added: tuple[Shift, ...]
    ended: tuple[KeptOverride, ...]
    unchanged: int


async def import_calendar(oncall: OnCall, schedule: str, text: str, *, by: str, dry_run: bool = False) -> Imported:
    """Events that name a responder become overrides, known again by their UID: changed ones replace what was imported
    before, cancelled ones end it. Events that are no longer in the file leave what they made.

    Raises PlatformError `unknown-schedule`, `bad-calendar`.
    """
    spec, now = oncall.declared.value, oncall.now()
    found = duty_asking.schedule_of(spec, schedule)
    looked = Looked(schedule=found, responders=spec.responders, since=now, until=now + LONGEST)
    reading = await _read(text, looked)
    if dry_run:
        async with oncall.database.read() as connection:
            plan = _plan(reading, await duty_store.of_calendar(connection, found.name, now), now)
        return _imported(reading, plan, [_kept(each, found.name, by, now) for each in plan.added])
    async with oncall.writing() as connection:
        plan = _plan(reading, await duty_store.of_calendar(connection, found.name, now), now)
        return _imported(reading, plan, await _write(connection, plan, found.name, by=by, now=now))


async def _read(text: str, looked: Looked) -> Reading:
    """Off the event loop: a rule may ask for much arithmetic."""
    try:
        async with asyncio.timeout(_LIMIT_S):
            reading = await asyncio.to_thread(read, text, looked)
    except TimeoutError as error:
        hint = "export a shorter time, without rules that never come true"
        raise PlatformError("bad-calendar", f"the file takes longer than {_LIMIT_S:g} s", hint=hint) from error
    if len(reading.shifts) > _MOST_SHIFTS:
        raise PlatformError("bad-calendar", f"the file has more than {_MOST_SHIFTS} shifts", hint="export less")
    return reading


async def _write(
    connection: AsyncConnection, plan: _Plan, schedule: ScheduleName, *, by: str, now: datetime
) -> list[KeptOverride]:
    for each in plan.ended:
        await duty_store.end(connection, each.number, at=now, by=by, why=BY_CALENDAR)
        await record(connection, ended(each, now, by))
    written: list[KeptOverride] = []
    for shift in plan.added:
        kept = _kept(shift, schedule, by, now)
        number = await duty_store.add(connection, kept)
        written.append(_kept(shift, schedule, by, now, number))
        await record(connection, change_of("import", written[-1], ()))
    return written


def _plan(reading: Reading, existing: Sequence[KeptOverride], now: datetime) -> _Plan:
    newest: Mapping[tuple[str, str], KeptOverride] = {(each.uid, each.instance): each for each in reversed(existing)}
    added = [each for each in reading.shifts if not _stands(newest.get((each.uid, each.instance)), each)]
    replaced = {(each.uid, each.instance) for each in added}
    kept = {(each.uid, each.instance) for each in reading.shifts} - replaced
    known = reading.uids - reading.unclear_uids
    gone = [
        each
        for each in existing
        if each.ended_at is None
        and each.until > now
        and ((each.uid, each.instance) in replaced or (each.uid in known and (each.uid, each.instance) not in kept))
    ]
    return _Plan(added=tuple(added), ended=tuple(gone), unchanged=len(kept))


def _stands(before: KeptOverride | None, shift: Shift) -> bool:
    """What somebody ended by hand stays ended until the calendar says something else."""
    if before is None or before.ended_why == BY_CALENDAR:
        return False
    begun = before.starts_at == max(shift.starts_at, before.created_at)
    return begun and before.ends_at == shift.ends_at and before.responder == shift.responder


def _kept(shift: Shift, schedule: ScheduleName, by: str, now: datetime, number: int = 0) -> KeptOverride:
    return KeptOverride(
        number=number,
        schedule=schedule,
        responder=shift.responder,
        starts_at=max(shift.starts_at, now),
        ends_at=shift.ends_at,
        by=by,
        reason=shift.summary,
        created_at=now,
        uid=shift.uid,
        instance=shift.instance,
    )


def _imported(reading: Reading, plan: _Plan, added: Sequence[KeptOverride]) -> Imported:
    return Imported(
        added=tuple(added),
        ended=plan.ended,
        unchanged=plan.unchanged,
        past=reading.past,
        not_understood=reading.not_understood,
    )
