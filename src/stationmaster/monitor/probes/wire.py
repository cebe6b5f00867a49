"""One connection of one check: plain or TLS, on a bare non-blocking socket.

On the cost: thousands of checks a second share one core with the rest of the control plane. A transport of asyncio
costs more than twice as much as the socket calls that a check needs, which are one connect, one send and mostly one
receive. Nothing is kept open from one check to the next: a process that no longer accepts connections is down even
while old connections live.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Protocol

from cryptography import x509

from stationmaster.core.spec import Address
from stationmaster.monitor.probes.connecting import Progress
from stationmaster.monitor.probes.resolving import Places, resolver
from stationmaster.monitor.probes.verdict import CLOSED, Verdict, broken

_PIECE_BYTES = 65_536
_MOST_BYTES = 1_048_576
"""More than any answer to a check; what a protocol needs less of is bounded by its reading."""
_ENDLESS = broken(f"the answer comes to no end in {_MOST_BYTES // 1024} KB")


class Feed(Protocol):
    """Reads an answer: bytes as they come, b"" at the end of the connection, until there is a verdict."""

    def __call__(self, data: bytes, /) -> Verdict | None: ...


async def exchange(
    address: Address, opening: bytes, feed: Feed, progress: Progress, *, reply: Callable[[], bytes] | None = None
) -> Verdict:
    """Sends `opening` over a new connection and hands what comes to `feed`, until there is a verdict."""
    sock = await connected(address)
    progress.connected = True
    loop = asyncio.get_running_loop()
    came = 0
    try:
        await loop.sock_sendall(sock, opening)
        while came <= _MOST_BYTES:
            data = await loop.sock_recv(sock, _PIECE_BYTES)
            came += len(data)
            verdict = feed(data)
            if verdict is not None:
                return verdict
            if not data:
                return CLOSED
            if reply is not None and (answer := reply()):
                await loop.sock_sendall(sock, answer)
            await others_turn()
        return _ENDLESS
    finally:
        sock.close()


async def others_turn() -> None:
    """Whoever sends faster than it is read keeps nobody else waiting: a receive that finds something does not pause."""
    await asyncio.sleep(0)


async def connected(address: Address, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A connection to the first address of the host that takes one; its caller closes it."""
    loop = asyncio.get_running_loop()
    places: Places | None = _literal(address.host, address.port)
    if places is None:
        places = await resolver().places(address.host, address.port, kind)
    failure = OSError("the host has no address")
    for family, where in places:
        sock = socket.socket(family, kind)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, where)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


@lru_cache(maxsize=8192)
def _literal(host: str, port: int) -> tuple[tuple[int, tuple[str, int]], ...] | None:
    """Where to connect, where the host is an IP address; None for a name."""
    try:
        version = ip_address(host).version
    except ValueError:
        return None
    return ((socket.AF_INET if version == 4 else socket.AF_INET6, (host, port)),)


async def tls_exchange(
    address: Address, opening: bytes, feed: Feed, progress: Progress, *, verify: bool, server_name: str
) -> tuple[Verdict, datetime | None]:
    """As `exchange`, over TLS; says also when the server's certificate expires.

    Raises ssl.SSLError where the handshake fails; an end without TLS's own farewell is an end like any other.
    """
    sock = await connected(address)
    progress.connected = True
    try:
        wire = _Tls(sock, _context(verify=verify), server_name)
        await wire.shake_hands()
        await wire.send(opening)
        while True:
            data = await wire.receive()
            verdict = feed(data) or (None if data else CLOSED)
            if verdict is not None:
                return verdict, wire.certificate_ends()
    finally:
        sock.close()


class _Tls:
    """TLS over a socket, by hand: it closes at once whatever state the handshake is in."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_name: str) -> None:
        self.sock = sock
        self.came = 0
        self.loop = asyncio.get_running_loop()
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=server_name)

    async def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._more():
                    raise ConnectionAbortedError(errno.ECONNABORTED, "connection closed while TLS began") from None
            else:
                await self._flush()
                return

    async def send(self, data: bytes) -> None:
        self.tls.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        """b"" at the end."""
        while True:
            try:
                return self.tls.read(_PIECE_BYTES)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._more():
                    return b""
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def certificate_ends(self) -> datetime | None:
        raw = self.tls.getpeercert(binary_form=True)
        return _ends(raw) if raw else None

    async def _flush(self) -> None:
        if self.outgoing.pending:
            await self.loop.sock_sendall(self.sock, self.outgoing.read())

    async def _more(self) -> bool:
        data = await self.loop.sock_recv(self.sock, _PIECE_BYTES)
        self.came += len(data)
        if self.came > _MOST_BYTES:
            raise ConnectionAbortedError(errno.ECONNABORTED, _ENDLESS.detail)
        self.incoming.write(data)
        await others_turn()
        return bool(data)


@lru_cache(maxsize=2)
def _context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=4096)
def _ends(certificate: bytes) -> datetime | None:
    """When a certificate (DER) expires; None where it cannot be read."""
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc
    except ValueError:
        return None
