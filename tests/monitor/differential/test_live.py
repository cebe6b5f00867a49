"""A real Prometheus and our scraper scrape the same exporter at the same time, through everything that it does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from stationmaster.core.address import Address
from stationmaster.monitor.scrape.loop import Scraper
from stationmaster.monitor.scrape.target import ScrapeTarget
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.runtime.board import Cell
from tests.monitor.differential.compare import difference, ours, theirs
from tests.monitor.differential.exporter import CONFIG, Exporter, exporting
from tests.monitor.differential.real import RealPrometheus, running

INTERVAL_MS = 400
_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Both:
    exporter: Exporter
    server: RealPrometheus
    store: SeriesStore

    async def agree(self, *queries: str) -> None:
        """At a moment between scrapes; waits a little, because one of them may be in the middle of a scrape."""
        deadline = time.monotonic() + _LIMIT_S
        while True:
            at_ms = time.time_ns() // 1_000_000
            said = await asyncio.to_thread(self._differences, queries, at_ms)
            if not said:
                return
            assert time.monotonic() < deadline, "\n".join(said)
            await asyncio.sleep(0.05)

    def _differences(self, queries: Sequence[str], at_ms: int) -> list[str]:
        """In a thread of its own: the scraper goes on meanwhile."""
        said = ((each, difference(ours(self.store, each, at_ms), theirs(self.server, each, at_ms))) for each in queries)
        return [f"{query}: {found}" for query, found in said if found]


@pytest.fixture
async def both(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Both]:
    with exporting() as exporter:
        config = CONFIG.format(interval=INTERVAL_MS, port=exporter.port)
        exporter.tell("begin 1\n")
        store = SeriesStore()
        target = ScrapeTarget(
            job="live",
            instance=f"127.0.0.1:{exporter.port}",
            address=Address(host="127.0.0.1", port=exporter.port),
            labels=(("zone", "a"),),
            interval_ms=INTERVAL_MS,
            timeout_ms=INTERVAL_MS,
        )
        with running(tmp_path, free_port(), config) as server:
            task = asyncio.ensure_future(Scraper(store, Cell((target,))).run())
            await exporter.until_heard(readers=2)
            yield Both(exporter, server, store)
            task.cancel()
            await asyncio.wait([task])


FIRST = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",path="/a\\\\b\\n\\"c\\""} 10
requests_total{code="500",path=""} 1.5e3
# TYPE latency histogram
latency_bucket{le="0.1"} 3
latency_bucket{le="1.0"} 5
latency_bucket{le="+Inf"} 6
latency_sum 4.25
latency_count 6
odd{which="nan"} NaN
odd{which="inf"} +Inf
odd{which="minus"} -Inf
own{job="mine",zone="theirs",exported_job="both"} 7
spaced   {  a = "b" , }   0.25
untyped 1
"""
SECOND = FIRST.replace(" 10\n", " 4\n").replace('requests_total{code="500",path=""} 1.5e3\n', "")
OF_SCRAPES = (
    # How far a scrape came that failed is nobody's concern: Prometheus counts the lines before the broken one.
    "up",
    "scrape_samples_scraped * on (instance) up",
    "scrape_samples_post_metric_relabeling * on (instance) up",
    'count({__name__=~"scrape_.*"})',
)
HISTORY = (
    "resets(requests_total[1h])",
    "changes(requests_total[1h])",
    "max_over_time(up[1h])",
    "count by (__name__) (last_over_time({job=\"live\", __name__!~\"scrape_.*\"}[1h]))",
    "sum(max_over_time(latency_bucket[1h]))",
)  # fmt: skip


async def test_whatever_an_exporter_does_both_know_the_same_of_it(both: Both) -> None:
    tells: list[tuple[str, str, int]] = [
        ("everything of the format", FIRST, 200),
        ("a counter reset and a series gone", SECOND, 200),
        ("a series is back", FIRST, 200),
        ("an error", "", 500),
        ("well again", SECOND, 200),
        ("a broken line", "fine 1\nbroken{a= 2\nfine2 3\n", 200),
        ("nothing at all", "", 200),
        ("a sample with a timestamp", f"stamped 5 {time.time_ns() // 1_000_000}\nunstamped 6\n", 200),
        ("the same series twice", "twice 1\ntwice 2\nonce 3\n", 200),
        ("well at last", FIRST, 200),
    ]
    for what, body, status in tells:
        both.exporter.tell(body, status)
        await both.exporter.until_heard(readers=2)
        try:
            await both.agree('{job="live", __name__!~"scrape_(dur|ser).*"}', *OF_SCRAPES, *HISTORY)
        except AssertionError as error:
            raise AssertionError(f"after {what}:\n{error}") from error
