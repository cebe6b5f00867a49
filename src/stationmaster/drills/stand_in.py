"""Stands in for a process that is broken on purpose: at its address, under its name, and not as it should be."""

import asyncio
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from stationmaster.core.drills import FaultKind
from stationmaster.core.spec import Address
from stationmaster.runtime.serve import Asgi, Message, serve_until_stopped

_WRONG = b"This is not the answer you are looking for.\n"
_FULL = Path("/dev/full")
"""Every write to it ends with ENOSPC, as on a disk that is full."""


def stand_in(listen: Address, kind: FaultKind, *, delay_ms: int, status: int) -> None:
    """Blocks until SIGTERM. Raises PlatformError where the address cannot be had."""
    if kind is FaultKind.REFUSE:
        _idle()
    else:
        serve_until_stopped(broken(kind, delay_ms=delay_ms, status=status), listen, lifespan="off")


def broken(kind: FaultKind, *, delay_ms: int, status: int) -> Asgi:
    """Answers every request at any path: late, with an error, or with another text."""

    async def app(scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if kind is FaultKind.SLOW:
            await asyncio.sleep(delay_ms / 1000)
        code, body = (status if kind is FaultKind.ERRORS else 200), _WRONG
        if kind is FaultKind.NO_SPACE and (problem := _cannot_write()):
            code, body = 503, f"{problem}\n".encode()
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def _cannot_write() -> str:
    """What the kernel says to a write on a full disk; it goes into the log as well."""
    try:
        with _FULL.open("wb", buffering=0) as disk:
            disk.write(b"an entry of the journal\n")
    except OSError as error:
        problem = f"ERROR database error: the journal cannot be written: {error.strerror}"
        sys.stderr.write(f"{problem}\n")
        sys.stderr.flush()
        return problem
    return ""


def _idle() -> None:
    """Lives, and listens nowhere."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    while not ending.wait(1.0):
        pass
