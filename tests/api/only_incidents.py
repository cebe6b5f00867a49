"""As much of a platform as the routes of incidents need, and a server of it."""

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
from stationmaster.api.routes.acknowledge import AcknowledgeRoutes, IncidentPageRoutes
from stationmaster.api.routes.approve_by_link import ApproveByLinkRoutes
from stationmaster.api.routes.incident_acts import IncidentActRoutes
from stationmaster.api.routes.incidents import IncidentRoutes
from stationmaster.api.routes.updates import UpdateRoutes
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.loop import Incidents
from stationmaster.runbooks.approvals import Approvals
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import metadata, open_database
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem
from stationmaster.runtime.serve import Asgi
from tests.incidents.test_incidents import alert, fired
from tests.incidents.world import World, spec
from tests.served import LIMIT_S, eventually


@dataclass(frozen=True, slots=True)
class OnlyIncidents:
    incidents: Incidents
    approvals: Approvals


def make_app(incidents: Incidents, name: str = "lin") -> Litestar:
    platform = OnlyIncidents(incidents, Approvals(database=incidents.database))
    caller = Caller(name=name, role=Role.OPERATOR)
    return Litestar(
        route_handlers=[
            IncidentRoutes,
            IncidentActRoutes,
            AcknowledgeRoutes,
            ApproveByLinkRoutes,
            IncidentPageRoutes,
            UpdateRoutes,
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
async def client_of(incidents: Incidents) -> AsyncIterator[httpx.AsyncClient]:
    app: Asgi = make_app(incidents)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://control") as client:
        yield client


@contextmanager
def control(state: Path, port: int) -> Iterator[None]:
    """Serves two incidents from a thread, found by its state folder as the real control plane is."""
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        database = open_database(state / "stationmaster.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        world = World(database, Cell(spec()))
        await world.facts(fired(0, alert()), fired(0, alert("f2", "key-eu-de")))
        app = make_app(world.incidents)
        servers.append(uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", ws="none", log_config=None)))
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
