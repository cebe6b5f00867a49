"""The sample API: answers any call with who answered, what was asked and who asked; some paths do more, to look at.

`/echo` what arrived, headers and body; `/slow` an answer after a while; `/status/503` an answer with that status;
`/stream` server-sent events; `/ws` a WebSocket that returns what it is sent; `/healthz` whether it is well. Any path
takes `?delay_ms=` (0 to 10,000, more is cut).
"""

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from stationmaster.core.spec import Address
from stationmaster.runtime.serve import Asgi, Message, Receive, Send, serve_until_stopped
from stationmaster.sample.websocket import echo_protocol

SERVICE = "sample_api"
LONGEST_DELAY_MS = 10_000
_SLOW_MS = 2_000
_MOST_EVENTS = 1_000
_MOST_ECHOED_BYTES = 65_536
_STATUS = re.compile(r"/status/([2-5]\d\d)")


def serve(listen: Address, instance: str) -> None:
    """Blocks until SIGTERM. Raises PlatformError when the address cannot be had."""
    serve_until_stopped(sample_app(instance), listen, lifespan="off", websocket=echo_protocol(instance))


class BadNumberError(Exception):
    """A parameter that should be a whole number is none; the message says which."""


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is the beginning of what was sent, `body_bytes` how much that was."""

    scope: Message
    body: bytes
    body_bytes: int

    @property
    def path(self) -> str:
        path: str = self.scope["path"]
        return path

    def headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.scope["headers"]:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
        return found

    def number(self, name: str, usual: int, most: int) -> int:
        """A parameter, at most `most`. Raises BadNumberError."""
        given = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True).get(name)
        if given is None:
            return usual
        text = given[0]
        if len(given) != 1 or not (text.isascii() and text.isdecimal()):
            raise BadNumberError(f"{name} is a whole number, 0 to {most}")
        return min(int(text), most) if len(text) <= 6 else most


def sample_app(instance: str) -> Asgi:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = await _read(scope, receive)
        if request is None:
            return
        try:
            await asyncio.sleep(_delay_ms(request) / 1000)
            if request.path == "/stream":
                await _stream(request, receive, send, instance)
            else:
                await _answer(send, instance, _status(request.path), _content(request, instance))
        except BadNumberError as error:
            await _answer(send, instance, HTTPStatus.BAD_REQUEST, {"error": str(error), "instance": instance})

    return app


def _delay_ms(request: Request) -> int:
    return request.number("delay_ms", _SLOW_MS if request.path == "/slow" else 0, LONGEST_DELAY_MS)


def _status(path: str) -> int:
    found = _STATUS.fullmatch(path)
    return int(found[1]) if found else HTTPStatus.OK


def _content(request: Request, instance: str) -> Mapping[str, Any]:
    if request.path == "/healthz":
        return {"status": "operational", "service": SERVICE, "instance": instance}
    headers = request.headers()
    seen: dict[str, Any] = {
        "service": SERVICE,
        "instance": instance,
        "method": request.scope["method"],
        "path": request.path,
        "consumer": headers.get("x-consumer-username"),
        "request_id": headers.get("x-request-id"),
    }
    if request.path == "/echo":
        text = request.body.decode("utf-8", "replace")
        query = request.scope["query_string"].decode("latin-1")
        seen |= {"query": query, "headers": headers, "body": text, "body_bytes": request.body_bytes}
    return seen


async def _read(scope: Message, receive: Receive) -> Request | None:
    """Reads the whole body, so that the connection can be used again; None when the client has gone."""
    kept, count = bytearray(), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        kept += piece[: _MOST_ECHOED_BYTES - len(kept)]
        count += len(piece)
        if not message.get("more_body", False):
            return Request(scope, bytes(kept), count)


async def _stream(request: Request, receive: Receive, send: Send, instance: str) -> None:
    """Events `?gap_ms=` apart (500), `?count=` of them (10), until the client leaves."""
    count = request.number("count", 10, _MOST_EVENTS)
    gap_s = request.number("gap_ms", 500, LONGEST_DELAY_MS) / 1000
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), _served_by(instance)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    gone = asyncio.ensure_future(receive())
    try:
        for number in range(1, count + 1):
            data = json.dumps({"number": number, "instance": instance})
            event = f"id: {number}\nevent: tick\ndata: {data}\n\n".encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.wait([gone], timeout=gap_s if number < count else 0)
            if gone.done():
                return
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone


def _served_by(instance: str) -> tuple[bytes, bytes]:
    return b"x-served-by", instance.encode("latin-1", "replace")


async def _answer(send: Send, instance: str, status: int, content: Mapping[str, Any]) -> None:
    body = b"" if status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED) else json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        _served_by(instance),
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
