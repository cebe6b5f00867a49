"""Targets are scraped at their moments, and what is stored tells how that went."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.monitor.promql.samples import STALE_BITS, Matcher, MatchKind
from stationmaster.monitor.scrape.loop import Scraper
from stationmaster.monitor.scrape.one import REPORTED, TargetScraper
from stationmaster.monitor.scrape.state import ScrapeHealth, TargetState
from stationmaster.monitor.scrape.target import ScrapeTarget
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.runtime.board import Cell
from tests.monitor.scrape.exporter import Answer, Exporter, body, exporter, in_turn, raw_answer
from tests.monitor.series.samples import START_MS, bits_of, everything, named, values_of

ZERO, ONE = bits_of(0.0), bits_of(1.0)


def target(of: Exporter, **more: object) -> ScrapeTarget:
    return replace(
        ScrapeTarget(job="shop", instance="a", address=of.address, interval_ms=50, timeout_ms=2000),
        **more,  # type: ignore[arg-type]
    )


@asynccontextmanager
async def one_target(answer: Answer, **more: object) -> AsyncIterator[TargetScraper]:
    async with exporter(answer) as served:
        yield TargetScraper(SeriesStore(), target(served, **more))


def reported(scraper: TargetScraper, at_ms: int) -> dict[str, float]:
    (block,) = scraper._store.select([Matcher(name="job", kind=MatchKind.EQUAL, value="shop")], at_ms, at_ms)
    names = [dict(scraper._store.table.labels(int(number)))["__name__"] for number in block.series]
    return {name: value for name, value in zip(names, block.values[0].tolist(), strict=True) if name in REPORTED}


async def test_a_scrape_stores_what_the_target_tells_and_how_it_went() -> None:
    text = '# HELP rooms Rooms.\n# TYPE rooms gauge\nrooms{floor="1"} 4\nrooms{floor="2",job="x"} 5\n'
    async with one_target(body(text), labels=(("region", "eu"),)) as scraper:
        state = await scraper.scrape(START_MS)
        store = scraper._store
    assert (state.health, state.error, state.samples, state.warning) == (ScrapeHealth.UP, "", 2, "")
    assert state.last_at == datetime.fromtimestamp(START_MS / 1000, UTC)
    assert store.metadata["rooms"].kind == "gauge"
    common = {"instance": "a", "job": "shop", "region": "eu"}
    first = {"__name__": "rooms", "floor": "1", **common}
    second = {"__name__": "rooms", "floor": "2", "exported_job": "x", **common}
    assert [(dict(labels), bits) for labels, _, bits in everything(store, named("rooms"))] == [
        (second, bits_of(5.0)),
        (first, bits_of(4.0)),
    ]
    told = reported(scraper, START_MS)
    assert 0 < told.pop("scrape_duration_seconds") < 2
    assert told == {
        "up": 1.0,
        "scrape_samples_scraped": 2.0,
        "scrape_samples_post_metric_relabeling": 2.0,
        "scrape_series_added": 2.0,
    }


async def test_series_that_vanish_are_marked_and_those_that_come_are_counted() -> None:
    async with one_target(in_turn(body("a 1\nb 1\n"), body("b 2\nc 1\n"), body("b 3\n"))) as scraper:
        for second in range(3):
            await scraper.scrape(START_MS + second * 1000)
        store = scraper._store
    assert [bits for _, bits in values_of(store, "a")] == [ONE, STALE_BITS]
    assert [bits for _, bits in values_of(store, "c")] == [ONE, STALE_BITS]
    added = [reported(scraper, START_MS + second * 1000)["scrape_series_added"] for second in range(3)]
    assert added == [2.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("answer", "more", "why", "told"),
    [
        (raw_answer(503), {}, "HTTP status 503", 0),
        (body("# x\na 1\nb one\nc 1\n"), {}, "line 3: 'one' is no number: b one", 1),
        (body("a 1\nb 1\nc 1\n"), {"sample_limit": 2}, "3 samples are more than the limit of 2", 3),
        (body("a 1\n" * 100), {"body_limit_bytes": 50}, "the limit is 50 bytes", 0),
    ],
)
async def test_a_failed_scrape_marks_all_series_and_says_why(
    answer: Answer, more: dict[str, object], why: str, told: int
) -> None:
    async with one_target(in_turn(body("a 1\n"), answer, body("a 2\n")), **more) as scraper:
        await scraper.scrape(START_MS)
        failed = await scraper.scrape(START_MS + 1000)
        said = reported(scraper, START_MS + 1000)
        well = await scraper.scrape(START_MS + 2000)
        store = scraper._store
    assert failed.health is ScrapeHealth.DOWN
    assert why in failed.error
    assert (well.health, well.error) == (ScrapeHealth.UP, "")
    assert [bits for _, bits in values_of(store, "a")] == [ONE, STALE_BITS, bits_of(2.0)]
    assert [bits for _, bits in values_of(store, "up")] == [ONE, ZERO, ONE]
    assert (said["scrape_samples_scraped"], said["scrape_series_added"]) == (told, 0.0)
    assert reported(scraper, START_MS + 2000)["scrape_series_added"] == 0.0


async def test_series_that_stand_twice_are_told_and_the_scrape_counts() -> None:
    async with one_target(body('a{x="1"} 1\na{x="1"} 2\n')) as scraper:
        state = await scraper.scrape(START_MS)
        store = scraper._store
    assert state.health is ScrapeHealth.UP
    assert state.warning.startswith('1 samples of series that stand in the body before, as a{instance="a", job="shop"')
    assert [bits for _, bits in values_of(store, "a")] == [ONE]


async def test_what_is_said_of_a_scrape_counts_before_what_the_target_says() -> None:
    async with one_target(body("up 7\nscrape_duration_seconds 100\nother 1\n")) as scraper:
        for second in range(2):
            await scraper.scrape(START_MS + second * 1000)
        store = scraper._store
    assert [bits for _, bits in values_of(store, "up")] == [ONE, ONE]
    assert [bits for _, bits in values_of(store, "other")] == [ONE, ONE]
    assert reported(scraper, START_MS + 1000)["scrape_duration_seconds"] < 2


async def test_a_series_that_was_forgotten_comes_back_with_its_labels() -> None:
    async with one_target(in_turn(body("a 1\nb 1\n"), raw_answer(500), body("a 1\nb 2\n"))) as scraper:
        await scraper.scrape(START_MS)
        await scraper.scrape(START_MS + 1000)
        store = scraper._store
        assert len(store._held.forget_before(START_MS + 2000).slots) == 2
        await scraper.scrape(START_MS + 3000)
    assert bits_of(2.0) in [bits for _, bits in values_of(store, "b")]
    assert store.label_values("__name__", named("b"), START_MS + 3000, START_MS + 3000) == ["b"]


async def test_a_body_may_be_translated_before_it_is_read() -> None:
    async with one_target(body("strange 7\n"), translate=lambda raw: raw.replace(b"strange", b"known")) as scraper:
        await scraper.scrape(START_MS)
        assert [bits for _, bits in values_of(scraper._store, "known")] == [bits_of(7.0)]


async def test_a_large_body_is_read_beside_the_event_loop() -> None:
    text = "".join(f'm{{n="{n}"}} {n}\n' for n in range(50_000))
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    async with one_target(body(text), timeout_ms=20_000) as scraper:
        beating = asyncio.create_task(beat())
        state = await scraper.scrape(START_MS)
        beating.cancel()
    assert state.samples == 50_000
    assert beats >= 5


@asynccontextmanager
async def running(scraper: Scraper) -> AsyncIterator[None]:
    task = asyncio.create_task(scraper.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def state_of(scraper: Scraper, wanted: ScrapeTarget) -> TargetState:
    return scraper.state.value.get(wanted.stream, TargetState(target=wanted))


async def test_targets_are_scraped_again_and_again_and_shown(free_port: Callable[[], int]) -> None:
    async with exporter(body("a 1\n")) as served:
        store, good = SeriesStore(), target(served)
        bad = replace(good, instance="b", address=replace(served.address, port=free_port()))
        scraper = Scraper(store, Cell((good, bad, good)))
        async with running(scraper):
            await until(lambda: len(values_of(store, "a")) >= 3)
            await until(lambda: state_of(scraper, bad).health is ScrapeHealth.DOWN)
            await until(lambda: state_of(scraper, good).health is ScrapeHealth.UP)
    assert state_of(scraper, bad).error == "connection refused"
    times = [at for at, _ in values_of(store, "a")]
    assert all(40 <= later - at <= 1000 for at, later in itertools.pairwise(times))
    assert STALE_BITS not in [bits for _, bits in values_of(store, "a")], "a process that ends marks nothing"


async def test_a_target_that_is_taken_away_is_marked_and_one_that_comes_is_scraped() -> None:
    async with exporter(body("a 1\n")) as served:
        store, one = SeriesStore(), target(served)
        two = replace(one, instance="b")
        targets: Cell[tuple[ScrapeTarget, ...]] = Cell((one,))
        scraper = Scraper(store, targets)
        async with running(scraper):
            await until(lambda: len(values_of(store, "a")) >= 1)
            targets.set((two,))
            await until(lambda: state_of(scraper, two).health is ScrapeHealth.UP)
    ended = [(dict(labels)["instance"], bits) for labels, _, bits in everything(store, named("up"))]
    assert [bits for instance, bits in ended if instance == "a"][-1] == STALE_BITS
    assert [bits for instance, bits in ended if instance == "b"][-1] == ONE
    assert set(scraper.state.value) == {two.stream}


async def test_a_target_whose_terms_change_goes_on_under_them() -> None:
    async with exporter(body("a 1\n")) as served:
        store, one = SeriesStore(), target(served)
        targets: Cell[tuple[ScrapeTarget, ...]] = Cell((one,))
        async with running(Scraper(store, targets)):
            await until(lambda: len(values_of(store, "a")) >= 1)
            targets.set((replace(one, labels=(("team", "x"),)),))
            await until(lambda: any(("team", "x") in labels for labels, _, _ in everything(store, named("a"))))
    without = [bits for labels, _, bits in everything(store, named("a")) if ("team", "x") not in labels]
    assert without[-1] == STALE_BITS


async def test_a_clock_set_back_costs_what_was_later_and_nothing_else() -> None:
    async with exporter(body("a 1\n")) as served:
        store, one = SeriesStore(), target(served)
        ahead = timedelta(seconds=600)
        scraper = Scraper(store, Cell((one,)), now=lambda: datetime.now(UTC) + ahead)
        async with running(scraper):
            await until(lambda: len(values_of(store, "a")) >= 3)
            ahead = timedelta()
            await until(lambda: [at for at, _ in values_of(store, "a")][-1:] <= [_now_ms()])
            later = len(values_of(store, "a"))
            await until(lambda: len(values_of(store, "a")) > later)
    assert store.refused == 0


async def test_a_scrape_that_takes_longer_than_its_interval_skips_moments() -> None:
    async def slow(outgoing: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.12)
        await body("a 1\n")(outgoing)

    async with exporter(slow) as served:
        store, one = SeriesStore(), target(served)
        async with running(Scraper(store, Cell((one,)))):
            await until(lambda: len(values_of(store, "a")) >= 3)
    times = [at for at, _ in values_of(store, "a")]
    assert all(later - at >= 100 for at, later in itertools.pairwise(times))


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
