"""What tests of probes share: an address on loopback, a raw TCP server, a check of one kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stationmaster.core.spec import Address, CheckKind, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.kinds import probe


def at(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


async def ask(port: int, kind: CheckKind, timeout_ms: int = 3000) -> ProbeAnswer:
    return await probe(at(port), HealthCheck(kind=kind, timeout_ms=timeout_ms))


@asynccontextmanager
async def saying(port: int, raw: bytes, *, piece: int = 65_536, close: bool = True) -> AsyncIterator[list[bytes]]:
    """A server that says `raw` in pieces to everybody, whatever it is asked; gives what it was sent."""
    heard: list[bytes] = []
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heard.append(await reader.read(65_536))
            for start in range(0, len(raw), piece):
                writer.write(raw[start : start + piece])
                await writer.drain()
                await asyncio.sleep(0)
            if not close:
                await asyncio.Event().wait()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.get_running_loop().create_task(talk(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    try:
        yield heard
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
