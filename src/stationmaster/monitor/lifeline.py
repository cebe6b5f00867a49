"""Gives a sign of life while the control plane runs; at a start after a crash it raises an alert that tells of it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from stationmaster.core.spec import PlatformSpec
from stationmaster.monitor import store
from stationmaster.monitor.absence import CONTROL_DOWN, UNSEEN, Absence, ending_of, outage_of
from stationmaster.monitor.ledger import Change, Closing, Ledger, Opening
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

_EVERY_S = 1.0
_BACK_S = 3.0
"""It works again when it has run for so long: one that dies before is still the same failure."""


@dataclass(frozen=True, slots=True)
class Signs:
    """The sign of life of a control plane, and what its supervisor saw of its end: the first is there when the last
    control plane was not stopped."""

    alive: Path
    ended: Path

    def last(self) -> datetime | None:
        with suppress(FileNotFoundError):
            return datetime.fromtimestamp(self.alive.stat().st_mtime, UTC)
        return None

    def ending(self) -> str:
        """One that is older than the last sign of life tells of an earlier control plane."""
        with suppress(OSError, ValueError):
            if self.ended.stat().st_mtime >= self.alive.stat().st_mtime:
                return ending_of(int(self.ended.read_text("ascii")))
        return UNSEEN

    def give(self) -> None:
        """Nothing is written that a kill could leave in halves."""
        self.alive.touch(mode=0o600)

    def take_away(self) -> None:
        """It is stopped on purpose."""
        for each in (self.alive, self.ended):
            each.unlink(missing_ok=True)


@dataclass(slots=True, kw_only=True)
class Lifeline:
    database: Database
    declared: Cell[PlatformSpec]
    signs: Signs
    now: Callable[[], datetime] = field(default=utc_now)
    back_s: float = _BACK_S

    async def run(self) -> None:
        """For ever; may be started again after a failure: what was told is not told twice."""
        await self.begin()
        told = False
        began = asyncio.get_running_loop().time()
        while True:
            self.signs.give()
            if not told and asyncio.get_running_loop().time() - began >= self.back_s:
                await self.recover()
                told = True
            await asyncio.sleep(_EVERY_S)

    async def begin(self) -> None:
        """Tells of a crash before the sign of life is given again: a crash in between is told all the same."""
        since = self.signs.last()
        if since is None:
            return
        absence = Absence(since=since, until=self.now(), ending=self.signs.ending())
        outage = outage_of(absence, self.declared.value)
        await Ledger(self.database).write(Opening(alert=outage.alert, evidence=outage.evidence))

    async def recover(self) -> None:
        """Also what an earlier start told, and was stopped before it could end it."""
        async with self.database.read() as connection:
            firing = [each for each in await store.firing_alerts(connection) if each.name == CONTROL_DOWN]
        why = f"it has run for {self.back_s:g} s"
        changes: list[Change] = [Closing(fingerprint=each.fingerprint, at=self.now(), why=why) for each in firing]
        if changes:
            await Ledger(self.database).write(*changes)
