"""As much of a platform as intake needs, with its loops and its REST API: inside a test, or as a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import uvicorn

from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.api.app import make_api
from stationmaster.api.protocol import ProblemProtocol
from stationmaster.config import StateDir
from stationmaster.core.names import ServiceName
from stationmaster.core.spec import PlatformSpec, Service
from stationmaster.incidents.intake.loop import Intake
from stationmaster.incidents.loop import Incidents
from stationmaster.monitor.loop import Monitor
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, metadata, open_database
from stationmaster.runtime.files import write_private
from stationmaster.runtime.metrics import ControlMetrics
from stationmaster.runtime.serve import Asgi


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlyIntake:
    access: Access
    intake: Intake
    incidents: Incidents
    monitor: Monitor
    started_at: datetime = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    metrics: ControlMetrics = field(default_factory=ControlMetrics)

    @property
    def app(self) -> Asgi:
        return make_api(self)  # type: ignore[arg-type]


def spec() -> PlatformSpec:
    return PlatformSpec(environment="test", services=(Service(name=ServiceName("orders"), port=8081),))


async def make(database: Database, state: StateDir) -> OnlyIntake:
    access = Access(database, state)
    await access.start()
    incidents = Incidents(database, Cell(spec()), silenced=lambda labels, now: intake.silences.of(labels, now))  # noqa: PLW0108
    intake = Intake(database, Cell(spec()), lambda number, by: incidents.acts.acknowledge(number, by=by))
    await intake.start()
    monitor = Monitor(database, Cell(spec()))
    return OnlyIntake(access=access, intake=intake, incidents=incidents, monitor=monitor)


@asynccontextmanager
async def served(platform: OnlyIntake, free_port: Callable[[], int]) -> AsyncIterator[str]:
    """`HOST:PORT`, over a real socket, for programs; the loops run."""
    port = free_port()
    server = _Server(_config(platform.app, port))
    loops = [asyncio.ensure_future(each()) for each in (platform.intake.run, platform.incidents.run)]
    task = asyncio.ensure_future(server.serve())
    try:
        async with asyncio.timeout(20):
            while not server.started:
                await asyncio.sleep(0.01)
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
        for each in loops:
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each


def serve(state: StateDir, port: int) -> None:
    """A process that takes alerts in and has no other loop; its token stands in the state folder."""
    asyncio.run(_serve(state, port))


async def _serve(state: StateDir, port: int) -> None:
    state.root.mkdir(parents=True, exist_ok=True)
    database = open_database(state.database)
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    platform = await make(database, state)
    _row, token = await platform.access.machines.create("sender", Role.OPERATOR, None, by="test")
    write_private(state.root / "sender.token", token.encode())
    await uvicorn.Server(_config(platform.app, port)).serve()


def _config(app: Asgi, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=ProblemProtocol,
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="off",
        ws="none",
    )


class _Server(uvicorn.Server):
    """Leaves the signals of the process to the test run."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
