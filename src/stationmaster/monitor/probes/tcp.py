"""Asks one instance whether it takes TCP connections."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import Progress, timed
from stationmaster.monitor.probes.verdict import Verdict
from stationmaster.monitor.probes.wire import connected
from stationmaster.runtime.db import utc_now


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; a connection that is made is a good answer, nothing is sent over it."""
    return await timed(partial(_ask, address), address.host, check, clock)


async def _ask(address: Address, progress: Progress) -> Verdict:
    (await connected(address)).close()
    progress.connected = True
    return Verdict(True, "connection accepted")
