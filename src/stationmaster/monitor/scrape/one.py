"""Scrapes one target: fetched, read, stored, and beside it what Prometheus' scraper says of a scrape itself."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import structlog

from stationmaster.monitor.promql.samples import Ids
from stationmaster.monitor.scrape.answer import Answered, ScrapeError
from stationmaster.monitor.scrape.exposition import Exposition, ExpositionError, ExpositionReader
from stationmaster.monitor.scrape.families import Family
from stationmaster.monitor.scrape.fetch import fetch
from stationmaster.monitor.scrape.labels import known_of, report
from stationmaster.monitor.scrape.state import ScrapeHealth, TargetState
from stationmaster.monitor.scrape.target import ScrapeTarget
from stationmaster.monitor.series.store import Appended, MetricMetadata, SeriesStore

log = structlog.get_logger("scrape")

REPORTED: Final = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
"""What is said of every scrape, in this order, whether it went well or not."""

_LARGE_BYTES = 256 * 1024
"""Larger bodies are read in a thread of their own, so that probes go on meanwhile."""

_NOTHING: Final = Exposition(ids=np.empty(0, dtype=np.int64), values=np.empty(0), told=0)


class TargetScraper:
    """One target and what was remembered of its lines."""

    def __init__(self, store: SeriesStore, target: ScrapeTarget) -> None:
        self.target = target
        self.state = TargetState(target=target)
        self._store = store
        self._known = known_of(target)
        self._reader = ExpositionReader(store.table, self._known, honor=target.honor_labels)
        self._begin()
        self._families: Mapping[str, Family] = {}

    def _begin(self) -> None:
        """Asks for ids anew: the store forgets those of series that ended long ago."""
        table = self._store.table
        self._forgettings = table.forgettings
        ids = [table.intern(report(name, self._known)) for name in REPORTED]
        self._reported: Ids = np.array(ids, dtype=np.int64)
        self._told: Ids = _NOTHING.ids
        self._ids: Ids = self._reported
        self._kept: npt.NDArray[np.bool_] | slice = slice(None)

    async def scrape(self, at_ms: int) -> TargetState:
        """Once, at a moment that the samples are to have; what the target does wrong is not raised, but told."""
        started = time.perf_counter()
        try:
            found, error = await self._read(await fetch(self.target)), ""
        except ScrapeError as failure:
            found, error = _NOTHING, str(failure)
        except ExpositionError as failure:
            found, error = replace(_NOTHING, told=failure.told), str(failure)
        duration_s = time.perf_counter() - started
        if found.ids is not self._told:
            found = await self._announced(found, at_ms)
        appended = self._keep(at_ms, found, duration_s, well=not error)
        warning = _warning(found, appended)
        self._tell(error, warning)
        self.state = TargetState(
            target=self.target,
            last_at=datetime.fromtimestamp(at_ms / 1000, UTC),
            duration_s=duration_s,
            health=ScrapeHealth.DOWN if error else ScrapeHealth.UP,
            error=error,
            samples=found.told,
            warning=warning,
        )
        return self.state

    def end(self, at_ms: int) -> None:
        """The target is scraped no more."""
        self._store.end(self.target.stream, at_ms)

    async def _read(self, answer: Answered) -> Exposition:
        if len(answer.body) < _LARGE_BYTES:
            return self._decoded(answer)
        before = self._store.table.forgettings
        found = await asyncio.to_thread(self._decoded, answer)
        return found if before == self._store.table.forgettings else self._decoded(answer)

    async def _announced(self, found: Exposition, at_ms: int) -> Exposition:
        """What was read, after the store has got to know its series; nothing, should the store have forgotten them."""
        before = self._store.table.forgettings
        await self._store.announce(self.target.stream, at_ms, found.ids)
        return found if before == self._store.table.forgettings else replace(_NOTHING, told=found.told)

    def _decoded(self, answer: Answered) -> Exposition:
        body = answer.body if self.target.translate is None else self.target.translate(answer.body)
        most = self.target.sample_limit
        return self._reader.read(body, answer.form, most_samples=most, most_new=self._store.room)

    def _keep(self, at_ms: int, found: Exposition, duration_s: float, *, well: bool) -> Appended:
        if self._forgettings != self._store.table.forgettings:
            self._begin()
        if well and self._reader.families is not self._families:
            self._families = self._reader.families
            self._store.describe(
                {
                    name: MetricMetadata(kind=each.kind, help=each.help, unit=each.unit)
                    for name, each in self._families.items()
                }
            )
        added = self._added(found) if well else 0
        reported = (float(well), duration_s, found.told, found.told, added)
        if not well:
            return self._store.append_row(self.target.stream, at_ms, self._reported, np.array(reported))
        values = np.concatenate([found.values[self._kept], reported])
        return self._store.append_row(self.target.stream, at_ms, self._ids, values)

    def _added(self, found: Exposition) -> int:
        """How many series the last good scrape did not have."""
        if found.ids is self._told:
            return 0
        added = len(np.setdiff1d(found.ids, self._told))
        clash = np.isin(found.ids, self._reported)  # a target may tell an `up` of its own: ours counts
        self._kept = ~clash if clash.any() else slice(None)
        self._told, self._ids = found.ids, np.concatenate([found.ids[self._kept], self._reported])
        return added

    def _tell(self, error: str, warning: str) -> None:
        """On change."""
        name = {"job": self.target.job, "instance": self.target.instance}
        if error != self.state.error:
            if error:
                log.warning("scrape failed", **name, why=error)
            else:
                log.info("scrape succeeds again", **name)
        if warning and warning != self.state.warning:
            log.warning("scrape counts in part", **name, why=warning)


def _warning(found: Exposition, appended: Appended) -> str:
    told = []
    if found.twice:
        labels = ", ".join(f'{name}="{value}"' for name, value in found.example if name != "__name__")
        name = dict(found.example).get("__name__", "")
        told.append(f"{found.twice} samples of series that stand in the body before, as {name}{{{labels}}}")
    if appended.refused:
        told.append(f"{appended.refused} samples refused: {appended.why}")
    return "; ".join(told)
