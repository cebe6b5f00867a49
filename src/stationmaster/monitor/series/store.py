"""The samples of all streams: in memory for two hours, on disk for longer, found by their labels."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from stationmaster.monitor.promql.ordering import in_order
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Block, Floats, Ids, Labels, LabelTable, Matcher
from stationmaster.monitor.series.choice import Choices, Wanted, cut_out
from stationmaster.monitor.series.eviction import MemoryBounds
from stationmaster.monitor.series.held import Held
from stationmaster.monitor.series.older import Older
from stationmaster.monitor.series.reload import Reloaded, reload
from stationmaster.monitor.series.stream import Stream
from stationmaster.monitor.series.tending import Tending

log = structlog.get_logger("series")

RETENTION_MS: Final = 15 * 24 * 3600 * 1000
MOST_SELECTED_SAMPLES: Final = 50_000_000
MOST_DESCRIBED: Final = 50_000
_FRESH_AT_ONCE: Final = 1_000
_TEND_EVERY_S = 1.0
_QUIET_MS: Final = 300_000
_MOST_CUT_MS: Final = 3_600_000


def _now_ms() -> int:
    return int(time.time() * 1000)


_NO_IDS: Ids = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricMetadata:
    """What a target told of a metric: `kind` in lower case (counter, gauge, histogram, summary, unknown ...)."""

    kind: str = "unknown"
    help: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of one row: samples that were taken, series that began or ended with it, samples that were refused
    and why."""

    samples: int = 0
    began: int = 0
    ended: int = 0
    refused: int = 0
    why: str = ""


class SeriesStore:
    """Samples of all streams. One thread, that of the event loop, writes; any thread may select meanwhile.

    A stream is what is written together: a target, a rule. With a `path` (a file of the store's own, which is read
    here: make the store in a worker thread where that matters) samples outlive the process; `run` writes them there
    once a second and takes old ones away. Without one, or where it cannot be opened (`trouble` says why, and it is
    tried again), only what is in memory is kept.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        retention_ms: int = RETENTION_MS,
        memory: MemoryBounds | None = None,
        now_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self.table = LabelTable()
        self.metadata: Mapping[str, MetricMetadata] = {}
        self.refused = 0
        """Samples that came out of order, twice, or of a series that another stream had at that moment."""
        self.retention_ms = retention_ms
        """For how long samples are kept; may be changed at any time."""
        bounds = memory or MemoryBounds()
        former, trouble = _former(path, self.table, bounds.raw_ms)
        self._bounds = bounds
        self._held = Held(self.table, former.index, former.streams)
        self._choices = Choices(former.index)
        self._older = Older(former.keeping, former.index, former.on_disk)
        self._tending = Tending(self._held, self._older, bounds, path=path, now_ms=now_ms)
        self._tending.trouble = trouble
        self.newest_ms = max((stream.last_ms for stream in self._held.streams.values()), default=0)
        """When the newest row was written, whatever stream it is of; 0 where there is none."""

    @property
    def series_count(self) -> int:
        """Series that live: those with a sample in the last row of a stream that was written in the last minutes."""
        since_ms = self.newest_ms - _QUIET_MS
        return sum(stream.live for stream in self._held.streams.values() if stream.last_ms >= since_ms)

    @property
    def room(self) -> int:
        """How many more series may be known; where it is short, those whose samples have left memory are
        forgotten early."""
        return max(0, self._bounds.most_series - self._held.index.known)

    @property
    def trouble(self) -> str:
        """Why samples do not come to disk at this moment; empty while they do."""
        return self._tending.trouble

    def append(self, stream: str, at_ms: int, values: Mapping[int, float]) -> Appended:
        """Writes all that a stream has at a moment: the value of every label set, by its id.

        A series that was in the row before and is not in this one has ended: it gets a stale marker.
        """
        ids = np.fromiter(values.keys(), dtype=np.int64, count=len(values))
        return self.append_row(stream, at_ms, ids, np.fromiter(values.values(), dtype=np.float64, count=len(values)))

    def append_row(self, stream: str, at_ms: int, ids: Ids, values: Floats) -> Appended:
        """As `append`, for those who have arrays: every id stands once in `ids`. It costs less where `ids` is the very
        array that it was the last time. Neither is written into afterwards."""
        into = self._held.stream(stream)
        if at_ms > into.last_ms:
            return self._add(into, at_ms, ids, values)
        self.refused += len(ids)
        why = "duplicate timestamp" if at_ms == into.last_ms else "out of order"
        return Appended(refused=len(ids), why=f"{why}: {at_ms} ms comes after {into.last_ms} ms in {stream}")

    async def announce(self, stream: str, at_ms: int, ids: Ids) -> None:
        """Says which series the row of a moment will have, where many of them may be new: they are made known some at
        a time, and everything else goes on meanwhile."""
        into = self._held.stream(stream)
        fresh = [number for number in ids.tolist() if number not in into.slot_of]
        if len(fresh) <= _FRESH_AT_ONCE or at_ms <= into.last_ms:
            return
        forgettings = self.table.forgettings
        into.last_ms = max(into.last_ms, at_ms - 1)
        for at in range(0, len(fresh), _FRESH_AT_ONCE):
            if self.table.forgettings != forgettings or self._held.by_name.get(stream) is not into:
                return
            part = np.array(fresh[at : at + _FRESH_AT_ONCE], dtype=np.int64)
            self._held.register(into, part, at_ms)
            await asyncio.sleep(0)

    def end(self, stream: str, at_ms: int) -> None:
        """All series of the stream have ended: they get stale markers."""
        ending = self._held.by_name.get(stream)
        if ending is not None and ending.live:
            self._add(ending, max(at_ms, ending.last_ms + 1), _NO_IDS, np.empty(0))

    def rewind(self, at_ms: int) -> int:
        """The clock was set back: takes away what was written at and after a moment, since nothing could be written
        until then. How many rows of memory they were. Where it was more than an hour, the file is set aside as it is
        and a new one begun."""
        behind = [stream for stream in self._held.streams.values() if stream.last_ms >= at_ms]
        self._held.shared.rewind(at_ms)
        rows = self._tending.cut(behind, at_ms, far=self.newest_ms - at_ms > _MOST_CUT_MS)
        self.newest_ms = min(self.newest_ms, at_ms - 1)
        return rows

    def describe(self, told: Mapping[str, MetricMetadata]) -> None:
        """Remembers what a target tells of its metrics; the last word counts. Beyond `MOST_DESCRIBED` those that have
        been known longest are forgotten."""
        if any(self.metadata.get(name) != each for name, each in told.items()):
            known = {**self.metadata, **told}
            excess = len(known) - MOST_DESCRIBED
            self.metadata = dict(islice(known.items(), excess, None)) if excess > 0 else known

    def select(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Sequence[Block]:
        """The samples with `first_ms <= time <= last_ms` of all series that satisfy every matcher, from memory and from
        disk; blocks of one stream follow each other in the order of time.

        Raises QueryError for a regular expression that is none, and for more than `MOST_SELECTED_SAMPLES`.
        """
        choice, found = self._choices.of(matchers)
        blocks: list[Block] = []
        room = MOST_SELECTED_SAMPLES
        for number, slots in found.by_stream:
            stream = self._held.streams.get(number)
            if stream is None:
                continue
            wanted = Wanted(choice, found.upto, slots)
            held = stream.blocks
            for old in self._older.select(stream, held, slots, (first_ms, last_ms)):
                blocks.append(old)
                room -= old.values.size
                _check(room)
            for each in held:
                part = cut_out(wanted, each, first_ms, last_ms)
                if part is not None:
                    blocks.append(part)
                    room -= part.values.size
            _check(room)
        return blocks

    def series(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> list[Labels]:
        """The label sets, in their order, of the series that satisfy every matcher and lived in between. Raises
        QueryError."""
        return in_order(self._living(matchers, first_ms, last_ms))

    def label_names(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> list[str]:
        """The names of the labels of those series, in their order."""
        return sorted({name for labels in self._living(matchers, first_ms, last_ms) for name, _ in labels})

    def label_values(self, name: str, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> list[str]:
        """The values of one label of those series, in their order."""
        found = self._living(matchers, first_ms, last_ms)
        return in_order({value for labels in found for each, value in labels if each == name})

    def _living(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Iterator[Labels]:
        _, found = self._choices.of(matchers)
        # One that was forgotten in this moment has no labels any more.
        return filter(None, map(self.table.labels, self._held.lived(found.by_stream, first_ms, last_ms)))

    async def run(self) -> None:
        """Writes what has come to disk once a second and takes old samples away; when it is cancelled, it writes what
        is left."""
        try:
            while True:
                await asyncio.sleep(_TEND_EVERY_S)
                await self._tending.tend(self.retention_ms)
        finally:
            self._tending.finish()

    def save(self) -> None:
        """Writes what has come to disk at once, blocking."""
        self._tending.finish()

    def close(self) -> None:
        """Writes what is left, blocking, and closes the file; only memory is written after."""
        self.save()
        self._tending.close()

    def _add(self, stream: Stream, at_ms: int, ids: Ids, values: Floats) -> Appended:
        """Adds a row at a moment that is later than those before."""
        added = stream.add(
            at_ms,
            ids,
            values,
            register=lambda fresh: self._held.register(stream, fresh, at_ms),
            barred=lambda: self._held.shared.barred(stream, at_ms) if stream.shared else (),
        )
        self.newest_ms = max(self.newest_ms, at_ms)
        self._held.index.begin(added.began)
        self._held.index.end(added.ended, at_ms)
        self._tending.changed(added.began)
        self._tending.changed(added.ended)
        self.refused += added.barred
        return Appended(
            samples=added.samples,
            began=len(added.began),
            ended=len(added.ended),
            refused=added.barred,
            why="another stream has these series" if added.barred else "",
        )


def _former(path: Path | None, table: LabelTable, raw_ms: int) -> tuple[Reloaded, str]:
    """What a former run left, or nothing and why."""
    if path is None:
        return Reloaded(), ""
    try:
        return reload(path, table, raw_ms), ""
    except (sqlite3.Error, OSError) as error:
        log.error("samples stay in memory alone", file=str(path), why=str(error))
        return Reloaded(), str(error)


def _check(room: int) -> None:
    if room < 0:
        raise QueryError(
            Fault.EXECUTION,
            f"query processing would load more than {MOST_SELECTED_SAMPLES} samples",
            hint="ask for fewer series or a shorter time",
        )
