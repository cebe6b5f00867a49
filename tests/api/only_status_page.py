"""As much of a platform as the status page needs, behind the real API: inside a test, or as a process of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.api.app import make_api
from stationmaster.api.protocol import ProblemProtocol
from stationmaster.config import StateDir
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.status.loop import StatusPages
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, metadata, open_database
from stationmaster.runtime.files import write_private
from stationmaster.runtime.metrics import ControlMetrics
from stationmaster.runtime.serve import Asgi
from tests.incidents.status.world import PageWorld, alert, spec
from tests.served import LIMIT_S, eventually


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyStatusPage:
    access: Access
    page: PageWorld
    started_at: datetime = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    metrics: ControlMetrics = field(default_factory=ControlMetrics)

    @property
    def status_pages(self) -> StatusPages:
        return self.page.pages

    @property
    def incidents(self) -> Incidents:
        return self.page.world.incidents

    @property
    def declared(self) -> Cell[PlatformSpec]:
        return self.page.declared

    @property
    def app(self) -> Asgi:
        return make_api(self)  # type: ignore[arg-type]


async def make(database: Database, state: StateDir, declared: PlatformSpec | None = None) -> OnlyStatusPage:
    access = Access(database, state)
    await access.start()
    page = PageWorld(database, Cell(declared or spec()))
    await page.pages.tick()
    return OnlyStatusPage(access=access, page=page)


@contextmanager
def control(state: Path, port: int) -> Iterator[None]:
    """Serves a page with one open incident from a thread, found by its state folder as the real one is."""
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        database = open_database(state / "stationmaster.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        platform = await make(database, StateDir(state))
        _row, token = await platform.access.machines.create("ops", Role.OPERATOR, None, by="test")
        write_private(state / "admin.token", f"{token}\n".encode())
        write_private(state / "control.url", f"http://127.0.0.1:{port}\n".encode())
        await platform.page.fire(alert("payments"))
        config = uvicorn.Config(
            platform.app, port=port, http=ProblemProtocol, lifespan="off", ws="none", log_config=None
        )
        servers.append(uvicorn.Server(config))
        await servers[0].serve()
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    eventually(lambda: bool(servers) and servers[0].started, "the control plane listens")
    try:
        yield
    finally:
        servers[0].should_exit = True
        thread.join(LIMIT_S)
