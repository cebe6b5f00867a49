"""Asks one instance by the gRPC health protocol (grpc.health.v1.Health/Check) whether it is well, over HTTP/2 in clear.

A check is one call of one method with a message of a few bytes: a gRPC channel with its threads, its reconnecting and
its name resolution for each of thousands of instances costs far more than what is asked.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import Progress, timed
from stationmaster.monitor.probes.grpc_reading import GrpcReading, request
from stationmaster.monitor.probes.verdict import Verdict
from stationmaster.monitor.probes.wire import exchange
from stationmaster.runtime.db import utc_now


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; SERVING is the one good answer."""
    return await timed(partial(_ask, address, check), address.host, check, clock)


async def _ask(address: Address, check: HealthCheck, progress: Progress) -> Verdict:
    reading = GrpcReading()
    opening = request(str(address), check.grpc_service)

    def feed(data: bytes) -> Verdict | None:
        return reading.feed(data) if data else None

    return await exchange(address, opening, feed, progress, reply=reading.reply)
