"""Opens what belongs to on-call and its proof: schedules with their overrides, calendars, the watch, audit bundles."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.bundle_desk import Bundles, load_or_make_key
from stationmaster.incidents.calendar_desk import Calendars
from stationmaster.incidents.calendars import CalendarLinks
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.duty_watch import DutyWatch
from stationmaster.incidents.notify.every import every_notifier
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyRoom:
    oncall: OnCall
    calendars: Calendars
    watch: DutyWatch
    bundles: Bundles

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {"on-call": self.watch.run}


async def open_duty(
    database: Database, declared: Cell[PlatformSpec], *, link_key: bytes, bundle_key: Path, outbox: Path | None = None
) -> DutyRoom:
    """`link_key` signs the links to calendars, the key in the file `bundle_key` the bundles; it is made once. `outbox`
    is the folder of the outboxes."""
    oncall = OnCall(database=database, declared=declared)
    await oncall.start()
    every = every_notifier(lambda: declared.value.incidents.smtp, outbox=outbox)
    return DutyRoom(
        oncall=oncall,
        calendars=Calendars(oncall=oncall, links=CalendarLinks(link_key)),
        watch=DutyWatch(oncall=oncall, send=every.send),
        bundles=Bundles(database=database, declared=declared, private=load_or_make_key(bundle_key)),
    )
