"""As much of a platform as the routes of on-call and bundles need, and a server of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException

from stationmaster.access.roles import Caller, Role
from stationmaster.api.routes.bundle import BundleRoutes
from stationmaster.api.routes.calendars import CalendarFeedRoutes, CalendarImportRoutes, CalendarRoutes
from stationmaster.api.routes.catalog import CatalogRoutes
from stationmaster.api.routes.incidents import IncidentRoutes
from stationmaster.api.routes.oncall import OnCallRoutes, OverrideRoutes, ShiftRoutes
from stationmaster.catalog.loop import Catalog
from stationmaster.catalog.start import open_catalog
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.bundle_desk import Bundles
from stationmaster.incidents.calendar_desk import Calendars
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.duty_room import DutyRoom, open_duty
from stationmaster.incidents.loop import CONSUMER, Incidents
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, metadata, open_database
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem
from stationmaster.runtime.serve import Asgi
from tests.incidents.test_incidents import alert, fired
from tests.served import LIMIT_S, eventually


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyOnCall:
    declared: Cell[PlatformSpec]
    oncall: OnCall
    calendars: Calendars
    bundles: Bundles
    incidents: Incidents
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
    )


def make_app(platform: OnlyOnCall, name: str = "ada") -> Litestar:
    caller = Caller(name=name, role=Role.OPERATOR)
    return Litestar(
        route_handlers=[
            OnCallRoutes,
            ShiftRoutes,
            OverrideRoutes,
            CalendarFeedRoutes,
            CalendarRoutes,
            CalendarImportRoutes,
            BundleRoutes,
            IncidentRoutes,
            CatalogRoutes,
        ],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "caller": Provide(lambda: caller, sync_to_thread=False),
        },
        exception_handlers={PlatformError: platform_problem, HTTPException: http_problem},
        logging_config=None,
        after_exception=[log_unexpected],
    )


@asynccontextmanager
async def client_of(platform: OnlyOnCall) -> AsyncIterator[httpx.AsyncClient]:
    app: Asgi = make_app(platform)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://control") as client:
        yield client


@contextmanager
def control(state: Path, file: Path, port: int) -> Iterator[None]:
    """Serves the file's platform with one incident from a thread, found by its state folder as the real one is."""
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        database = open_database(state / "stationmaster.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        catalog = await open_catalog(database, file)
        room = await open_duty(database, catalog.declared, link_key=b"k" * 32, bundle_key=state / "bundle.key")
        whole = platform_of(database, catalog.declared, room)
        platform = OnlyOnCall(
            declared=whole.declared,
            oncall=whole.oncall,
            calendars=whole.calendars,
            bundles=whole.bundles,
            incidents=whole.incidents,
            catalog=catalog,
        )
        async with database.write() as connection:
            await outbox.append(connection, fired(0, alert()))
        while await outbox.drain(database, CONSUMER, platform.incidents.handle):
            pass
        config = uvicorn.Config(make_app(platform), port=port, lifespan="off", ws="none", log_config=None)
        servers.append(uvicorn.Server(config))
        await servers[0].serve()
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    eventually(lambda: bool(servers) and servers[0].started, "the control plane listens")
    (state / "control.url").write_text(f"http://127.0.0.1:{port}\n", "utf-8")
    (state / "admin.token").write_text("token\n", "utf-8")
    try:
        yield
    finally:
        servers[0].should_exit = True
        thread.join(LIMIT_S)
