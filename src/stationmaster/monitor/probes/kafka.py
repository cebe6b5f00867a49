"""Asks one Kafka broker which requests it understands (ApiVersions, version 0), as every client does first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes.connecting import Progress, timed
from stationmaster.monitor.probes.verdict import Verdict, broken
from stationmaster.monitor.probes.wire import exchange
from stationmaster.runtime.db import utc_now

_API_VERSIONS = 18
_CORRELATION = 0x5374_6174
_CLIENT = b"stationmaster"
_MOST_BYTES = 64 * 1024
_BODY_AT, _ENTRY_BYTES = 14, 6
"""Length, correlation, error and count before the entries of six bytes each (Kafka protocol guide, ApiVersions v0)."""


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; a broker that lists what it understands is well."""
    return await timed(partial(_ask, address), address.host, check, clock)


async def _ask(address: Address, progress: Progress) -> Verdict:
    return await exchange(address, _request(), KafkaReading().feed, progress)


def _request() -> bytes:
    header = _API_VERSIONS.to_bytes(2, "big") + b"\x00\x00" + _CORRELATION.to_bytes(4, "big")
    body = header + len(_CLIENT).to_bytes(2, "big") + _CLIENT
    return len(body).to_bytes(4, "big") + body


@dataclass(slots=True)
class KafkaReading:
    _came: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Verdict | None:
        self._came += data
        if len(self._came) < 4:
            return None
        length = int.from_bytes(self._came[:4], "big")
        if not _BODY_AT - 4 <= length <= _MOST_BYTES:
            return broken(f"no Kafka answer: it says that it is {length} bytes long")
        return _judge(bytes(self._came[: 4 + length])) if len(self._came) >= 4 + length else None


def _judge(answer: bytes) -> Verdict:
    if int.from_bytes(answer[4:8], "big") != _CORRELATION:
        return broken("no Kafka answer: it belongs to another request")
    error = int.from_bytes(answer[8:10], "big", signed=True)
    if error:
        return Verdict(False, f"Kafka error {error}")
    count = int.from_bytes(answer[10:_BODY_AT], "big", signed=True)
    if count < 1 or _BODY_AT + count * _ENTRY_BYTES > len(answer):
        return broken(f"no Kafka answer: it tells of {count} requests and does not list them")
    return Verdict(True, f"understands {count} kinds of request")
