"""A steady stream of GETs over kept connections, and what became of them."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from stationmaster.core.spec import Address


@dataclass(slots=True)
class Tally:
    answers: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    @property
    def good(self) -> int:
        return self.answers["200"]

    @property
    def failures(self) -> dict[str, int]:
        return {answer: count for answer, count in self.answers.items() if answer != "200"}

    async def reaches(self, more: int, *, limit_s: float = 15.0) -> None:
        """Waits for that many more good answers."""
        goal = self.good + more
        async with asyncio.timeout(limit_s):
            while self.good < goal:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def load(listen: Address, path: str, *, workers: int = 6) -> AsyncIterator[Tally]:
    tally = Tally()
    tasks = [asyncio.create_task(_ask(listen, path, tally)) for _ in range(workers)]
    try:
        yield tally
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(listen: Address, path: str, tally: Tally) -> None:
    request = f"GET {path} HTTP/1.1\r\nhost: {listen}\r\n\r\n".encode()
    while True:
        try:
            reader, writer = await asyncio.open_connection(listen.host, listen.port)
            try:
                while True:
                    await _exchange(reader, writer, request, tally)
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError) as error:
            tally.answers[type(error).__name__] += 1
            await asyncio.sleep(0.01)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, tally: Tally) -> None:
    started = time.monotonic()
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(line for line in head.split("\r\n") if line.startswith("content-length"))
    await reader.readexactly(int(length.partition(":")[2]))
    tally.answers[head[9:12]] += 1
    tally.slowest_s = max(tally.slowest_s, time.monotonic() - started)
    await asyncio.sleep(0.005)
