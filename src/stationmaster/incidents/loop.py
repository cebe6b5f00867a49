"""Turns facts into incidents: opens, joins, writes the timeline, resolves."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.changes import ChangeBegan, ChangeEnded
from stationmaster.core.facts import (
    AlertFired,
    AlertRecovered,
    ApprovalAnswered,
    ApprovalAsked,
    DiagnosisMade,
    EscalationAsked,
    Fact,
    IncidentChanged,
    IncidentRecovered,
    IncidentResolved,
    InstanceQuiet,
    InstanceRestarted,
    RunDeclined,
    RunEnded,
    RunStarted,
    TargetChanged,
)
from stationmaster.core.response import Override
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import diagnosed, group, held, linked, opening, store, story, troubles, wanting
from stationmaster.incidents.acts import Acts
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.life import Status
from stationmaster.incidents.linked import Concerned
from stationmaster.incidents.links import Links, new_links
from stationmaster.incidents.placing import Placing, Silenced, nothing_silenced
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.steady import Steady
from stationmaster.incidents.store import Incident
from stationmaster.incidents.story import Story
from stationmaster.incidents.talk.by_link import ByLink
from stationmaster.incidents.talk.desk import MessagesOf, Publish, Talk, no_messages
from stationmaster.incidents.talk.runbook import RunbookOf, no_runbook
from stationmaster.incidents.timeline import Entry, entry_of
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

CONSUMER = "incidents"
_RELEASE_EVERY_S = 0.5


def _nothing_declared() -> Cell[PlatformSpec]:
    return Cell(PlatformSpec(environment=""))


def _no_overrides() -> Cell[tuple[Override, ...]]:
    return Cell(())


def _nothing_owed() -> Cell[Mapping[int, datetime]]:
    return Cell({})


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
    outbox: Path | None = None
    """The folder of the outboxes; None: there are none."""
    silenced: Silenced = nothing_silenced
    """Alerts that a silence covers wait."""
    messages: MessagesOf = no_messages
    runbook: RunbookOf = no_runbook
    publish: Publish | None = None
    """Puts updates on the status page."""
    updates_owed: Cell[Mapping[int, datetime]] = field(default_factory=_nothing_owed)
    """Since when which incidents owe news."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by one act by link, and by one update, at a time."""

    @property
    def ground(self) -> Ground:
        return Ground(database=self.database, declared=self.declared, overrides=self.overrides, clock=self.clock)

    @property
    def placing(self) -> Placing:
        return Placing(ground=self.ground, silenced=self.silenced)

    @property
    def acts(self) -> Acts:
        """What people do with incidents."""
        return Acts(self.ground)

    @property
    def talk(self) -> Talk:
        """What is said about incidents."""
        return Talk(
            ground=self.ground,
            messages=self.messages,
            publish=self.publish,
            owed=self.updates_owed,
            turn=self.turn,
        )

    def owed_words(self) -> tuple[str, ...]:
        """The news that are owed and were not given, in words."""
        return tuple(
            f"#{number}: an update is owed since {since:%H:%M:%S UTC}: `incident update {number}`"
            for number, since in sorted(self.updates_owed.value.items())
        )

    @property
    def by_link(self) -> ByLink:
        """What people do with incidents by the link of a page."""
        return ByLink(ground=self.ground, talk=self.talk, turn=self.turn)

    async def run(self) -> None:
        """Handles every fact, for ever."""
        await outbox.consume(self.database, CONSUMER, self.handle)

    async def handle(self, connection: AsyncConnection, fact: Fact) -> None:
        match fact:
            case AlertFired():
                await self.placing.place(connection, fact, self._steady(fact.at))
            case AlertRecovered():
                await self._recovered(connection, fact)
            case RunStarted():
                await linked.begin_run(connection, fact.incident, fact.fingerprint)
                await _note(connection, fact.incident, fact)
            case RunEnded() | RunDeclined():
                await self._worked(connection, fact)
            case DiagnosisMade():
                await _note(connection, fact.incident, fact)
                await diagnosed.made(connection, fact, self.ground.directory(), self._steady(fact.at))
            case ApprovalAsked():
                await _note(connection, fact.incident, fact)
                await wanting.asked(connection, fact, self.ground.directory(), self._steady(fact.at))
            case ApprovalAnswered():
                await _note(connection, fact.incident, fact)
                await wanting.answered(connection, fact, self._steady(fact.at))
            case EscalationAsked():
                await _note(connection, fact.incident, fact)
                await troubles.asked(connection, fact, self._steady(fact.at))
            case TargetChanged(incident=None, target=address):
                for about in await linked.open_about(connection, address=address):
                    await _note(connection, about, fact)
            case InstanceRestarted():
                await self._restarted(connection, fact)
            case ChangeBegan() | ChangeEnded():
                pass  # its step tells it
            case IncidentChanged():
                pass  # its line was written with it
            case IncidentResolved(by=by) if by:
                pass  # so was that of somebody's
            case _:
                number = getattr(fact, "incident", None)
                if number is not None:
                    await _note(connection, number, fact)

    async def release(self) -> int:
        """Places held alerts that no silence covers any more, and says how many."""
        async with self.database.read() as connection:
            if not await held.is_any(connection):
                return 0
        async with self.database.write() as connection:
            return await self.placing.release(connection, self.clock.now())

    async def keep_released(self, silences: Cell[tuple[Silence, ...]]) -> None:
        """For ever, at every change of the silences and twice a second."""
        async for _ in silences.changes(tick=_RELEASE_EVERY_S):
            while await self.release():
                pass

    async def inhibited(self) -> Mapping[str, str]:
        """Alerts that only follow from another one which fires, by their fingerprints."""
        async with self.database.read() as connection:
            return await linked.inhibited(connection)

    async def holders(self) -> Mapping[tuple[int, str], frozenset[int]]:
        """Which incidents have the alerts now that were worked for an incident, by its number and their instance; those
        that never moved are left out."""
        async with self.database.read() as connection:
            return await linked.moved(connection)

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

    async def _recovered(self, connection: AsyncConnection, fact: AlertRecovered) -> None:
        await held.drop(connection, fact.alert.fingerprint)
        ended = await linked.record_recovery(connection, fact.alert.fingerprint, fact.at)
        numbers = sorted({each.number for each in ended})
        for number in numbers:
            await _note(connection, number, fact)
        await self._quiet(connection, ended, fact.at)
        for incident in await linked.open_incidents(connection, numbers=numbers):
            if not incident.firing:
                await outbox.append(connection, IncidentRecovered(at=fact.at, incident=incident.number))
        await self._resolve_if_over(connection, numbers, fact.at)

    async def _worked(self, connection: AsyncConnection, fact: RunEnded | RunDeclined) -> None:
        ended = await linked.end_runs(connection, fact.incident, fact.fingerprint)
        await _note(connection, fact.incident, fact)
        incident = await store.incident(connection, fact.incident)
        if incident is None:
            return
        numbers = sorted({each.number for each in ended} or {incident.merged_into or incident.number})
        if isinstance(fact, RunEnded):
            for number in numbers:
                await troubles.run_ended(connection, await store.known(connection, number), fact, self._steady(fact.at))
        await self._quiet(connection, ended, fact.at)
        await self._resolve_if_over(connection, numbers, fact.at)

    async def _quiet(self, connection: AsyncConnection, ended: Sequence[Concerned], at: datetime) -> None:
        """Tells once of every instance of which nothing fires or is worked any more in an open incident; what was
        merged into that is told of too, as targets may be away for its number."""
        over = {(each.number, each.instance) for each in ended if each.instance}
        open_ones = await linked.open_incidents(connection, numbers=[number for number, _ in over])
        still = {each.number for each in open_ones}
        for number, instance in sorted(over):
            if number in still and await linked.is_quiet(connection, number, instance):
                told = (number, *await store.merged_with(connection, number))
                facts = [InstanceQuiet(at=at, incident=each, instance=instance) for each in told]
                await outbox.append(connection, *facts)

    async def _restarted(self, connection: AsyncConnection, fact: InstanceRestarted) -> None:
        about = (
            [fact.incident]
            if fact.incident is not None
            else await linked.open_about(connection, instance=fact.instance)
        )
        for number in about:
            await _note(connection, number, fact)
            await troubles.restarted(connection, number, fact.instance, self._steady(fact.at))
        await self._note_of_node(connection, fact, about)

    async def _note_of_node(self, connection: AsyncConnection, fact: InstanceRestarted, told: Sequence[int]) -> None:
        """Who restarts a gateway node, a runbook by hand or the supervisor, does so for no incident: all about the node
        tell of it. Nobody has to look because of that: a node may be restarted again."""
        for number in await linked.open_about_node(connection, fact.instance):
            if number not in told:
                await _note(connection, number, fact)

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
