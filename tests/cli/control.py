"""A control plane that serves the catalog's routes from a thread, found by its state folder as the real one is."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from stationmaster.catalog.start import open_catalog
from stationmaster.runtime.db import metadata, open_database
from tests.api.declared import Answering, AnsweringGateway, DeclaredPlatform, make_app
from tests.served import LIMIT_S, eventually


@contextmanager
def control(state: Path, file: Path, port: int) -> Iterator[Answering]:
    """Runs for the block; `state` is the folder that verbs are given."""
    started: list[tuple[Answering, uvicorn.Server]] = []

    async def serve() -> None:
        database = open_database(state / "stationmaster.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        platform = DeclaredPlatform(catalog=await open_catalog(database, file), gateway=AnsweringGateway())
        server = uvicorn.Server(
            uvicorn.Config(make_app(platform), port=port, lifespan="off", ws="none", log_config=None)
        )
        started.append((platform, server))
        await server.serve()
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    eventually(lambda: _listens(port) or not thread.is_alive(), "the control plane listens")
    assert thread.is_alive(), "the control plane ended at once"
    (state / "control.url").write_text(f"http://127.0.0.1:{port}\n", "utf-8")
    (state / "admin.token").write_text("token\n", "utf-8")
    try:
        yield started[0][0]
    finally:
        started[0][1].should_exit = True
        thread.join(LIMIT_S)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
