"""Closed-loop load over a few kept connections, without an HTTP library in between."""

import asyncio
import time
from dataclasses import dataclass
from typing import Self

_CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request as its bytes; every answer has to be a 200 with a length."""

    host: str
    port: int
    request: bytes

    @classmethod
    def post(cls, address: str, path: str, body: str, content_type: str) -> Self:
        host, _, port = address.rpartition(":")
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {content_type}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return cls(host=host, port=int(port), request=(head + body).encode())


def closed_loop(exchange: Exchange, *, seconds: float) -> int:
    """The number of answers in that time."""
    return asyncio.run(_all(exchange, seconds))


async def _all(exchange: Exchange, seconds: float) -> int:
    end = time.monotonic() + seconds
    return sum(await asyncio.gather(*(_one(exchange, end) for _ in range(_CONNECTIONS))))


async def _one(exchange: Exchange, end: float) -> int:
    reader, writer = await asyncio.open_connection(exchange.host, exchange.port)
    count = 0
    while time.monotonic() < end:
        writer.write(exchange.request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"answered {head[:80]!r}")
        await reader.readexactly(_length(head))
        count += 1
    writer.close()
    return count


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    raise RuntimeError("an answer without a length")
