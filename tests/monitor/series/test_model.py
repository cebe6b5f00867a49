"""A store does what a dictionary would do, through blocks, chunks, restarts and a clock that is set back."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import pytest

from stationmaster.monitor.promql.samples import NORMAL_NAN_BITS, STALE_BITS, Labels, Matcher, MatchKind
from stationmaster.monitor.series.eviction import MemoryBounds
from stationmaster.monitor.series.store import SeriesStore
from tests.monitor.series.samples import START_MS, Sample, bits_of, flat, labels, write
from tests.monitor.series.test_index import asked

BOUNDS = MemoryBounds(raw_ms=40 * 60 * 1000)
VALUES = (0.0, 1.0, -1.0, 2.5, 1e300, float("inf"), -0.0, float(np.array([NORMAL_NAN_BITS]).view(np.float64)[0]))


@dataclass
class Model:
    """Every sample by series and moment, and the series of the last row of every stream."""

    samples: dict[Labels, dict[int, int]] = field(default_factory=dict)
    live: dict[str, set[Labels]] = field(default_factory=dict)
    rows: dict[str, list[tuple[int, set[Labels]]]] = field(default_factory=dict)

    def write(self, stream: str, at_ms: int, values: dict[Labels, float]) -> None:
        for series in self.live.get(stream, set()) - values.keys():
            self.samples[series][at_ms] = STALE_BITS
        for series, value in values.items():
            self.samples.setdefault(series, {})[at_ms] = bits_of(value)
        self.live[stream] = set(values)
        self.rows.setdefault(stream, []).append((at_ms, set(values)))

    def rewind(self, at_ms: int) -> None:
        for samples in self.samples.values():
            for later in [each for each in samples if each >= at_ms]:
                del samples[later]
        for stream, rows in self.rows.items():
            self.rows[stream] = [row for row in rows if row[0] < at_ms]
            self.live[stream] = self.rows[stream][-1][1] if self.rows[stream] else set()

    def select(self, matchers: list[Matcher], first_ms: int, last_ms: int) -> list[Sample]:
        return sorted(
            (series, at, bits)
            for series, samples in self.samples.items()
            if all(asked(series, each) for each in matchers)
            for at, bits in samples.items()
            if first_ms <= at <= last_ms
        )


@dataclass
class World:
    random: Random
    path: Path
    model: Model = field(default_factory=Model)
    now_ms: int = START_MS
    quiet: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.store = self.opened()

    def opened(self) -> SeriesStore:
        return SeriesStore(self.path, memory=BOUNDS, now_ms=lambda: self.now_ms)

    def scrape(self) -> None:
        stream = f"s{self.random.randrange(3)}"
        values = {
            labels(f"m{self.random.randrange(4)}", stream=stream, n=str(self.random.randrange(30))): self.random.choice(
                VALUES
            )
            for _ in range(self.random.randrange(25))
        }
        if self.random.random() < 0.1:
            values |= {labels("burst", stream=stream, n=f"{self.now_ms}-{n}"): 1.0 for n in range(150)}
        self.now_ms += self.random.randrange(1, 300_000)
        self.take_up(stream)
        self.model.write(stream, self.now_ms, values)
        write(self.store, stream, self.now_ms, values)

    def end(self) -> None:
        stream = f"s{self.random.randrange(3)}"
        self.now_ms += 1
        self.take_up(stream)
        if self.model.live.get(stream):
            self.model.write(stream, self.now_ms, {})
        self.store.end(stream, self.now_ms)

    async def tend(self) -> None:
        self.store._tending._trusted_ms = self.now_ms
        await self.store._tending.tend(1 << 60)

    def restart(self) -> None:
        self.store.close()
        self.store = self.opened()
        self.forget_quiet()

    def rewind(self) -> None:
        self.now_ms = max(START_MS, self.now_ms - self.random.randrange(3_000_000))
        self.model.rewind(self.now_ms)
        self.store.rewind(self.now_ms)
        self.forget_quiet()

    def forget_quiet(self) -> None:
        """A stream with no row in memory may have nothing that a later row could end: its series were not written for
        so long that no query takes them for living."""
        for stream in self.model.live:
            if not any(block.rows for block in self.store._held.by_name[stream].blocks):
                self.quiet.add(stream)

    def take_up(self, stream: str) -> None:
        if stream in self.quiet:
            self.quiet.discard(stream)
            held = self.store._held.by_name[stream]
            live = held.blocks[-1].view.ids[held._live].tolist() if held.blocks else ()
            self.model.live[stream] = {self.store.table.labels(number) for number in live}

    def compare(self) -> None:
        matchers = [
            Matcher(
                name="__name__", kind=self.random.choice(list(MatchKind)), value=self.random.choice(["m1", "m.", ""])
            ),
            Matcher(name="n", kind=self.random.choice(list(MatchKind)), value=self.random.choice(["7", "1.*", ".+"])),
        ][: self.random.randrange(3)]
        first = self.random.randrange(START_MS - 1, self.now_ms + 1)
        last = self.random.randrange(first, self.now_ms + 2)
        assert flat(self.store, self.store.select(matchers, first, last)) == self.model.select(matchers, first, last)


@pytest.mark.parametrize("seed", range(12))
async def test_a_store_agrees_with_a_dictionary(tmp_path: Path, seed: int) -> None:
    world = World(random=Random(seed), path=tmp_path / "metrics.db")
    for _ in range(250):
        match world.random.choices(
            ("scrape", "end", "tend", "restart", "rewind", "compare"), weights=(60, 3, 15, 3, 1, 20)
        )[0]:
            case "scrape":
                world.scrape()
            case "end":
                world.end()
            case "tend":
                await world.tend()
            case "restart":
                world.restart()
            case "rewind":
                world.rewind()
            case _:
                world.compare()
    world.compare()
    assert flat(world.store, world.store.select([], 0, 1 << 62)) == world.model.select([], 0, 1 << 62)
    world.store.close()


@pytest.mark.parametrize("seed", range(4))
async def test_streams_that_write_the_same_series_never_write_one_moment_twice(tmp_path: Path, seed: int) -> None:
    world = World(random=Random(seed), path=tmp_path / "metrics.db")
    random, taken = world.random, 0
    for _ in range(300):
        world.now_ms += random.randrange(0, 3)
        stream = f"s{random.randrange(3)}"
        values = {labels("m", n=str(random.randrange(6))): random.random() for _ in range(random.randrange(6))}
        taken += write(world.store, stream, world.now_ms, values).samples
        if random.random() < 0.05:
            world.restart()
        if random.random() < 0.05:
            await world.tend()
    found = flat(world.store, world.store.select([], 0, 1 << 62))
    moments = [(series, at) for series, at, _ in found]
    assert len(set(moments)) == len(moments)
    assert sum(bits != STALE_BITS for _, _, bits in found) == taken > 300
    world.store.close()
