"""The sample API: answers any call with who answered, what was asked and who asked."""

import asyncio
import json
from http import HTTPStatus
from urllib.parse import parse_qs

from stationmaster.core.spec import Address
from stationmaster.runtime.serve import Asgi, Message, Receive, Send, serve_until_stopped

SERVICE = "sample_api"
LONGEST_DELAY_MS = 10_000


def serve(listen: Address, instance: str) -> None:
    """Blocks until SIGTERM. Raises PlatformError when the address cannot be had."""
    serve_until_stopped(sample_app(instance), listen, lifespan="off")


def sample_app(instance: str) -> Asgi:
    """`?delay_ms=` (0 to 10,000, more is cut) delays an answer."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if not await _drained(receive):
            return
        delay_ms = _delay_ms(scope)
        if delay_ms is None:
            body = {"error": "delay_ms is a whole number of milliseconds, 0 to 10000", "instance": instance}
            await _answer(send, instance, HTTPStatus.BAD_REQUEST, body)
            return
        if delay_ms:
            await asyncio.sleep(delay_ms / 1000)
        await _answer(send, instance, HTTPStatus.OK, _content(scope, instance))

    return app


def _content(scope: Message, instance: str) -> dict[str, str | None]:
    if scope["path"] == "/healthz":
        return {"status": "operational", "service": SERVICE, "instance": instance}
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return {
        "service": SERVICE,
        "instance": instance,
        "method": scope["method"],
        "path": scope["path"],
        "consumer": _text(headers.get(b"x-consumer-username")),
        "request_id": _text(headers.get(b"x-request-id")),
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _delay_ms(scope: Message) -> int | None:
    """None when what was asked is no delay."""
    given = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("delay_ms")
    if given is None:
        return 0
    text = given[0]
    if len(given) != 1 or not (text.isascii() and text.isdecimal()):
        return None
    return min(int(text), LONGEST_DELAY_MS) if len(text) <= 6 else LONGEST_DELAY_MS


async def _drained(receive: Receive) -> bool:
    """Reads and drops the body, so that the connection can be used again; False when the client has gone."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        if not message.get("more_body", False):
            return True


async def _answer(
    send: Send, instance: str, status: HTTPStatus, content: dict[str, str | None] | dict[str, str]
) -> None:
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-served-by", instance.encode("latin-1", "replace")),
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
