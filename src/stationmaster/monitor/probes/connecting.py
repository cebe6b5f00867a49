"""What every probe shares: its time limit, its latency, and failures of a connection in words."""

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from stationmaster.core.spec import HealthCheck
from stationmaster.monitor.answer import Fault, ProbeAnswer
from stationmaster.monitor.probes.verdict import Verdict, told

_OUR_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""Failures of this process, which say nothing about the instance."""

_WORDS = {
    errno.ECONNREFUSED: ("connection refused", Fault.REFUSED),
    errno.ECONNRESET: ("connection reset", Fault.BROKEN),
    errno.EPIPE: ("connection reset", Fault.BROKEN),
    errno.EHOSTUNREACH: ("host unreachable", Fault.UNREACHABLE),
    errno.ENETUNREACH: ("network unreachable", Fault.UNREACHABLE),
    errno.ETIMEDOUT: ("no answer to the connection attempt", Fault.UNREACHABLE),
}


@dataclass(slots=True)
class Progress:
    """How far a check has come: whether there is somebody at the other end."""

    connected: bool = False


async def timed(
    asking: Callable[[Progress], Awaitable[Verdict]], host: str, check: HealthCheck, clock: Callable[[], datetime]
) -> ProbeAnswer:
    """The answer after at most `check.timeout_ms`; a good one that took longer than `check.max_latency_ms` is bad.

    Raises OSError when this process itself lacks descriptors or memory for a connection.
    """
    started, progress = time.perf_counter(), Progress()
    try:
        async with asyncio.timeout(check.timeout_ms / 1000):
            verdict = await asking(progress)
    except TimeoutError:
        verdict = _late(progress, check)
    except OSError as error:
        if error.errno in _OUR_OWN and not isinstance(error, ssl.SSLError):
            raise
        verdict = failed(error, host)
    latency_ms = (time.perf_counter() - started) * 1000
    return _answer(_in_time(verdict, latency_ms, check), latency_ms, clock())


def _late(progress: Progress, check: HealthCheck) -> Verdict:
    if progress.connected:
        return Verdict(False, f"no answer within {check.timeout_ms} ms", fault=Fault.SILENT)
    return Verdict(False, f"no connection within {check.timeout_ms} ms", fault=Fault.UNREACHABLE)


def _in_time(verdict: Verdict, latency_ms: float, check: HealthCheck) -> Verdict:
    if not verdict.ok or check.max_latency_ms is None or latency_ms <= check.max_latency_ms:
        return verdict
    slow = f"answered after {latency_ms:.0f} ms, allowed are {check.max_latency_ms} ms ({verdict.detail})"
    return replace(verdict, ok=False, detail=slow)


def _answer(verdict: Verdict, latency_ms: float, at: datetime) -> ProbeAnswer:
    return ProbeAnswer(
        ok=verdict.ok,
        detail=verdict.detail,
        latency_ms=latency_ms,
        at=at,
        status=verdict.status,
        certificate_ends=verdict.certificate_ends,
        fault=verdict.fault,
    )


def failed(error: OSError, host: str = "") -> Verdict:
    """A failure of a connection, in words."""
    if isinstance(error, socket.gaierror):
        return Verdict(False, f"the host name '{host}' does not resolve", fault=Fault.UNREACHABLE)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Verdict(False, f"its certificate is not accepted: {told(error.verify_message, 200)}", fault=Fault.BROKEN)
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "the handshake failed").replace("_", " ").lower()
        return Verdict(False, f"no TLS connection: {told(reason)}", fault=Fault.BROKEN)
    words = error.strerror or "connection failed"
    words = words[:1].lower() + words[1:]
    detail, fault = _WORDS.get(error.errno or 0, (words, Fault.BROKEN))
    return Verdict(False, detail, fault=fault)
