"""Many new series at once, and more of them than there is room for."""

import contextlib
from pathlib import Path

import numpy as np

from stationmaster.monitor.series.eviction import MemoryBounds
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.monitor.series.stream import BLOCK_MS
from tests.monitor.series.samples import START_MS, everything, labels, write

COUNT = 3_500


def ids(store: SeriesStore, count: int = COUNT) -> np.ndarray:
    return np.array([store.table.intern(labels("m", n=str(n))) for n in range(count)], dtype=np.int64)


async def test_series_that_were_announced_are_stored_as_those_that_were_not(tmp_path: Path) -> None:
    announced, plain = SeriesStore(tmp_path / "one.db"), SeriesStore(tmp_path / "other.db")
    await announced.announce("s", START_MS, ids(announced))
    await announced._tending.tend(1 << 50)  # what is known already comes to disk before its first row
    for store in (announced, plain):
        assert store.append_row("s", START_MS, ids(store), np.arange(COUNT, dtype=np.float64)).samples == COUNT
        assert store.append_row("s", START_MS + 1000, ids(store)[:10], np.ones(10)).ended == COUNT - 10
    assert everything(announced) == everything(plain)
    assert announced.room == plain.room
    announced.close()
    plain.close()
    again, as_plain = SeriesStore(tmp_path / "one.db"), SeriesStore(tmp_path / "other.db")
    assert everything(again) == everything(as_plain)
    assert again.room == plain.room == 1_000_000 - COUNT
    again.close()
    as_plain.close()


async def test_series_that_were_announced_and_never_came_are_forgotten_in_time() -> None:
    store = SeriesStore(now_ms=lambda: START_MS + 10 * BLOCK_MS)
    await store.announce("s", START_MS, ids(store))
    store._tending._trusted_ms = START_MS + 10 * BLOCK_MS
    await store._tending.tend(BLOCK_MS)
    assert store.room == 1_000_000
    assert store.table.find(labels("m", n="1")) is None


async def test_an_announcement_that_is_overtaken_by_forgetting_is_given_up() -> None:
    store = SeriesStore()
    numbers = ids(store)
    announcing = store.announce("s", START_MS, numbers)
    announcing.send(None)  # up to its first pause
    store._held.forget_before(START_MS + 1)
    assert store.table.labels(int(numbers[0])) == ()
    with contextlib.suppress(StopIteration):
        announcing.send(None)
    assert store._held.index.known == 0


async def test_where_room_is_short_series_whose_samples_have_left_memory_are_forgotten_early() -> None:
    now_ms = START_MS
    store = SeriesStore(memory=MemoryBounds(raw_ms=BLOCK_MS, most_series=100), now_ms=lambda: now_ms)

    async def row(generation: int) -> None:
        values = {labels("m", g=str(generation), n=str(n)): 1.0 for n in range(30)}
        write(store, "s", now_ms, values | {labels("always"): 2.0})
        store._tending._trusted_ms = now_ms
        await store._tending.tend(1 << 40)

    await row(0)
    now_ms += BLOCK_MS
    await row(1)
    assert store.room == 100 - 61
    now_ms += 3 * BLOCK_MS
    await row(2)
    assert store.room == 100 - 61, "those of the first row are forgotten"
    assert {dict(each).get("g") for each, _, _ in everything(store)} >= {None, "2"}
    assert store.table.find(labels("m", g="0", n="1")) is None
    assert store.table.find(labels("m", g="1", n="1")) is not None
