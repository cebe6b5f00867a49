"""Keeps series that several streams write apart in time: no moment may stand in two blocks of one series."""

from collections.abc import Mapping

import numpy as np

from stationmaster.monitor.promql.samples import Ids
from stationmaster.monitor.series.index import NOBODY
from stationmaster.monitor.series.stream import Stream


class SharedSeries:
    """Who wrote a series first, and until when those series were written that more than one stream has had."""

    __slots__ = ("_first", "_last_ms", "_streams")

    def __init__(self, streams: Mapping[int, Stream]) -> None:
        self._streams = streams
        self._last_ms: dict[int, int] = {}
        self._first: Ids = np.full(1024, NOBODY, dtype=np.int64)
        """By the id of the label set: the number of the stream."""

    def note(self, stream: Stream, number: int) -> None:
        """A stream has the series `number` from now on."""
        if number >= len(self._first):
            larger = np.full(2 * number + 1, NOBODY, dtype=np.int64)
            larger[: len(self._first)] = self._first
            self._first = larger
        first = int(self._first[number])
        if first == NOBODY:
            self._first[number] = stream.number
        elif first != stream.number:
            other = self._streams[first]
            self._last_ms[number] = max(self._last_ms.get(number, other.last_ms), other.last_ms, stream.last_ms)
            stream.shared.add(number)
            other.shared.add(number)

    def barred(self, stream: Stream, at_ms: int) -> list[int]:
        """The series that the stream may not write at a moment, since another one wrote them then or later; the others
        count as written."""
        found = [number for number in stream.shared if at_ms <= self._last_ms[number]]
        self._last_ms.update(dict.fromkeys(stream.shared.difference(found), at_ms))
        return found

    def rewind(self, at_ms: int) -> None:
        """Nothing at or after a moment has been written."""
        for number, last_ms in self._last_ms.items():
            self._last_ms[number] = min(last_ms, at_ms - 1)

    def forget(self, numbers: Ids) -> None:
        """Series that no stream has any more."""
        self._first[numbers] = NOBODY
        for number in numbers.tolist():
            if self._last_ms.pop(number, None) is not None:
                for stream in self._streams.values():
                    stream.shared.discard(number)
