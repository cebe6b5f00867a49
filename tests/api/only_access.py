"""As much of a platform as the guard and the routes of access need, and a control plane that has nothing else."""

import asyncio
from dataclasses import dataclass, field

import uvicorn

from stationmaster.access.loop import Access
from stationmaster.api.app import make_api
from stationmaster.api.protocol import ProblemProtocol
from stationmaster.config import StateDir
from stationmaster.runtime.db import open_database
from stationmaster.runtime.files import write_private
from stationmaster.runtime.lock import acquire
from stationmaster.runtime.metrics import ControlMetrics
from stationmaster.runtime.migrate import migrate


@dataclass(frozen=True, slots=True)
class OnlyAccess:
    access: Access
    metrics: ControlMetrics = field(default_factory=ControlMetrics)


def serve(state: StateDir, port: int) -> None:
    """Over the real store of the state folder, under its lock; the first password is kept as the platform keeps it."""
    held = acquire(state.control_lock)
    if held is None:
        raise RuntimeError("another one works on this state folder")
    asyncio.run(_serve(state, port))


async def _serve(state: StateDir, port: int) -> None:
    database = open_database(state.database)
    await migrate(database)
    access = Access(database, state)
    password = await access.start()
    if password is not None:
        write_private(state.first_password, password.encode())
    write_private(state.control_url, f"http://127.0.0.1:{port}\n".encode())
    app = make_api(OnlyAccess(access))  # type: ignore[arg-type]
    config = uvicorn.Config(
        app, http=ProblemProtocol, host="127.0.0.1", port=port, log_config=None, lifespan="off", proxy_headers=False
    )
    await uvicorn.Server(config).serve()
