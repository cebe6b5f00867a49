"""Asks one instance whether it takes TCP connections."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import timed
from stationmaster.monitor.probes.reading import Verdict
from stationmaster.runtime.db import utc_now


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; a connection that is made is a good answer, nothing is sent over it."""
    return await timed(_ask(address), address.host, check, clock)


async def _ask(address: Address) -> Verdict:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, address.host, address.port)
    transport.abort()
    return Verdict(True, "connection accepted")
