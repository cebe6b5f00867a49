"""Makes the rooms that answer incidents: who is on duty, the incidents, what takes alerts in, what users are told."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from stationmaster.config import StateDir
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.correlating import Correlating
from stationmaster.incidents.duty_room import DutyRoom, open_duty
from stationmaster.incidents.intake.loop import Intake
from stationmaster.incidents.links import load_or_make_links
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.paging import page_loops
from stationmaster.incidents.status.loop import StatusPages
from stationmaster.joining.talk_sources import OnStatusPage, RunbooksForTalk, RunbookWords
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRooms:
    incidents: Incidents
    intake: Intake
    status_pages: StatusPages
    duty: DutyRoom

    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        incidents = self.incidents
        own = {
            "intake": self.intake.run,
            "held alerts": lambda: incidents.keep_released(self.intake.silences.live),
            "correlation": Correlating(incidents.database, incidents.declared).run,
        }
        return {**page_loops(incidents), **self.status_pages.loops(), **self.duty.loops(), **own}

    def troubles(self) -> Sequence[str]:
        return (*self.duty.watch.troubles(), *self.status_pages.troubles())


async def make_response(
    declared: Cell[PlatformSpec], state: StateDir, database: Database, books: RunbooksForTalk
) -> ResponseRooms:
    """Nothing is taken in before silences are known."""
    links = load_or_make_links(state.link_key)
    duty = await open_duty(database, declared, link_key=links.key, bundle_key=state.bundle_key, outbox=state.outbox)
    incidents = Incidents(
        database,
        declared,
        overrides=duty.oncall.overrides,
        links=links,
        outbox=state.outbox,
        silenced=lambda labels, now: intake.silences.of(labels, now),  # noqa: PLW0108 it is made below
        messages=books.messages,
        runbook=books.runbook,
        publish=OnStatusPage(lambda: status_pages.desk),
    )
    intake = Intake(database, declared, lambda number, by: incidents.acts.acknowledge(number, by=by))
    await intake.start()
    status_pages = StatusPages(
        database=database,
        declared=declared,
        links=links,
        text_for=RunbookWords(lambda: incidents.talk),
        silences=lambda: intake.silences.live.value,
    )
    return ResponseRooms(incidents=incidents, intake=intake, status_pages=status_pages, duty=duty)
