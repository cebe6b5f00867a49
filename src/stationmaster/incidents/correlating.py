"""Looks which open incidents show the same whenever something has changed, and writes it into their timelines."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import relations, store
from stationmaster.incidents.correlate import Case, Relation, correlate
from stationmaster.incidents.reach import Reach
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

BY = "correlation"
_TICK_S, _PAUSE_S = 60.0, 1.0
_MOST_KEPT = 50


@dataclass(slots=True)
class Correlating:
    """One look a second at most, of a bounded number of incidents, however many alerts come."""

    database: Database
    declared: Cell[PlatformSpec]
    _seen: tuple[object, ...] = field(default=())

    async def run(self) -> None:
        committed = self.database.committed
        while True:
            seen = committed.count
            await self.look(utc_now())
            await committed.beyond(seen, _TICK_S)
            await asyncio.sleep(_PAUSE_S)  # one look for many commits

    async def look(self, now: datetime) -> int:
        """Says of how many incidents there was something new."""
        async with self.database.read() as connection:
            cases = await relations.cases(connection)
        spec = self.declared.value
        if len(cases) < 2 or self._seen == (cases, id(spec)):
            return 0
        fresh = await self._fresh(cases, Reach.of(spec))
        if fresh:
            await self._write(fresh, now)
        self._seen = (cases, id(spec))
        return len(fresh)

    async def _fresh(self, cases: tuple[Case, ...], reach: Reach) -> Mapping[int, list[Relation]]:
        """What is not known yet: a cause, or another incident that has it too."""
        found = correlate(cases, reach)
        async with self.database.read() as connection:
            known = await relations.known(connection, list(found))
        fresh: dict[int, list[Relation]] = {}
        for number, several in found.items():
            for each in several:
                before = known.get((number, each.cause[:300]), frozenset())
                if len(before) < _MOST_KEPT and not set(each.numbers) <= before:
                    together = tuple(sorted(before | set(each.numbers)))[:_MOST_KEPT]
                    fresh.setdefault(number, []).append(replace(each, numbers=together))
        return fresh

    async def _write(self, fresh: Mapping[int, list[Relation]], now: datetime) -> None:
        async with self.database.write() as connection:
            for number, several in fresh.items():
                for each in several:
                    await relations.keep(connection, number, each, now)
                    others = ", ".join(f"#{one}" for one in each.numbers)
                    text = f"{others} may be the same failure; likely cause: {each.cause} ({each.why})"
                    entry = Entry(at=now, kind="incident.correlated", by=BY, text=text)
                    await store.add_entry(connection, number, entry)
