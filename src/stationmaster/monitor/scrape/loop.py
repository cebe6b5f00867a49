"""Scrapes every target at its own moments, for as long as it is a target."""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Final

import structlog

from stationmaster.monitor.scrape.one import TargetScraper
from stationmaster.monitor.scrape.state import TargetState
from stationmaster.monitor.scrape.target import ScrapeTarget
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("scrape")

_LOOK_EVERY_S = 60.0
_SHOW_AFTER_S = 0.2
_TOLERANCE_MS = 2
"""A scrape that comes that little off its moment has its moment as timestamp: equal distances take less room."""
_CLOCK_SLACK_MS: Final = 10_000


class Scraper:
    """Follows what `targets` says. `state` shows every target by the name of its stream, a moment after each scrape.

    A target that is no target any more has its series marked stale; when the process ends they are not, so that a
    restart goes on with them.
    """

    def __init__(
        self,
        store: SeriesStore,
        targets: Cell[tuple[ScrapeTarget, ...]],
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.store = store
        self.targets = targets
        self.now = now
        self.state: Cell[Mapping[str, TargetState]] = Cell({})
        self._scrapers: dict[str, TargetScraper] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._showing: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Scrapes for ever; may be started again after a failure."""
        self._tasks.clear()
        async with asyncio.TaskGroup() as group:
            async for targets in self.targets.changes(tick=_LOOK_EVERY_S):
                await self._change(_by_stream(targets), group)

    async def _change(self, wanted: Mapping[str, ScrapeTarget], group: asyncio.TaskGroup) -> None:
        for stream in [each for each in self._scrapers if each not in wanted]:
            await self._stop(stream)
            self._scrapers.pop(stream).end(self._now_ms())
        for stream, target in wanted.items():
            before = self._scrapers.get(stream)
            if before is not None and before.target == target and stream in self._tasks:
                continue
            await self._stop(stream)
            scraper = self._scrapers[stream] = TargetScraper(self.store, target)
            following = supervise(f"scrape {target.job} {target.instance}", partial(self._follow, scraper))
            self._tasks[stream] = group.create_task(following, name=f"scrape {target.url}")
        self._show()

    async def _stop(self, stream: str) -> None:
        task = self._tasks.pop(stream, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _follow(self, scraper: TargetScraper) -> None:
        """Paced by the clock that nobody sets, so that a set clock neither hurries nor stops it."""
        loop = asyncio.get_running_loop()
        interval_ms = scraper.target.interval_ms
        wait_ms = (zlib.crc32(scraper.target.stream.encode()) - self._now_ms()) % interval_ms
        moment, nominal_ms = loop.time() + wait_ms / 1000, self._now_ms() + wait_ms
        while True:
            await asyncio.sleep(moment - loop.time())
            self._notice_clock()
            now_ms = self._now_ms()
            nominal_ms = nominal_ms if abs(now_ms - nominal_ms) <= _TOLERANCE_MS else now_ms
            await scraper.scrape(nominal_ms)
            self._show_soon()
            missed = max(0, int((loop.time() - moment) * 1000 / interval_ms))
            moment += (1 + missed) * interval_ms / 1000
            nominal_ms += (1 + missed) * interval_ms

    def _notice_clock(self) -> None:
        now_ms = self._now_ms()
        if now_ms < self.store.newest_ms - _CLOCK_SLACK_MS:
            back_s = (self.store.newest_ms - now_ms) / 1000
            rows = self.store.rewind(now_ms)
            log.warning("the clock was set back: samples of later moments are dropped", by_s=back_s, rows=rows)

    def _now_ms(self) -> int:
        return round(self.now().timestamp() * 1000)

    def _show_soon(self) -> None:
        if self._showing is None:
            self._showing = asyncio.get_running_loop().call_later(_SHOW_AFTER_S, self._show)

    def _show(self) -> None:
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        self.state.set({stream: scraper.state for stream, scraper in self._scrapers.items()})


def _by_stream(targets: tuple[ScrapeTarget, ...]) -> Mapping[str, ScrapeTarget]:
    """Of targets that are the same in job, instance and URL only the first is scraped."""
    wanted: dict[str, ScrapeTarget] = {}
    for target in targets:
        if target.stream in wanted:
            log.warning("a target is declared twice; the first counts", job=target.job, url=target.url)
        wanted.setdefault(target.stream, target)
    return wanted
