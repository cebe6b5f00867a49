"""Turns facts into incidents: opens, joins, writes the timeline, resolves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import (
    AlertFired,
    AlertRecovered,
    Fact,
    IncidentOpened,
    IncidentRecovered,
    IncidentResolved,
    InstanceRestarted,
    RunDeclined,
    RunEnded,
    RunStarted,
    TargetChanged,
)
from stationmaster.incidents import group, store
from stationmaster.incidents.store import Incident, Status
from stationmaster.incidents.timeline import Entry, entry_of
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

CONSUMER = "incidents"


@dataclass(frozen=True, slots=True)
class Incidents:
    database: Database

    async def run(self) -> None:
        """Handles every fact, for ever."""
        await outbox.consume(self.database, CONSUMER, self.handle)

    async def handle(self, connection: AsyncConnection, fact: Fact) -> None:
        match fact:
            case AlertFired():
                await _fired(connection, fact)
            case AlertRecovered():
                await _recovered(connection, fact)
            case RunStarted():
                await store.set_run_open(connection, fact.incident, True)
                await _note(connection, fact.incident, fact)
            case RunEnded() | RunDeclined():
                await store.set_run_open(connection, fact.incident, False)
                await _note(connection, fact.incident, fact)
                await _resolve_what_is_over(connection, fact.at)
            case TargetChanged(incident=None, target=address):
                for about in await store.open_about(connection, address=address):
                    await _note(connection, about, fact)
            case InstanceRestarted(incident=None, instance=instance):
                for about in await store.open_about(connection, instance=instance):
                    await _note(connection, about, fact)
            case _:
                number = getattr(fact, "incident", None)
                if number is not None:
                    await _note(connection, number, fact)

    async def all(self, *, status: Status | None = None, limit: int = 100) -> Sequence[Incident]:
        async with self.database.read() as connection:
            return await store.all_incidents(connection, status=status, limit=limit)

    async def find(self, number: int) -> tuple[Incident, Sequence[Entry]] | None:
        """The incident and its timeline; None when there is no incident of that number."""
        async with self.database.read() as connection:
            found = await store.incident(connection, number)
            return None if found is None else (found, await store.entries(connection, number))


async def _fired(connection: AsyncConnection, fact: AlertFired) -> None:
    match group.place(fact.alert, await store.open_incidents(connection)):
        case group.Join(number=number):
            await store.record_alert(connection, number, fact.alert)
            await _note(connection, number, fact)
        case group.Open(title=title):
            number = await store.open_incident(connection, title, fact.alert, fact.at)
            await store.record_alert(connection, number, fact.alert)
            await _note(connection, number, fact)
            opened = IncidentOpened(at=fact.at, incident=number, title=title, alert=fact.alert)
            await outbox.append(connection, opened)


async def _recovered(connection: AsyncConnection, fact: AlertRecovered) -> None:
    for number in await store.record_recovery(connection, fact.alert.fingerprint, fact.at):
        await _note(connection, number, fact)
    for incident in await store.open_incidents(connection):
        if fact.alert.fingerprint in incident.fingerprints and not incident.firing:
            await outbox.append(connection, IncidentRecovered(at=fact.at, incident=incident.number))
    await _resolve_what_is_over(connection, fact.at)


async def _resolve_what_is_over(connection: AsyncConnection, at: datetime) -> None:
    for incident in await store.open_incidents(connection):
        if group.is_over(incident):
            await store.resolve(connection, incident.number, at)
            await outbox.append(connection, IncidentResolved(at=at, incident=incident.number))


async def _note(connection: AsyncConnection, number: int, fact: Fact) -> None:
    await store.add_entry(connection, number, entry_of(fact))
