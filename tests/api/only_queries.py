"""As much of a platform as the routes of Prometheus' HTTP API need, and a server of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import uvicorn

from stationmaster.access.loop import Access
from stationmaster.api.app import make_api
from stationmaster.api.protocol import ProblemProtocol
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.runtime.metrics import ControlMetrics
from stationmaster.runtime.serve import Asgi


@dataclass(frozen=True, slots=True)
class OnlyQueries:
    access: Access
    desk: QueryDesk | None
    started_at: datetime = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    metrics: ControlMetrics = field(default_factory=ControlMetrics)


def make_app(access: Access, desk: QueryDesk | None) -> Asgi:
    return make_api(OnlyQueries(access, desk))  # type: ignore[arg-type]


@asynccontextmanager
async def served(app: Asgi, free_port: Callable[[], int]) -> AsyncIterator[str]:
    """The URL of Prometheus' API, over a real socket, for programs."""
    port = free_port()
    config = uvicorn.Config(
        app,
        http=ProblemProtocol,
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="off",
        ws="none",
    )
    server = _Server(config)
    task = asyncio.ensure_future(server.serve())
    try:
        async with asyncio.timeout(20):
            while not server.started:
                await asyncio.sleep(0.01)
        yield f"127.0.0.1:{port}/prometheus"
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """Leaves the signals of the process to the test run."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
