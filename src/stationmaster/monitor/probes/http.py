"""Asks one instance over HTTP whether it is well: one connection, one GET, one answer in words, within its time.

On the cost: thousands of checks a second share one core with the rest of the control plane, so the check is a bare
asyncio protocol around h11 (the parser inside httpx and uvicorn) instead of a client with pools, redirects and
cookies, none of which a check wants. Every check makes a new connection: a process that no longer accepts is down
even while old connections live, and a server that closes an idle connection must not look like a failure.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from stationmaster import __version__
from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import in_words, timed
from stationmaster.monitor.probes.reading import Reading, Verdict
from stationmaster.runtime.db import utc_now

USER_AGENT = f"stationmaster-monitor/{__version__}"


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """The answer of the instance at `address`, after at most `check.timeout_ms`.

    Raises OSError when this process itself lacks descriptors or memory for a connection.
    """
    return await timed(_ask(address, check), address.host, check, clock)


async def _ask(address: Address, check: HealthCheck) -> Verdict:
    loop = asyncio.get_running_loop()
    reading = Reading(check)
    request = reading.request(str(address), USER_AGENT)
    transport, exchange = await loop.create_connection(lambda: _Exchange(reading), address.host, address.port)
    try:
        transport.write(request)
        return await exchange.verdict
    finally:
        transport.abort()


class _Exchange(asyncio.Protocol):
    """Feeds what arrives to the reading until it has its verdict."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._settle(self.reading.feed(data) if not self.verdict.done() else None)

    def eof_received(self) -> None:
        self._settle(self.reading.feed(b"") if not self.verdict.done() else None)

    def connection_lost(self, exc: Exception | None) -> None:
        detail = in_words(exc) if isinstance(exc, OSError) else "connection closed without an answer"
        self._settle(Verdict(False, detail))

    def _settle(self, verdict: Verdict | None) -> None:
        if verdict is not None and not self.verdict.done():
            self.verdict.set_result(verdict)
