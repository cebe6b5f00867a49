"""An app of some routes over as much of a platform as they need, and a server of it in a thread."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import uvicorn
from litestar import Controller, Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException

from stationmaster.access.live import Kind, Proof
from stationmaster.access.roles import Caller, Role
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import Database, metadata, open_database
from stationmaster.runtime.problems import http_problem, log_unexpected, platform_problem
from stationmaster.runtime.serve import Asgi
from tests.served import LIMIT_S, eventually


def app_of(platform: object, routes: Sequence[type[Controller]], *, name: str = "lin") -> Litestar:
    """Everybody who asks is the operator of that name."""
    caller = Caller(name=name, role=Role.OPERATOR)
    proof = Proof(caller=caller, kind=Kind.SESSION, digest="")
    return Litestar(
        route_handlers=[*routes],
        dependencies={
            "platform": Provide(lambda: platform, sync_to_thread=False),
            "caller": Provide(lambda: caller, sync_to_thread=False),
            "proof": Provide(lambda: proof, sync_to_thread=False),
        },
        exception_handlers={PlatformError: platform_problem, HTTPException: http_problem},
        logging_config=None,
        after_exception=[log_unexpected],
    )


@asynccontextmanager
async def asked(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    asgi: Asgi = app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=asgi), base_url="http://control") as client:
        yield client


@contextmanager
def control_of(state: Path, port: int, make: Callable[[Database], Awaitable[Litestar]]) -> Iterator[None]:
    """Serves what `make` makes over a new store, found by its state folder as the real control plane is."""
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        database = open_database(state / "stationmaster.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        app = await make(database)
        servers.append(uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", ws="none", log_config=None)))
        await servers[0].serve()
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    begun = "the control plane listens"
    eventually(lambda: (bool(servers) and servers[0].started) or not thread.is_alive(), begun)
    assert thread.is_alive(), "the control plane ended at once"
    (state / "control.url").write_text(f"http://127.0.0.1:{port}\n", "utf-8")
    (state / "admin.token").write_text("token\n", "utf-8")
    try:
        yield
    finally:
        servers[0].should_exit = True
        thread.join(LIMIT_S)
