"""A receiver over HTTP that answers as it is told, or not at all, and keeps what it is sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HANG = 0


@dataclass(slots=True)
class Receiver:
    """`answers` are statuses, in turn, the last for ever; HANG never answers."""

    url: str
    answers: list[int]
    headers: str = ""
    got: list[tuple[str, Any]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self.serving |= {task} if task is not None else set()
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def end(self) -> None:
        """Hangs up on everybody, also on who has not asked anything yet."""
        self.ended.set()
        for each in self.serving:
            each.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        body = await reader.readexactly(length)
        self.got.append((head.split(" ")[1], json.loads(body)))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == HANG:
            await self.ended.wait()
        else:
            writer.write(
                f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{self.headers}connection: close\r\n\r\n".encode()
            )
            await writer.drain()


@asynccontextmanager
async def receiver(port: int, *answers: int, headers: str = "") -> AsyncIterator[Receiver]:
    found = Receiver(f"http://127.0.0.1:{port}/hook-SECRET", list(answers) or [200], headers)
    server = await asyncio.start_server(found.serve, "127.0.0.1", port)
    try:
        yield found
    finally:
        server.close()
        await found.end()
        await server.wait_closed()
