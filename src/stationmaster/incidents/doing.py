"""One act of somebody on one incident: checked against its life, and written with timeline, fact and audit at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import IncidentChanged, IncidentResolved
from stationmaster.core.response import Override
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import moves, store
from stationmaster.incidents.escalate import Happened, Move
from stationmaster.incidents.life import DONE, Act, Status, after
from stationmaster.incidents.pages import Directory
from stationmaster.incidents.steady import Steady
from stationmaster.incidents.store import Incident
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime import audit, outbox
from stationmaster.runtime.audit import Change
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every act stands on."""

    database: Database
    declared: Cell[PlatformSpec]
    overrides: Cell[tuple[Override, ...]]
    clock: Steady

    def directory(self) -> Directory:
        return Directory.of(self.declared.value, self.overrides.value)


@dataclass(slots=True, kw_only=True)
class Doing:
    """`incident` is as it was before; `at` the steady moment of the act. `said` becomes the line of the timeline;
    `values` the columns that change."""

    connection: AsyncConnection
    incident: Incident
    act: Act
    by: str
    at: datetime
    directory: Directory
    status: Status
    said: str = ""
    other: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    noted: dict[str, Any] = field(default_factory=dict)
    """More of what the audit trail keeps."""

    async def move(self, move: Move, **more: Any) -> None:
        happened = Happened(at=self.at, move=move, by=self.by, **more)
        await moves.add(self.connection, self.incident, happened)

    async def say(self, number: int, kind: str, text: str) -> None:
        """A line of another incident's timeline."""
        await store.add_entry(self.connection, number, Entry(at=self.at, kind=kind, by=self.by, text=text))


@asynccontextmanager
async def doing(ground: Ground, number: int, act: Act, by: str) -> AsyncIterator[Doing]:
    """Commits when the block ends. Raises PlatformError `unknown-incident` or `not-now`, and then changes nothing."""
    async with ground.database.write() as connection:
        incident = await store.known(connection, number)
        begun = Doing(
            connection=connection,
            incident=incident,
            act=act,
            by=by,
            at=ground.clock.now(),
            directory=ground.directory(),
            status=after(act, incident.status),
        )
        yield begun
        await _write(begun)


async def _write(done: Doing) -> None:
    number, connection = done.incident.number, done.connection
    values = {"status": done.status.value, **done.values}
    await store.change(connection, number, **values)
    await store.wake(connection, number, done.at)
    word = DONE[done.act]
    if done.act is not Act.RESOLVE:
        entry = Entry(
            at=done.at, kind="note" if done.act is Act.NOTE else f"incident.{word}", by=done.by, text=done.said
        )
        await store.add_entry(connection, number, entry)
        fact = IncidentChanged(
            at=done.at,
            incident=number,
            act=word,
            status=done.status.value,
            by=done.by,
            text=done.said,
            other=done.other,
        )
        await outbox.append(connection, fact)
    before = {"status": done.incident.status.value}
    after_ = {"status": done.status.value, "said": done.said, **done.noted}
    change = Change(
        at=done.at, who=done.by, action=done.act.value, kind="incident", name=str(number), before=before, after=after_
    )
    await audit.record(connection, change)


def resolved(done: Doing, why: str) -> IncidentResolved:
    return IncidentResolved(at=done.at, incident=done.incident.number, by=done.by, why=why)


def as_it_is_then(done: Doing, **values: Any) -> Incident:
    """The incident with what the act changes."""
    return replace(done.incident, status=done.status, **values)
