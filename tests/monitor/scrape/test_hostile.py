"""Targets that tell too much: bounded before it costs memory, and everything else has its turns meanwhile."""

import asyncio
import gzip
from dataclasses import replace

import pytest

from stationmaster.monitor.scrape.exposition import ExpositionError, ExpositionReader
from stationmaster.monitor.scrape.families import read_comments
from stationmaster.monitor.scrape.one import TargetScraper
from stationmaster.monitor.scrape.state import ScrapeHealth
from stationmaster.monitor.scrape.target import ScrapeTarget
from stationmaster.monitor.series.eviction import MemoryBounds
from stationmaster.monitor.series.store import MOST_DESCRIBED, MetricMetadata, SeriesStore
from tests.monitor.scrape.exporter import Answer, body, exporter, in_turn, raw_answer
from tests.monitor.series.samples import START_MS, everything, named


def many(count: int, generation: int = 0) -> str:
    return "".join(f'm{{n="{n}",g="{generation}"}} {n}\n' for n in range(count))


async def turns_of_others(work: "asyncio.Task[object]") -> int:
    """How often something else came to its turn before the work was done."""
    turns = 0
    while not work.done():
        await asyncio.sleep(0)
        turns += 1
    await work
    return turns


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"ab\n" * 2_000, "2000 lines are more than a body of at most 100 samples may have"),
        (b"# TYPE a counter\n" * 2_000, "2000 lines are more than a body of at most 100 samples may have"),
        (b"a 1\n" + b"b" * 300_000 + b"\n", "line 2: it has 300000 bytes, 262144 are allowed: bbbb"),
        (b'a{l="' + b"v" * 1_000_000 + b'"} 1\n', "line 1: it has 1000009 bytes"),
    ],
)
def test_a_body_with_too_many_or_too_long_lines_is_refused_before_it_is_read(text: bytes, why: str) -> None:
    reader = ExpositionReader(SeriesStore().table, {})
    with pytest.raises(ExpositionError) as refused:
        reader.read(text, most_samples=100)
    assert str(refused.value).startswith(why)


def test_a_comment_behind_blanks_that_ends_with_a_number_is_no_sample() -> None:
    found = ExpositionReader(SeriesStore().table, {}).read(b"a 1\n  # b 2\nc 3\n")
    assert found.values.tolist() == [1.0, 3.0]


def test_a_body_with_more_new_series_than_there_is_room_for_interns_none_of_them() -> None:
    store = SeriesStore()
    reader = ExpositionReader(store.table, {})
    reader.read(many(10).encode())
    with pytest.raises(ExpositionError, match=r"20 new series are more than there is room for \(19\)"):
        reader.read(many(30).encode(), most_new=19)
    assert len(store.table) == 10
    assert reader.read(many(30).encode(), most_new=20).told == 30
    assert reader.read(many(30).encode(), most_new=0).told == 30


def test_of_a_target_and_of_all_of_them_so_many_metrics_are_remembered() -> None:
    assert len(read_comments(f"# TYPE m{n} counter".encode() for n in range(30_000))) == 20_000
    (family,) = read_comments([b"# HELP m " + b"x" * 50_000]).values()
    assert len(family.help) == 1_000
    store = SeriesStore()
    for part in range(4):
        store.describe({f"m{part}_{n}": MetricMetadata(kind="counter") for n in range(20_000)})
    assert len(store.metadata) == MOST_DESCRIBED
    assert "m3_19999" in store.metadata
    assert "m0_0" not in store.metadata


async def scraper_of(answer: Answer, store: SeriesStore, at_ms: int) -> tuple[TargetScraper, int]:
    async with exporter(answer) as served:
        target = ScrapeTarget(job="shop", instance="a", address=served.address, timeout_ms=30_000)
        scraper = TargetScraper(store, replace(target, sample_limit=100_000))
        turns = await turns_of_others(asyncio.create_task(scraper.scrape(at_ms)))
    return scraper, turns


async def test_a_scrape_of_many_new_series_leaves_others_their_turns_and_stores_all() -> None:
    store = SeriesStore()
    scraper, turns = await scraper_of(body(many(40_000)), store, START_MS)
    assert (scraper.state.health, scraper.state.warning) == (ScrapeHealth.UP, "")
    assert turns > 40  # a thousand series a turn
    assert len(everything(store, named("m"))) == 40_000


async def test_a_packed_body_that_swells_is_refused_and_leaves_others_their_turns() -> None:
    bomb = gzip.compress(b"a 1\n" * 20_000_000)
    answer = raw_answer(200, bomb, {"Content-Type": "text/plain", "Content-Encoding": "gzip"})
    scraper, turns = await scraper_of(answer, SeriesStore(), START_MS)
    assert scraper.state.error == "the body has more bytes when unpacked, the limit is 64000000 bytes"
    assert turns > 10


async def test_a_target_that_changes_its_names_at_each_scrape_fills_the_store_to_its_bound_alone() -> None:
    store = SeriesStore(memory=MemoryBounds(most_series=250))
    answers = in_turn(*(body(many(100, generation)) for generation in range(5)))
    async with exporter(answers) as served:
        scraper = TargetScraper(store, ScrapeTarget(job="shop", instance="a", address=served.address))
        states = [await scraper.scrape(START_MS + turn * 1000) for turn in range(5)]
    assert [state.health.value for state in states] == ["up", "up", "down", "down", "down"]
    assert "new series are more than there is room for (45)" in states[-1].error
    assert len(store.table) == 205
