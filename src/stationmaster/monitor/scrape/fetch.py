"""Fetches what a target tells: one connection, one answer, within one time limit for all of it.

On the cost: nothing of what an HTTP client keeps (pools, cookies, retries) is wanted for one GET of a metrics page; so
the exchange is h11, the parser inside httpx, on a bare connection, as health checks have it. A page of 50 kB takes less
than half of the time that httpx takes with a client at hand, one of 2 MB as much.
"""

import asyncio
import errno
import ssl
from functools import cache
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from stationmaster import __version__
from stationmaster.core.address import Address
from stationmaster.monitor.probes.connecting import failed
from stationmaster.monitor.probes.wire import connected
from stationmaster.monitor.scrape.answer import Answered, AnswerReader, Redirected, ScrapeError
from stationmaster.monitor.scrape.target import ScrapeTarget

_ACCEPT: Final = "text/plain;version=0.0.4,*/*;q=0.1"
"""Plain text, from whoever has a choice: its lines carry no exemplars, and counters have the names that their program
gave them. OpenMetrics is read too."""
_PIECE_BYTES = 256 * 1024
_PACKED_BYTES = 4 * 1024
_MOST_REDIRECTS = 5
_OUR_OWN: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


async def fetch(target: ScrapeTarget) -> Answered:
    """The whole body, after at most `target.timeout_ms`. Raises ScrapeError.

    Redirects are followed on the same scheme, host and port: a token goes nowhere else.
    """
    try:
        async with asyncio.timeout(target.timeout_ms / 1000):
            return await _fetch(target)
    except TimeoutError as error:
        raise ScrapeError(f"no complete answer within {target.timeout_ms} ms") from error
    except OSError as error:
        if error.errno in _OUR_OWN and not isinstance(error, ssl.SSLError):
            raise ScrapeError(f"this process has no room for a connection: {error.strerror}") from error
        raise ScrapeError(failed(error, target.address.host).detail) from error


async def _fetch(target: ScrapeTarget) -> Answered:
    headers = _headers(target)
    path = target.path
    for _ in range(_MOST_REDIRECTS + 1):
        answer = await _ask(target, path, headers)
        if isinstance(answer, Answered):
            return answer
        path = _followed(target, path, answer)
    raise ScrapeError(f"more than {_MOST_REDIRECTS} redirects")


async def _ask(target: ScrapeTarget, path: str, headers: list[tuple[str, str]]) -> Answered | Redirected:
    reading = AnswerReader(most_bytes=target.body_limit_bytes)
    request = reading.request(path, headers)
    sock = await connected(target.address)
    try:
        incoming, outgoing = await asyncio.open_connection(sock=sock, limit=_PIECE_BYTES, **_tls(target))
    except BaseException:
        sock.close()
        raise
    try:
        outgoing.write(request)
        while True:
            answer = await _fed(reading, await incoming.read(_PIECE_BYTES))
            if answer is not None:
                return answer
    finally:
        outgoing.transport.abort()


def _tls(target: ScrapeTarget) -> dict[str, Any]:
    return {"ssl": trust(), "server_hostname": target.address.host} if target.scheme == "https" else {}


async def _fed(reading: AnswerReader, data: bytes) -> Answered | Redirected | None:
    """Packed bytes may become a thousand times as many: some at a time, so that others have their turn."""
    at = 0
    while True:
        size = len(data) if reading.plain else _PACKED_BYTES
        answer = reading.feed(data[at : at + size])
        at += size
        if answer is not None or at >= len(data):
            return answer
        if not reading.plain:
            await asyncio.sleep(0)


def _headers(target: ScrapeTarget) -> list[tuple[str, str]]:
    headers = [
        ("Host", str(target.address)),
        ("User-Agent", f"stationmaster-monitor/{__version__}"),
        ("Accept", _ACCEPT),
        ("Accept-Encoding", "gzip"),
        ("X-Prometheus-Scrape-Timeout-Seconds", f"{target.timeout_ms / 1000:g}"),
        ("Connection", "close"),
    ]
    if target.token_file is not None:
        try:
            token = target.token_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ScrapeError(f"the token file {target.token_file} cannot be read: {error}") from error
        headers.append(("Authorization", f"Bearer {token}"))
    return headers


def _followed(target: ScrapeTarget, path: str, redirected: Redirected) -> str:
    here = f"{target.scheme}://{target.address}{path}"
    try:
        there = urlsplit(urljoin(here, redirected.location))
        port = there.port or (443 if there.scheme == "https" else 80)
        same = there.scheme == target.scheme and Address(host=there.hostname or "", port=port) == target.address
    except ValueError as error:
        raise ScrapeError(f"a redirect to {redirected.location!r}, which is no URL") from error
    if not same:
        raise ScrapeError(f"a redirect to another host is not followed: {there.scheme}://{there.netloc}")
    return f"{there.path or '/'}{'?' + there.query if there.query else ''}"


@cache
def trust() -> ssl.SSLContext:
    """Whom scrapes over TLS believe: the authorities of this machine."""
    return ssl.create_default_context()
