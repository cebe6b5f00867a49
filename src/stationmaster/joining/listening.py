"""Serves the REST API on every address where the control plane listens, plain and over TLS, and says where it is."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TypeAlias

import uvicorn
from litestar import Litestar

from stationmaster.api.app import make_api
from stationmaster.api.protocol import ProblemProtocol
from stationmaster.config import StateDir
from stationmaster.platform import Platform
from stationmaster.runtime.files import write_private
from stationmaster.runtime.serve import bind
from stationmaster.runtime.tls import ServerTls

Listeners: TypeAlias = Sequence[tuple[socket.socket, ssl.SSLContext | None]]


async def listeners_of(platform: Platform, tls: ServerTls) -> Listeners:
    """Raises PlatformError where an address or the certificate cannot be had."""
    control = platform.spec.control
    if control.api_tls is None:
        return [(bind(control.api), None)]
    await tls.start()
    return [(bind(control.api), None), (bind(control.api_tls), tls.context)]


@asynccontextmanager
async def serving(
    platform: Platform, state: StateDir, group: asyncio.TaskGroup, listeners: Listeners
) -> AsyncIterator[None]:
    """Serves the REST API for as long as the block runs, and tells clients where it is."""
    api = make_api(platform)
    servers = [_Server(_config(api, context)) for _, context in listeners]
    with ExitStack() as bound:
        for listener, _ in listeners:
            bound.enter_context(listener)
        tasks = [
            group.create_task(server.serve(sockets=[listener]), name="api")
            for server, (listener, _) in zip(servers, listeners, strict=True)
        ]
        _tell_addresses(platform, state)
        try:
            yield
        finally:
            for server in servers:
                server.should_exit = True
            await asyncio.wait(tasks, timeout=5)


def _config(api: Litestar, context: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        api,
        http=ProblemProtocol,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a header must not say from where somebody logs in
        timeout_graceful_shutdown=3,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )


def _tell_addresses(platform: Platform, state: StateDir) -> None:
    control = platform.spec.control
    write_private(state.control_url, f"http://{control.api}\n".encode())
    if control.api_tls is None:
        state.control_tls_url.unlink(missing_ok=True)
    else:
        write_private(state.control_tls_url, f"https://{control.api_tls}\n".encode())


class _Server(uvicorn.Server):
    """Leaves the process's signals to the app."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
