"""Reads samples from disk that have left memory."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import structlog

from stationmaster.monitor.promql.samples import Block, Floats, Ids
from stationmaster.monitor.series import codec
from stationmaster.monitor.series.choice import chosen_columns
from stationmaster.monitor.series.codec import DamagedError
from stationmaster.monitor.series.file import PIECE_COLUMNS, Chunk
from stationmaster.monitor.series.index import NOBODY, SeriesIndex
from stationmaster.monitor.series.keeping import Keeping
from stationmaster.monitor.series.rows import RowBlock
from stationmaster.monitor.series.stream import Stream

log = structlog.get_logger("series")

_MOST_KEPT_BYTES: Final = 64 << 20
_NEVER: Final = -(1 << 62)


class Older:
    """What of every stream is on disk alone. Any thread may select; pieces that were read lately are kept."""

    def __init__(self, keeping: Keeping | None, index: SeriesIndex, on_disk: Mapping[int, int]) -> None:
        self.keeping = keeping
        self._index = index
        self._until = dict(on_disk)
        self._kept: OrderedDict[tuple[Keeping, int, int], Floats] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()
        self._told: set[int] = set()

    def left_memory(self, stream: Stream, block: RowBlock) -> None:
        self._until[stream.number] = max(self._until.get(stream.number, _NEVER), int(block.view.times[-1]))

    def cut(self, at_ms: int) -> None:
        """What is at and after a moment is not read any more, whether it is on disk still or not."""
        self._until = {stream: min(last_ms, at_ms - 1) for stream, last_ms in self._until.items()}

    def begin_anew(self, keeping: Keeping | None) -> None:
        """With another file, which holds nothing yet."""
        self.keeping = keeping
        self._until.clear()

    def select(self, stream: Stream, held: tuple[RowBlock, ...], slots: Ids, span: tuple[int, int]) -> Iterator[Block]:
        """The samples of those slots in a span of time (both ends belong to it) that are not in the `held` blocks."""
        keeping = self.keeping
        first_ms, last_ms = span
        in_memory = next((int(block.view.times[0]) for block in held if len(block.view.times)), last_ms + 1)
        last_ms = min(last_ms, in_memory - 1, self._until.get(stream.number, _NEVER))
        if keeping is None or first_ms > last_ms:
            return
        try:
            for packed in keeping.file.chunks(stream.number, first_ms, last_ms):
                try:
                    part = self._part(keeping, packed.unpacked(), slots, (first_ms, last_ms))
                except DamagedError as error:
                    self._tell(packed.id, str(error))
                    continue
                if part is not None:
                    yield part
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._tell(0, str(error))

    def _part(self, keeping: Keeping, chunk: Chunk, slots: Ids, span: tuple[int, int]) -> Block | None:
        start, stop = np.searchsorted(chunk.times, (span[0], span[1] + 1))
        columns = np.arange(len(chunk.slots))[chosen_columns(chunk.slots, slots)]
        columns = columns[chunk.slots[columns] < self._index.count]
        ids = self._index.ids()[chunk.slots[columns]]
        columns, ids = columns[ids != NOBODY], ids[ids != NOBODY]
        if start >= stop or not len(columns):
            return None
        numbers = np.unique(columns // PIECE_COLUMNS)
        parts = [self._piece(keeping, chunk.id, number)[start:stop] for number in numbers.tolist()]
        at = np.searchsorted(numbers, columns // PIECE_COLUMNS) * PIECE_COLUMNS + columns % PIECE_COLUMNS
        values = codec.beside(parts)[:, at]
        return Block(times=chunk.times[start:stop], values=values, series=ids)

    def _piece(self, keeping: Keeping, chunk: int, number: int) -> Floats:
        key = (keeping, chunk, number)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        (read,) = keeping.file.pieces(chunk, [number])
        read.flags.writeable = False
        with self._lock:
            if key not in self._kept:
                self._kept[key] = read
                self._kept_bytes += read.nbytes
            while self._kept_bytes > _MOST_KEPT_BYTES:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= oldest.nbytes
        return read

    def _tell(self, chunk: int, why: str) -> None:
        """Once for every chunk."""
        if chunk not in self._told:
            self._told.add(chunk)
            log.error("samples on disk cannot be read", chunk=chunk, why=why)
