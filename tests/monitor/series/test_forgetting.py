"""Label sets are forgotten while other threads ask and intern."""

import threading
import time

import numpy as np

from stationmaster.monitor.promql import engine
from stationmaster.monitor.promql.samples import Labels, LabelTable
from stationmaster.monitor.series.eviction import MemoryBounds
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.monitor.series.stream import BLOCK_MS
from tests.monitor.series.samples import START_MS, labels

FOR_S = 2.0


def test_an_id_that_was_got_between_two_forgettings_is_that_of_its_labels() -> None:
    """As readers of bodies do it: in a thread, and looked at again in the thread that forgets."""
    table, over = LabelTable(), threading.Event()
    wrong: list[Labels] = []
    sets: list[Labels] = [labels("m", n=str(n)) for n in range(200)]
    turn = threading.Lock()

    def intern() -> None:
        while not over.is_set():
            before = table.forgettings
            found = [(table.intern(each), each) for each in sets]
            with turn:  # the other thread forgets nothing now
                if table.forgettings == before:
                    wrong.extend(each for number, each in found if table.labels(number) != each)

    threads = [threading.Thread(target=intern) for _ in range(3)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + FOR_S
    while time.monotonic() < until:
        with turn:
            table.forget(number for number in map(table.find, sets[::3]) if number is not None)
    over.set()
    for thread in threads:
        thread.join()
    assert table.forgettings > 10
    assert wrong == []


def test_queries_give_no_series_without_labels_while_series_are_forgotten() -> None:
    store = SeriesStore(memory=MemoryBounds(raw_ms=BLOCK_MS))
    over = threading.Event()
    wrong: list[object] = []

    def ask() -> None:
        while not over.is_set():
            found = engine.instant(store, 'count by (g) (m{n!="x"}) + on (g) count by (g) (m)', store.newest_ms).value
            wrong.extend(each for each in found.samples if not each.labels)  # type: ignore[union-attr]
            wrong.extend(each for each in store.series([], 0, 1 << 62) if not each)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    until, generation = time.monotonic() + FOR_S, 0
    while time.monotonic() < until:
        generation += 1
        at_ms = START_MS + generation * 2 * BLOCK_MS
        ids = [store.table.intern(labels("m", n=str(n), g=str(generation % 7))) for n in range(100)]
        store.append_row("s", at_ms, np.array(ids, dtype=np.int64), np.ones(100))
        stream = store._held.by_name["s"]
        for block in stream.blocks[:-2]:
            stream.drop(block)
        store._held.forget_before(at_ms - 3 * BLOCK_MS)
    over.set()
    for thread in threads:
        thread.join()
    assert store.table.forgettings > 10
    assert wrong == []
