"""Serves one ASGI application on one address until a signal, and says clearly when the address cannot be had."""

import asyncio
import errno
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from types import FrameType
from typing import Any, Literal

import uvicorn

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]

_BACKLOG = 1024
_GRACE_S = 5


def bind(address: Address) -> socket.socket:
    """A listening socket. Raises PlatformError: `port-taken`, `port-forbidden` or `address-unusable`."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it on, an answer that is written in
    # two parts waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address.host, address.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(address, error) from error
    return listener


def _refusal(address: Address, error: OSError) -> PlatformError:
    match error.errno:
        case errno.EADDRINUSE:
            hint = f"`ss -ltnp 'sport = :{address.port}'` shows who has it; stop that process or listen elsewhere"
            return PlatformError("port-taken", f"{address} is taken by another process", hint=hint, status=500)
        case errno.EACCES:
            hint = "ports below 1024 need a privilege; listen on a higher one"
            return PlatformError("port-forbidden", f"{address} may not be listened on", hint=hint, status=500)
        case _:
            hint = "the host has to be an address of this machine"
            message = f"{address} cannot be listened on: {error.strerror}"
            return PlatformError("address-unusable", message, hint=hint, status=500)


def serve_until_stopped(
    app: Asgi,
    address: Address,
    *,
    lifespan: Literal["on", "off"] = "on",
    websocket: type[asyncio.Protocol] | None = None,
) -> None:
    """Blocks. Connections that ask for a WebSocket go to `websocket`, if there is one. A signal stops listening at
    once, gives open requests 5 s and ends the process with status 0."""
    listener = bind(address)
    config = uvicorn.Config(
        app,
        lifespan=lifespan,
        ws=websocket or "none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    if threading.current_thread() is threading.main_thread():
        # The server repeats the signal that stopped it after its graceful stop; then the process ends here.
        signal.signal(signal.SIGTERM, _leave)
        signal.signal(signal.SIGINT, _leave)
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def with_headers(app: Asgi, headers: dict[str, str]) -> Asgi:
    """Adds headers to every answer of `app`, its errors too."""
    added = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def wrapped(scope: Message, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped
