"""Packs samples and whole numbers into few bytes and gives them back bit by bit.

Every packed text ends with zlib's checksum: what was damaged raises `DamagedError` instead of giving wrong numbers.
"""

import struct
import zlib
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from stationmaster.monitor.promql.samples import MISSING_BITS, Floats, Ids, Labels

Bits = npt.NDArray[np.uint64]

_EXPONENT: Final = np.uint64(0x7FF0_0000_0000_0000)
_MOST_WHOLE: Final = float(1 << 53)
_FAST, _THOROUGH = 1, 6
_CONSTANT, _WHOLE, _FRACTION = 0, 1, 2
_HEAD = struct.Struct("<III")
_SUM = struct.Struct("<I")


class DamagedError(Exception):
    """Bytes that are not what was packed."""


def pack_row(row: Floats, before: Floats | None) -> bytes:
    """One row, as what differs from the row before it (which may have had fewer columns) or, without one, whole."""
    bits = row.view(np.uint64)
    return zlib.compress(_shuffled(bits if before is None else bits ^ _as_wide(before, len(row))), _FAST)


def unpack_row(data: bytes, columns: int, before: Floats | None) -> Floats:
    bits = _unshuffled(_inflated(data), columns)
    return (bits if before is None else bits ^ _as_wide(before, columns)).view(np.float64)


def pack_whole(numbers: Ids) -> bytes:
    """Whole numbers, best where they ascend."""
    return zlib.compress(_shuffled(_folded(np.diff(numbers, prepend=np.int64(0)))), _THOROUGH)


def unpack_whole(data: bytes) -> Ids:
    raw = _inflated(data)
    return np.cumsum(_unfolded(_unshuffled(raw, len(raw) // 8)), dtype=np.int64)


def pack_labels(labels: Labels) -> bytes:
    raw = msgspec.msgpack.encode(labels)
    return _SUM.pack(zlib.crc32(raw)) + raw


def unpack_labels(data: bytes) -> Labels:
    if len(data) < _SUM.size or zlib.crc32(data[_SUM.size :]) != _SUM.unpack_from(data)[0]:
        raise DamagedError("labels with another checksum")
    return _LABELS.decode(data[_SUM.size :])


_LABELS = msgspec.msgpack.Decoder(Labels)


def pack_values(values: Floats) -> bytes:
    """A part of a block (at least one row): columns that never change as one number, columns of whole numbers as
    differences, others as the bits that differ; numbers that are not finite stand apart."""
    bits = np.ascontiguousarray(values.T).view(np.uint64)
    odd = (bits & _EXPONENT) == _EXPONENT
    filled = _filled(bits, odd)
    kinds = _kinds(filled)
    whole = filled[kinds == _WHOLE].view(np.float64).astype(np.int64)
    fraction = filled[kinds == _FRACTION]
    places = np.flatnonzero(odd)
    raw = (
        _HEAD.pack(*bits.shape, len(places)),
        kinds.tobytes(),
        filled[:, 0].tobytes(),
        _shuffled(_folded(np.diff(whole, axis=1))),
        _shuffled(fraction[:, 1:] ^ fraction[:, :-1]),
        _shuffled(_folded(np.diff(places, prepend=0))),
        _shuffled(bits.ravel()[places]),
    )
    return zlib.compress(b"".join(raw), _THOROUGH)


def unpack_values(data: bytes) -> Floats:
    """As `[row, column]`."""
    raw = _Reader(_inflated(data))
    columns, rows, odd = _HEAD.unpack(raw.take(_HEAD.size))
    kinds = np.frombuffer(raw.take(columns), dtype=np.uint8)
    filled = np.empty((columns, rows), dtype=np.uint64)
    filled[:] = np.frombuffer(raw.take(8 * columns), dtype=np.uint64)[:, None]
    for kind in (_WHOLE, _FRACTION):
        chosen = kinds == kind
        many = int(np.count_nonzero(chosen))
        steps = _unshuffled(raw.take(8 * many * (rows - 1)), many * (rows - 1)).reshape(many, rows - 1)
        filled[chosen, 1:] = steps if kind == _FRACTION else _unfolded(steps).view(np.uint64)
        filled[chosen] = _summed(filled[chosen], kind)
    places = np.cumsum(_unfolded(_unshuffled(raw.take(8 * odd), odd)), dtype=np.int64)
    filled.ravel()[places] = _unshuffled(raw.take(8 * odd), odd)
    return np.ascontiguousarray(filled.T).view(np.float64)


class _Reader:
    __slots__ = ("_at", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def take(self, length: int) -> bytes:
        taken = self._raw[self._at : self._at + length]
        if len(taken) < length:
            raise DamagedError("a part of a block ends too early")
        self._at += length
        return taken


def _summed(steps: Bits, kind: int) -> Bits:
    if kind == _FRACTION:
        return np.bitwise_xor.accumulate(steps, axis=1)
    whole = steps.view(np.int64)
    whole[:, 0] = steps[:, 0].view(np.float64).astype(np.int64)
    return np.cumsum(whole, axis=1, dtype=np.int64).astype(np.float64).view(np.uint64)


def _filled(bits: Bits, odd: npt.NDArray[np.bool_]) -> Bits:
    """Every number that is not finite replaced by the last finite one before it, else by the first after it."""
    if not odd.any():
        return bits
    at = np.maximum.accumulate(np.where(odd, -1, np.arange(bits.shape[1])), axis=1)
    first = np.argmin(odd, axis=1)[:, None]
    filled = np.take_along_axis(bits, np.where(at < 0, first, at), axis=1)
    filled[odd.all(axis=1)] = 0
    return filled


def _kinds(filled: Bits) -> npt.NDArray[np.uint8]:
    numbers = filled.view(np.float64)
    with np.errstate(invalid="ignore"):
        whole = (np.abs(numbers) < _MOST_WHOLE) & (
            numbers.astype(np.int64).astype(np.float64).view(np.uint64) == filled
        )
    kinds = np.where(whole.all(axis=1), _WHOLE, _FRACTION)
    kinds[(filled == filled[:, :1]).all(axis=1)] = _CONSTANT
    return kinds.astype(np.uint8)


def _as_wide(row: Floats, columns: int) -> Bits:
    wide = np.full(columns, MISSING_BITS, dtype=np.uint64)
    wide[: len(row)] = row.view(np.uint64)
    return wide


def _folded(numbers: npt.NDArray[np.int64]) -> Bits:
    """Small numbers of either sign as small ones without."""
    return ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)


def _unfolded(numbers: Bits) -> npt.NDArray[np.int64]:
    return (numbers >> np.uint64(1)).view(np.int64) ^ -(numbers & np.uint64(1)).view(np.int64)


def _shuffled(numbers: npt.NDArray[np.uint64]) -> bytes:
    """First the lowest byte of every number, then the next of every number, and so on."""
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, 8).T.tobytes()


def _unshuffled(raw: bytes, count: int) -> Bits:
    if len(raw) != 8 * count:
        raise DamagedError("a packed row has another length")
    planes = np.frombuffer(raw, dtype=np.uint8).reshape(8, count)
    return np.ascontiguousarray(planes.T).view(np.uint64).reshape(count)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise DamagedError(str(error)) from error


def beside(parts: list[Floats]) -> Floats:
    """Parts of a block, column after column."""
    return np.concatenate(parts, axis=1)
