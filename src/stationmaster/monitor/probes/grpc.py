"""Asks one instance by the gRPC health protocol (grpc.health.v1.Health/Check) whether it is well, over HTTP/2 in clear.

A check is one call of one method with a message of a few bytes, so it is a bare asyncio protocol like the HTTP check:
a gRPC channel with its threads, its reconnecting and its name resolution for each of thousands of instances costs
far more than what is asked.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import in_words, timed
from stationmaster.monitor.probes.grpc_reading import GrpcReading, request
from stationmaster.monitor.probes.reading import Verdict
from stationmaster.runtime.db import utc_now


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; SERVING is the one good answer."""
    return await timed(_ask(address, check), address.host, check, clock)


async def _ask(address: Address, check: HealthCheck) -> Verdict:
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_connection(_Exchange, address.host, address.port)
    try:
        transport.write(request(str(address), check.grpc_service))
        return await exchange.verdict
    finally:
        transport.abort()


class _Exchange(asyncio.Protocol):
    """Feeds what arrives to the reading until it has its verdict, and sends what HTTP/2 wants in return."""

    def __init__(self) -> None:
        self.reading = GrpcReading()
        self.verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._settle(self.reading.feed(data))
        reply = self.reading.reply()
        if reply and self.transport is not None:
            self.transport.write(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        detail = in_words(exc) if isinstance(exc, OSError) else "connection closed without an answer"
        self._settle(Verdict(False, detail))

    def _settle(self, verdict: Verdict | None) -> None:
        if verdict is not None and not self.verdict.done():
            self.verdict.set_result(verdict)
