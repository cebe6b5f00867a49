"""The whole of one incident, read at one moment: timeline, alerts, levels, pages, notes, responders."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.incidents import linked, moves, notes, paper, relations, responders, store
from stationmaster.incidents.escalate import Reached
from stationmaster.incidents.linked import LinkedAlert
from stationmaster.incidents.notes import Note
from stationmaster.incidents.paper import Owed
from stationmaster.incidents.relations import Related
from stationmaster.incidents.responders import Working
from stationmaster.incidents.store import Incident
from stationmaster.incidents.timeline import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    incident: Incident
    timeline: Sequence[Entry]
    alerts: Sequence[LinkedAlert]
    levels: Sequence[Reached]
    pages: Sequence[Owed]
    notes: Sequence[Note]
    responders: Sequence[Working]
    merged: tuple[int, ...]
    related: Sequence[Related] = ()
    """Incidents that may be the same failure, and why."""


async def read(connection: AsyncConnection, number: int) -> Story:
    """Raises PlatformError `unknown-incident`."""
    incident = await store.known(connection, number)
    return Story(
        incident=incident,
        timeline=await store.entries(connection, number),
        alerts=await linked.alerts_of(connection, number, limit=1000),
        levels=await moves.levels_of(connection, incident),
        pages=await paper.all_of(connection, number),
        notes=await notes.of(connection, number),
        responders=await responders.of(connection, number),
        merged=await store.merged_with(connection, number),
        related=await relations.of(connection, number),
    )
