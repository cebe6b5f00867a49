"""Asks one PostgreSQL server whether it takes connections (the startup message of protocol 3.0, as `pg_isready`)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import Progress, timed
from stationmaster.monitor.probes.verdict import Verdict, broken, told
from stationmaster.monitor.probes.wire import exchange
from stationmaster.runtime.db import utc_now

_PARAMETERS = b"user\0stationmaster\0database\0postgres\0application_name\0stationmaster-monitor\0\0"
_PROTOCOL = (3 << 16).to_bytes(4, "big")
_MOST_BYTES = 16 * 1024
_FIRST, _LATER = (b"R", b"E", b"v"), (b"R", b"E", b"S", b"K", b"N", b"Z")
"""Authentication, error, older protocol; then also parameters, keys, notices, and that it is ready for queries."""
_LET_IN = bytes(4)
_DOWN = ("53", "57", "58", "XX")
"""Classes of SQLSTATE that say that the server is not able to take a connection: no resources, shut down or starting,
system error, internal error. Any other refusal is one of a server that is well and does not know who asks."""


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; a server that asks who is there is well, one that starts, recovers or shuts down is not."""
    return await timed(partial(_ask, address), address.host, check, clock)


async def _ask(address: Address, progress: Progress) -> Verdict:
    opening = (len(_PARAMETERS) + 8).to_bytes(4, "big") + _PROTOCOL + _PARAMETERS
    return await exchange(address, opening, PostgresqlReading().feed, progress)


@dataclass(slots=True)
class PostgresqlReading:
    """Messages of a letter and a length each, until one says whether we are served."""

    _came: bytearray = field(default_factory=bytearray)
    _read: int = 0

    def feed(self, data: bytes) -> Verdict | None:
        self._came += data
        while len(self._came) > self._read:
            start = self._read
            kind = bytes(self._came[start : start + 1])
            if kind not in (_FIRST if start == 0 else _LATER):
                said = self._came[start:].decode("latin-1")
                return broken(f"no PostgreSQL answer: it begins with '{told(said, 40)}'")
            if len(self._came) < start + 5:
                return None
            length = int.from_bytes(self._came[start + 1 : start + 5], "big")
            if length < 4 or start + length > _MOST_BYTES:
                return broken(f"no PostgreSQL answer: it says that it is {length} bytes long")
            if len(self._came) < start + 1 + length:
                return None
            self._read = start + 1 + length
            verdict = _judge(kind, bytes(self._came[start + 5 : self._read]))
            if verdict is not None:
                return verdict
        return None


def _judge(kind: bytes, body: bytes) -> Verdict | None:
    if kind == b"R" and body[:4] != _LET_IN:
        return Verdict(True, "takes connections and asks who is there")
    if kind == b"v":
        return Verdict(True, "takes connections in an older protocol")
    if kind == b"Z":
        return Verdict(True, "lets us in")
    if kind != b"E":
        return None
    told_fields = dict(_fields(body))
    code, message = told_fields.get("C", ""), told(told_fields.get("M", "no words"), 160)
    if len(code) != 5:
        return broken(f"no PostgreSQL answer: an error without a code ({message})")
    if code.startswith(_DOWN):
        return Verdict(False, f"{message} ({told(code)})")
    return Verdict(True, f"takes connections, refuses us: {message} ({told(code)})")


def _fields(body: bytes) -> list[tuple[str, str]]:
    """Each a letter and a text that ends with a zero (protocol, "Error and Notice Message Fields")."""
    parts = (part.decode("utf-8", "replace") for part in body.split(b"\0") if part)
    return [(part[0], part[1:]) for part in parts]
