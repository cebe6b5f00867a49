"""Makes, ends and lists silences, and tells of their coming end."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import NoteAdded
from stationmaster.core.problem import PlatformError
from stationmaster.incidents import silences_store as store
from stationmaster.incidents.life import OPEN
from stationmaster.incidents.linked import incident_alerts
from stationmaster.incidents.routing import matches, written
from stationmaster.incidents.silences import Silence, SilenceState, checked, expired, replaced, silenced, to_notice
from stationmaster.incidents.store import incidents
from stationmaster.runtime import outbox
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("silences")

BY = "silences"
_KEPT = timedelta(days=5)
"""How long an expired silence can still be seen."""


def _none() -> Cell[tuple[Silence, ...]]:
    return Cell(())


async def _nobody(_connection: AsyncConnection, _now: datetime) -> None:
    return None


@dataclass(slots=True, kw_only=True)
class Silences:
    """`live` are those that have not ended, by their end. `changed` is called in the transaction of every change."""

    database: Database
    live: Cell[tuple[Silence, ...]] = field(default_factory=_none)
    changed: Callable[[AsyncConnection, datetime], Awaitable[None]] = _nobody

    async def start(self) -> None:
        async with self.database.write() as connection:
            await store.forget_ended(connection, utc_now() - _KEPT)
        await self._load()

    def of(self, labels: Mapping[str, str], now: datetime) -> tuple[Silence, ...]:
        """Those that apply to an alert of these labels now."""
        return silenced(self.live.value, labels, now)

    async def all(self) -> Sequence[Silence]:
        """Expired ones too, as long as they are kept."""
        async with self.database.read() as connection:
            return await store.ending_after(connection, utc_now() - _KEPT)

    async def find(self, number: str) -> Silence:
        """Raises PlatformError `unknown-silence`."""
        async with self.database.read() as connection:
            return await _known(connection, number)

    async def put(self, wanted: Silence, *, by: str) -> str:
        """Makes it, or rewrites the one of its id as far as Alertmanager would, and returns the id that holds.

        Raises PlatformError `bad-silence`, `unknown-silence`.
        """
        now = utc_now()
        starts_at = wanted.starts_at if wanted.id else max(wanted.starts_at, now)
        wanted = checked(replace(wanted, starts_at=starts_at, updated_at=now), now)
        async with self._writing() as connection:
            kept, before = [wanted], None
            if wanted.id:
                before = await _known(connection, wanted.id)
                first, fresh = replaced(before, wanted, now)
                kept = [first] if fresh is None else [first, replace(fresh, id="", starts_at=max(now, starts_at))]
            kept = [each if each.id else replace(each, id=str(uuid.uuid4())) for each in kept]
            await store.keep(connection, *kept)
            await record(connection, _change("update" if before else "create", by, kept[-1], before))
            await self.changed(connection, now)
        return kept[-1].id

    async def expire(self, number: str, *, by: str) -> None:
        """Raises PlatformError `unknown-silence`, `silence-expired`."""
        now = utc_now()
        async with self._writing() as connection:
            before = await _known(connection, number)
            after = expired(before, now)
            await store.keep(connection, after)
            await record(connection, _change("expire", by, after, before))
            await self.changed(connection, now)

    async def notice(self, now: datetime) -> None:
        """Tells of every silence that ends soon, once: in the audit trail, the log and the timelines that it is
        about."""
        ending = to_notice(self.live.value, now)
        if ending:
            async with self._writing() as connection:
                for each in ending:
                    await self._notice(connection, each, now)
        if any(each.state(now) is SilenceState.EXPIRED for each in self.live.value):
            self.live.set(tuple(each for each in self.live.value if each.state(now) is not SilenceState.EXPIRED))

    async def _notice(self, connection: AsyncConnection, ending: Silence, now: datetime) -> None:
        text = f"{_title(ending)} ends at {ending.ends_at:%Y-%m-%d %H:%M:%S UTC}: {ending.comment}"
        about = await _open_about(connection, ending)
        notes = [NoteAdded(at=now, incident=each, key=f"silence/{ending.id}", by=BY, text=text) for each in about]
        await outbox.append(connection, *notes)
        await store.keep(connection, replace(ending, noticed_at=now))
        await record(connection, _change("ends-soon", BY, ending, None))
        log.info("silence ends soon", silence=ending.id, name=ending.name, ends_at=ending.ends_at.isoformat())

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        """`live` is renewed before the writer is given up: whoever decides next must not see what held before."""
        kept = False
        try:
            async with self.database.write() as connection:
                yield connection
                self.live.set(tuple(await store.ending_after(connection, utc_now())))
            kept = True
        finally:
            if not kept:
                await self._load()

    async def _load(self) -> None:
        async with self.database.read() as connection:
            self.live.set(tuple(await store.ending_after(connection, utc_now())))


def _title(silence: Silence) -> str:
    what = f"the maintenance window “{silence.name}”" if silence.name else "the silence"
    return f"{what} of {', '.join(map(written, silence.matchers))}"


async def _open_about(connection: AsyncConnection, silence: Silence) -> Sequence[int]:
    """Open incidents with an alert that fires and is silenced."""
    wanted = (
        select(incident_alerts.c.incident, incident_alerts.c.labels)
        .join(incidents, incidents.c.number == incident_alerts.c.incident)
        .where(incident_alerts.c.firing, incidents.c.status.in_([each.value for each in OPEN]))
    )
    rows = await connection.execute(wanted)
    return sorted({row.incident for row in rows if matches(silence.matchers, row.labels)})


async def _known(connection: AsyncConnection, number: str) -> Silence:
    found = await store.find(connection, number)
    if found is None:
        hint = "`silence list` shows them"
        raise PlatformError("unknown-silence", f"silence {number[:60]!r} not found", hint=hint, status=404)
    return found


def _change(action: str, by: str, after: Silence, before: Silence | None) -> Change:
    told = None if before is None else _told(before)
    return Change(at=utc_now(), who=by, action=action, kind="silence", name=after.id, before=told, after=_told(after))


def _told(silence: Silence) -> dict[str, Any]:
    return {
        "name": silence.name,
        "matchers": list(map(written, silence.matchers)),
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "created_by": silence.created_by,
        "comment": silence.comment,
    }
