"""Asks one Redis server whether it takes commands (PING, in the protocol RESP)."""

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

_PING = b"*1\r\n$4\r\nPING\r\n"
_MOST_BYTES = 1024
_ALIVE = ("NOAUTH", "NOPERM", "WRONGPASS")
"""Errors of a server that is well and does not know who asks."""


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; a server that wants a password is well, one that loads its data or lost its master is not."""
    return await timed(partial(_ask, address), address.host, check, clock)


async def _ask(address: Address, progress: Progress) -> Verdict:
    return await exchange(address, _PING, RedisReading().feed, progress)


@dataclass(slots=True)
class RedisReading:
    _came: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Verdict | None:
        self._came += data
        if bytes(self._came[:1]) not in (b"", b"+", b"-"):
            return broken(f"no Redis answer: it begins with '{told(self._came.decode('latin-1'), 40)}'")
        line, end, _ = self._came.partition(b"\r\n")
        if not end:
            return broken("no Redis answer: its line has no end") if len(self._came) > _MOST_BYTES else None
        return _judge(line.decode("utf-8", "replace"))


def _judge(line: str) -> Verdict:
    if line == "+PONG":
        return Verdict(True, "PONG")
    if line.startswith("+"):
        return broken(f"no answer to PING: '{told(line)}'")
    error = line[1:]
    if error.startswith(_ALIVE):
        return Verdict(True, f"it answers and wants a password ({told(error.split(' ')[0])})")
    return Verdict(False, told(error, 160))
