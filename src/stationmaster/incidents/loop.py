"""Turns facts into incidents: opens, joins, writes the timeline, resolves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import (
    AlertFired,
    AlertRecovered,
    EscalationAsked,
    Fact,
    IncidentChanged,
    IncidentRecovered,
    IncidentResolved,
    InstanceRestarted,
    RunDeclined,
    RunEnded,
    RunStarted,
    TargetChanged,
)
from stationmaster.core.response import Override
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import group, linked, opening, store, story, troubles
from stationmaster.incidents.acts import Acts
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.life import Status
from stationmaster.incidents.links import Links, new_links
from stationmaster.incidents.routing import route
from stationmaster.incidents.steady import Steady
from stationmaster.incidents.store import Incident, Opening
from stationmaster.incidents.story import Story
from stationmaster.incidents.timeline import Entry, entry_of
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

CONSUMER = "incidents"


def _nothing_declared() -> Cell[PlatformSpec]:
    return Cell(PlatformSpec(environment=""))


def _no_overrides() -> Cell[tuple[Override, ...]]:
    return Cell(())


def _no_texts() -> Cell[tuple[str, ...]]:
    return Cell(())


@dataclass(frozen=True, slots=True)
class Incidents:
    """Where nothing is declared, incidents open all the same and page nobody."""

    database: Database
    declared: Cell[PlatformSpec] = field(default_factory=_nothing_declared)
    overrides: Cell[tuple[Override, ...]] = field(default_factory=_no_overrides)
    clock: Steady = field(default_factory=Steady)
    overdue: Cell[tuple[str, ...]] = field(default_factory=_no_texts)
    """Pages that should have been sent and were not, in words."""
    links: Links = field(default_factory=new_links)
    """By which pages are acknowledged."""

    @property
    def ground(self) -> Ground:
        return Ground(database=self.database, declared=self.declared, overrides=self.overrides, clock=self.clock)

    @property
    def acts(self) -> Acts:
        """What people do with incidents."""
        return Acts(self.ground)

    async def run(self) -> None:
        """Handles every fact, for ever."""
        await outbox.consume(self.database, CONSUMER, self.handle)

    async def handle(self, connection: AsyncConnection, fact: Fact) -> None:
        match fact:
            case AlertFired():
                await self._fired(connection, fact)
            case AlertRecovered():
                await self._recovered(connection, fact)
            case RunStarted():
                await store.change(connection, fact.incident, run_open=True)
                await _note(connection, fact.incident, fact)
            case RunEnded() | RunDeclined():
                await self._worked(connection, fact)
            case EscalationAsked():
                await _note(connection, fact.incident, fact)
                await troubles.asked(connection, fact, self._steady(fact.at))
            case TargetChanged(incident=None, target=address):
                for about in await linked.open_about(connection, address=address):
                    await _note(connection, about, fact)
            case InstanceRestarted():
                await self._restarted(connection, fact)
            case IncidentChanged():
                pass  # its line was written with it
            case IncidentResolved(by=by) if by:
                pass  # so was that of somebody's
            case _:
                number = getattr(fact, "incident", None)
                if number is not None:
                    await _note(connection, number, fact)

    async def all(self, *, statuses: Sequence[Status] = (), limit: int = 100) -> Sequence[Incident]:
        """Of these statuses, or of any; the newest first."""
        async with self.database.read() as connection:
            return await store.all_incidents(connection, statuses=statuses, limit=limit)

    async def count_open(self) -> int:
        async with self.database.read() as connection:
            return await store.count_open(connection)

    async def find(self, number: int) -> tuple[Incident, Sequence[Entry]] | None:
        """The incident and its timeline; None when there is no incident of that number."""
        async with self.database.read() as connection:
            found = await store.incident(connection, number)
            return None if found is None else (found, await store.entries(connection, number))

    async def story(self, number: int) -> Story:
        """All there is to know of one. Raises PlatformError `unknown-incident`."""
        async with self.database.read() as connection:
            return await story.read(connection, number)

    async def _fired(self, connection: AsyncConnection, fact: AlertFired) -> None:
        at = self._steady(fact.at)
        known = await linked.open_incidents(connection, fingerprint=fact.alert.fingerprint)
        match group.place(fact.alert, known):
            case group.Join(number=number):
                await linked.record_alert(connection, number, fact.alert)
                await _note(connection, number, fact)
                incident = await store.known(connection, number)
                await opening.raise_labelled(connection, incident, fact.alert, at)
                await troubles.failed_again(connection, incident, at)
            case group.Open(title=title):
                routed = route(self.declared.value, fact.alert.labels)
                opened = Opening(title=title, at=fact.at, chain_at=at, routed=routed)
                directory = self.ground.directory()
                await opening.open_with(connection, opened, fact.alert, directory, first=entry_of(fact))

    async def _recovered(self, connection: AsyncConnection, fact: AlertRecovered) -> None:
        numbers = await linked.record_recovery(connection, fact.alert.fingerprint, fact.at)
        for number in numbers:
            await _note(connection, number, fact)
        for incident in await linked.open_incidents(connection, fingerprint=fact.alert.fingerprint):
            if not incident.firing:
                await store.change(connection, incident.number, restart_tried=False)
                await outbox.append(connection, IncidentRecovered(at=fact.at, incident=incident.number))
        await self._resolve_if_over(connection, numbers, fact.at)

    async def _worked(self, connection: AsyncConnection, fact: RunEnded | RunDeclined) -> None:
        await store.change(connection, fact.incident, run_open=False)
        await _note(connection, fact.incident, fact)
        incident = await store.incident(connection, fact.incident)
        if incident is None:
            return
        if isinstance(fact, RunEnded):
            await troubles.run_ended(connection, incident, fact, self._steady(fact.at))
        await self._resolve_if_over(connection, [incident.merged_into or incident.number], fact.at)

    async def _restarted(self, connection: AsyncConnection, fact: InstanceRestarted) -> None:
        about = (
            [fact.incident]
            if fact.incident is not None
            else await linked.open_about(connection, instance=fact.instance)
        )
        for number in about:
            await _note(connection, number, fact)
            await troubles.restarted(connection, number, self._steady(fact.at))

    async def _resolve_if_over(self, connection: AsyncConnection, numbers: Sequence[int], at: datetime) -> None:
        if not numbers:
            return
        for found in await linked.open_incidents(connection, numbers=numbers):
            if group.is_over(found):
                incident = await store.known(connection, found.number)
                fact = IncidentResolved(at=at, incident=found.number)
                await opening.resolve(connection, incident, fact, self.ground.directory(), self._steady(at))

    def _steady(self, at: datetime) -> datetime:
        """The moment of a fact, for clocks that are never set back."""
        return at + self.clock.ahead()


async def _note(connection: AsyncConnection, number: int, fact: Fact) -> None:
    await store.add_entry(connection, number, entry_of(fact))
