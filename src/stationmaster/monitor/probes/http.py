"""Asks one instance over HTTP or HTTPS whether it is well: one connection, one GET, one answer in words, in its time.

There is no client with pools, redirects and cookies, none of which a check wants.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache, partial

from stationmaster import __version__
from stationmaster.core.spec import Address, CheckKind, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import Progress, timed
from stationmaster.monitor.probes.reading import Reading
from stationmaster.monitor.probes.verdict import Verdict
from stationmaster.monitor.probes.wire import exchange, tls_exchange
from stationmaster.runtime.db import utc_now

USER_AGENT = f"stationmaster-monitor/{__version__}"
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks: under which name the server is known to it (None: its address), and what it sends beside."""

    host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


NOBODY = Client()


async def probe(
    address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now, *, client: Client = NOBODY
) -> ProbeAnswer:
    """The answer of the instance at `address`, after at most `check.timeout_ms`.

    Raises OSError when this process itself lacks descriptors or memory for a connection.
    """
    asking = _ask_tls if check.kind is CheckKind.HTTPS else _ask
    return await timed(partial(asking, address, check, client), address.host, check, clock)


async def _ask(address: Address, check: HealthCheck, client: Client, progress: Progress) -> Verdict:
    request = _request(check.path, client.host or str(address), client.headers)
    return await exchange(address, request, Reading(check).feed, progress)


async def _ask_tls(address: Address, check: HealthCheck, client: Client, progress: Progress) -> Verdict:
    request = _request(check.path, client.host or str(address), client.headers)
    verdict, ends = await tls_exchange(
        address,
        request,
        Reading(check).feed,
        progress,
        verify=check.verify_certificate,
        server_name=_host_alone(client.host) if client.host else address.host,
    )
    return _with_certificate(verdict, ends, check)


def _with_certificate(verdict: Verdict, ends: datetime | None, check: HealthCheck) -> Verdict:
    verdict = replace(verdict, certificate_ends=ends)
    if check.min_certificate_days is None or not verdict.ok:
        return verdict
    if ends is None:
        return replace(verdict, ok=False, detail="its certificate cannot be read")
    left_s = (ends - utc_now()).total_seconds()
    if left_s >= check.min_certificate_days * _DAY_S:
        return verdict
    return replace(verdict, ok=False, detail=f"{expiry_words(left_s)}, wanted are {check.min_certificate_days} days")


def expiry_words(left_s: float) -> str:
    """When a certificate expires that is good for `left_s` seconds more."""
    days = math.floor(abs(left_s) / _DAY_S)
    span = f"{days} day{'' if days == 1 else 's'}" if days else f"{math.floor(abs(left_s) / 3600)} hours"
    return f"certificate expires in {span}" if left_s > 0 else f"certificate expired {span} ago"


@lru_cache(maxsize=8192)
def _plain_request(path: str, host: str) -> bytes:
    return _request_with(path, host, ())


def _request(path: str, host: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    return _request_with(path, host, headers) if headers else _plain_request(path, host)


def _request_with(path: str, host: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Raises ValueError where a part holds the end of a line; what is declared has been looked through for that."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers),
    ]
    if any(mark in line for line in lines for mark in "\r\n\0"):
        raise ValueError("a line of a request holds the end of a line")
    return "\r\n".join((*lines, "", "")).encode()


def _host_alone(host: str) -> str:
    """Without the port; an IPv6 address without its brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
