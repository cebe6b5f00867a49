"""What every probe shares: its time limit, its latency, and failures of a connection in words."""

import asyncio
import errno
import re
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from stationmaster.core.spec import HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.reading import Verdict

_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Failures of this process, which say nothing about the instance."""

_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EPIPE: "connection reset",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.ETIMEDOUT: "no answer to the connection attempt",
}


async def timed(
    asking: Awaitable[Verdict], host: str, check: HealthCheck, clock: Callable[[], datetime]
) -> ProbeAnswer:
    """The answer after at most `check.timeout_ms`.

    Raises OSError when this process itself lacks descriptors or memory for a connection.
    """
    started = time.perf_counter()
    try:
        async with asyncio.timeout(check.timeout_ms / 1000):
            verdict = await asking
    except TimeoutError:
        verdict = Verdict(False, f"no answer within {check.timeout_ms} ms")
    except OSError as error:
        if error.errno in _OUR_OWN:
            raise
        verdict = Verdict(False, in_words(error, host))
    latency_ms = (time.perf_counter() - started) * 1000
    return ProbeAnswer(ok=verdict.ok, detail=verdict.detail, latency_ms=latency_ms, at=clock())


def in_words(error: OSError, host: str = "") -> str:
    if isinstance(error, socket.gaierror):
        return f"the host name '{host}' does not resolve"
    number = error.errno
    if number is None:  # a host with several addresses: asyncio gathers their errors in one text
        found = re.search(r"\[Errno (\d+)\]", str(error))
        number = int(found[1]) if found else 0
    return _WORDS.get(number) or (error.strerror or "connection failed").lower()
