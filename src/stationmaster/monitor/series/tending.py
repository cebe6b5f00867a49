"""What becomes of samples in time: written to disk, taken from memory, forgotten when nobody may ask for them."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
import structlog

from stationmaster.monitor.promql.samples import Ids
from stationmaster.monitor.series.eviction import Clocks, MemoryBounds, leaving, seal_quiet, too_large
from stationmaster.monitor.series.file import SamplesFile
from stationmaster.monitor.series.held import Forgotten, Held
from stationmaster.monitor.series.keeping import BlockWork, Keeping, Work, set_aside
from stationmaster.monitor.series.older import Older
from stationmaster.monitor.series.rows import RowBlock
from stationmaster.monitor.series.stream import BLOCK_MS, Stream

log = structlog.get_logger("series")

_EXPIRE_EVERY_MS = 60_000
_OPEN_EVERY_S = 60.0


class Tending:
    """Works for one store, in its thread; only what is slow is done in another one."""

    def __init__(
        self, held: Held, older: Older, bounds: MemoryBounds, *, path: Path | None, now_ms: Callable[[], int]
    ) -> None:
        self.held = held
        self.trouble = ""
        """Why samples do not come to disk; empty while they do."""
        self.lost_rows = 0
        """Rows that had to leave memory before they were on disk."""
        self._older = older
        self._bounds = bounds
        self._now_ms = now_ms
        self._path = path
        self._opened_at = time.monotonic()
        self._saved_streams = set(held.streams)
        self._saved_slots = held.index.count
        self._spans: set[int] = set()
        self._cut: list[RowBlock] = []
        self._cut_from_ms: int | None = None
        self._trusted_ms = max((stream.last_ms for stream in held.streams.values()), default=now_ms())
        self._looked_at = time.monotonic()
        self._expired_ms = 0

    def changed(self, slots: Ids) -> None:
        """Series that began again or ended."""
        self._spans.update(slots[slots < self._saved_slots].tolist())

    def cut(self, streams: Iterable[Stream], at_ms: int, *, far: bool) -> int:
        """Takes the rows at and after a moment away, in memory and on disk; how many were in memory. A cut that goes
        `far` leaves the file as it is, under another name: a clock that is wrong now must not delete days."""
        rows = 0
        for stream in streams:
            before = stream.blocks
            rows += stream.cut(at_ms)
            self._cut.extend(block for block in before if block not in stream.blocks)
            if stream.blocks and self._is_saved(stream.blocks[-1]):
                stream.seal()
        self._older.cut(at_ms)
        self._cut_from_ms = at_ms if self._cut_from_ms is None else min(at_ms, self._cut_from_ms)
        self._trusted_ms = min(self._trusted_ms, at_ms)
        if far and self._older.keeping is not None:
            self._begin_anew(self._older.keeping, "the clock was set back by more than an hour", name="later")
        return rows

    async def tend(self, retention_ms: int) -> None:
        """Once; what the disk refuses is not raised, but `trouble` afterwards."""
        clocks = self._clocks()
        seal_quiet(self.held.streams.values(), clocks)
        for stream in too_large(self.held.streams.values(), self._bounds):
            stream.seal()
        due = self._is_due()
        expire_before_ms = max(0, self._trusted_ms - max(retention_ms, self._bounds.raw_ms)) if due else 0
        forget_before_ms = max(expire_before_ms, self._crowded() if due else 0)
        forgotten = self.held.forget_before(forget_before_ms) if forget_before_ms else Forgotten()
        if forgotten.more:
            self._expired_ms = 0
        self._saved_streams.difference_update(forgotten.streams)
        await self._save(expire_before_ms, forgotten)
        for stream, block in leaving(self.held.streams.values(), self._is_saved, clocks, self._bounds):
            self._leave(stream, block)

    def finish(self) -> None:
        """Writes what is left, in this thread."""
        keeping = self._older.keeping
        if keeping is None:
            return
        work = self._gathered(0, Forgotten())
        failure = _saved(keeping, work)
        if failure is None:
            self._written(work)
        else:
            self._refused(work, str(failure))

    def close(self) -> None:
        if self._older.keeping is not None:
            self._older.keeping.close()
        self._older.keeping = None

    async def _save(self, expire_before_ms: int, forgotten: Forgotten) -> None:
        keeping = self._older.keeping
        if keeping is None:
            self._try_again()
            return
        if not keeping.file.path.exists():
            self._begin_anew(keeping, "the file is gone")
            return
        work = self._gathered(expire_before_ms, forgotten)
        try:
            failure = await asyncio.to_thread(_saved, keeping, work)
        except asyncio.CancelledError:
            self._restore(work)
            raise
        if keeping is not self._older.keeping:
            return  # it was set aside meanwhile, and the new one gets everything
        if failure is None:
            self._written(work)
        elif isinstance(failure, sqlite3.OperationalError):
            self._refused(work, str(failure))
        else:
            self._begin_anew(keeping, str(failure))

    def _gathered(self, expire_before_ms: int, forgotten: Forgotten) -> Work:
        blocks = [
            BlockWork(block=block, stream=stream.number, view=block.view, sealed=block is not stream.blocks[-1])
            for stream in self.held.streams.values()
            for block in stream.blocks
            if self._needs(block, sealed=block is not stream.blocks[-1])
        ]
        slots = range(self._saved_slots, self.held.index.count)
        work = Work(
            streams=[(n, stream.name) for n, stream in self.held.streams.items() if n not in self._saved_streams],
            series=(row for row in map(self.held.row, slots) if row is not None),
            died=self._died(),
            blocks=blocks,
            cut=self._cut,
            cut_from_ms=self._cut_from_ms,
            expire_before_ms=expire_before_ms,
            forgotten=forgotten.slots,
            gone=forgotten.streams,
            upto=slots.stop,
        )
        self._spans, self._cut, self._cut_from_ms = set(), [], None
        return work

    def _died(self) -> dict[int, int]:
        slots = np.fromiter(self._spans, dtype=np.int64, count=len(self._spans))
        return dict(zip(slots.tolist(), self.held.index.ends(slots), strict=True))

    def _written(self, work: Work) -> None:
        self._saved_streams.update(number for number, _ in work.streams)
        self._saved_slots = max(self._saved_slots, work.upto)
        if self.trouble:
            log.info("samples come to disk again")
        self.trouble = ""

    def _refused(self, work: Work, why: str) -> None:
        self._restore(work)
        if self.trouble != why:
            log.error("samples do not come to disk; memory goes on", why=why)
        self.trouble = why

    def _restore(self, work: Work) -> None:
        self._spans.update(work.died)
        self._cut = [*work.cut, *self._cut]
        if work.cut_from_ms is not None:
            self._cut_from_ms = min(work.cut_from_ms, self._cut_from_ms or work.cut_from_ms)

    def _begin_anew(self, keeping: Keeping, why: str, *, name: str = "damaged") -> None:
        """Puts the file aside and writes what is in memory to a new one."""
        with suppress(sqlite3.Error, UnicodeDecodeError):
            keeping.close()
        self._open_anew(keeping.file.path, why, name=name)

    def _open_anew(self, path: Path, why: str, *, name: str) -> None:
        self._opened_at = time.monotonic()
        try:
            if path.exists():
                set_aside(path, why, name=name)
            self._older.begin_anew(Keeping(SamplesFile(path), {}))
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            self._older.begin_anew(None)
            if self.trouble != str(error):
                log.error("samples stay in memory alone", file=str(path), why=str(error))
            self.trouble = str(error)
        self._saved_streams, self._saved_slots = set(), 0
        self._spans, self._cut, self._cut_from_ms = set(), [], None

    def _try_again(self) -> None:
        """A file that could not be opened is tried once a minute."""
        if self._path is not None and time.monotonic() - self._opened_at > _OPEN_EVERY_S:
            self._open_anew(self._path, "it could not be read", name="unread")

    def _needs(self, block: RowBlock, *, sealed: bool) -> bool:
        keeping = self._older.keeping
        return keeping is not None and keeping.needs(block, sealed=sealed)

    def _is_saved(self, block: RowBlock) -> bool:
        keeping = self._older.keeping
        return keeping is not None and keeping.is_saved(block)

    def _leave(self, stream: Stream, block: RowBlock) -> None:
        if self._is_saved(block):
            self._older.left_memory(stream, block)
        elif block.rows:
            self._lose(stream, block)
        if self._older.keeping is not None:
            self._older.keeping.forget(block)
        stream.drop(block)

    def _lose(self, stream: Stream, block: RowBlock) -> None:
        if not self.lost_rows and self._older.keeping is not None:
            log.error("samples leave memory before they are on disk", stream=stream.name, why=self.trouble)
        self.lost_rows += block.rows

    def _clocks(self) -> Clocks:
        """The trusted clock runs at most twice as fast as the true one: a clock that jumps ahead deletes little."""
        now_ms, looked_at = self._now_ms(), time.monotonic()
        self._trusted_ms = min(now_ms, self._trusted_ms + int(2000 * (looked_at - self._looked_at)) + 1)
        self._looked_at = looked_at
        return Clocks(now_ms=now_ms, trusted_ms=self._trusted_ms)

    def _crowded(self) -> int:
        """Before which moment series have to have ended to be forgotten early, for want of room; 0: there is room.
        Those that ended later still have columns in blocks in memory."""
        if self.held.index.known <= self._bounds.most_series // 2:
            return 0
        return max(0, self._trusted_ms - self._bounds.raw_ms - BLOCK_MS)

    def _is_due(self) -> bool:
        """Whether it is time to look for what is too old."""
        if 0 <= self._trusted_ms - self._expired_ms < _EXPIRE_EVERY_MS:
            return False
        self._expired_ms = self._trusted_ms
        return True


def _saved(keeping: Keeping, work: Work) -> sqlite3.Error | UnicodeDecodeError | None:
    """Why it could not be saved. Where the file is damaged, the words of SQLite's error may be no text."""
    try:
        keeping.save(work)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return error
    return None
