"""Samples as a body of Prometheus' remote write 1.0: protobuf, in snappy's block format without compression."""

import struct
from collections.abc import Iterable, Iterator, Sequence

from stationmaster.monitor.promql.samples import Labels

_LITERAL = 65_536


def write_request(series: Iterable[tuple[Labels, Sequence[tuple[int, float]]]]) -> bytes:
    """Samples are (milliseconds, value); the bits of NaNs are kept."""
    return _snappy(b"".join(_field(1, _series(labels, samples)) for labels, samples in series))


def _series(labels: Labels, samples: Sequence[tuple[int, float]]) -> bytes:
    named = (_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
    timed = (_field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at_ms)) for at_ms, value in samples)
    return b"".join((*named, *timed))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _snappy(content: bytes) -> bytes:
    return _varint(len(content)) + b"".join(_literals(content))


def _literals(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _LITERAL):
        part = content[start : start + _LITERAL]
        yield bytes([61 << 2]) + struct.pack("<H", len(part) - 1) + part
