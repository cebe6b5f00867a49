"""As much of a platform as the routes of on-call and bundles need, and a server of it."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
from litestar import Litestar

from stationmaster.api.routes.bundle import BundleRoutes
from stationmaster.api.routes.calendars import CalendarFeedRoutes, CalendarImportRoutes, CalendarRoutes
from stationmaster.api.routes.catalog import CatalogRoutes
from stationmaster.api.routes.incidents import IncidentRoutes
from stationmaster.api.routes.oncall import OnCallRoutes, OverrideRoutes, ShiftRoutes
from stationmaster.catalog.loop import Catalog
from stationmaster.catalog.start import open_catalog
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.bundle_desk import Bundles
from stationmaster.incidents.calendar_desk import Calendars
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.duty_room import DutyRoom, open_duty
from stationmaster.incidents.loop import CONSUMER, Incidents
from stationmaster.runbooks.loop import Runbooks
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only import app_of, asked, control_of
from tests.api.only_runbooks import no_runbooks
from tests.incidents.test_incidents import alert, fired


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyOnCall:
    declared: Cell[PlatformSpec]
    oncall: OnCall
    calendars: Calendars
    bundles: Bundles
    incidents: Incidents
    runbooks: Runbooks
    catalog: Catalog | None = None

    @property
    def spec(self) -> PlatformSpec:
        return self.declared.value


def platform_of(database: Database, declared: Cell[PlatformSpec], room: DutyRoom) -> OnlyOnCall:
    return OnlyOnCall(
        declared=declared,
        oncall=room.oncall,
        calendars=room.calendars,
        bundles=room.bundles,
        incidents=Incidents(database, declared, overrides=room.oncall.overrides),
        runbooks=no_runbooks(database),
    )


def make_app(platform: OnlyOnCall) -> Litestar:
    routes = [
        OnCallRoutes,
        ShiftRoutes,
        OverrideRoutes,
        CalendarFeedRoutes,
        CalendarRoutes,
        CalendarImportRoutes,
        BundleRoutes,
        IncidentRoutes,
        CatalogRoutes,
    ]
    return app_of(platform, routes, name="ada")


def client_of(platform: OnlyOnCall) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return asked(make_app(platform))


def control(state: Path, file: Path, port: int) -> AbstractContextManager[None]:
    """Serves the file's platform with one incident."""

    async def make(database: Database) -> Litestar:
        catalog = await open_catalog(database, file)
        room = await open_duty(database, catalog.declared, link_key=b"k" * 32, bundle_key=state / "bundle.key")
        platform = replace(platform_of(database, catalog.declared, room), catalog=catalog)
        async with database.write() as connection:
            await outbox.append(connection, fired(0, alert()))
        while await outbox.drain(database, CONSUMER, platform.incidents.handle):
            pass
        return make_app(platform)

    return control_of(state, port, make)
