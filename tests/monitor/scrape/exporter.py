"""A target of tests: answers GETs on a real socket as it is told to."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

from stationmaster.core.address import Address

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Exporter:
    """`answer` writes what a request gets; `requests` are the heads of those that came."""

    answer: Answer
    requests: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def address(self) -> Address:
        return Address(host="127.0.0.1", port=self.port)

    async def serve(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        try:
            self.requests.append((await incoming.readuntil(b"\r\n\r\n")).decode())
            await self.answer(outgoing)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the scraper had enough
        finally:
            outgoing.close()


@asynccontextmanager
async def exporter(answer: Answer, secure: SSLContext | None = None) -> AsyncIterator[Exporter]:
    found = Exporter(answer)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=secure)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        await server.wait_closed()


def body(text: str | bytes, *, content_type: str = "text/plain; version=0.0.4", packed: bool = False) -> Answer:
    raw = text.encode() if isinstance(text, str) else text
    headers = {"Content-Type": content_type}
    if packed:
        raw = gzip.compress(raw)
        headers["Content-Encoding"] = "gzip"
    return raw_answer(200, raw, headers)


def raw_answer(status: int, raw: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
    lines = [f"HTTP/1.1 {status} Word", f"Content-Length: {len(raw)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    head = "\r\n".join([*lines, "", ""]).encode()

    async def write(outgoing: asyncio.StreamWriter) -> None:
        outgoing.write(head + raw)
        await outgoing.drain()

    return write


def in_turn(*answers: Answer) -> Answer:
    """One after the other; the last of them for ever."""
    left = list(answers)

    async def write(outgoing: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(outgoing)

    return write
