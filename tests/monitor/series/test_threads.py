"""Threads that select see whole rows and nothing that changes, while the event loop writes."""

import threading

import numpy as np

from stationmaster.monitor.promql.samples import Matcher, MatchKind
from stationmaster.monitor.series.store import SeriesStore
from tests.monitor.series.samples import FOREVER, START_MS, labels, named

ROWS = 400


def test_selections_agree_while_rows_and_series_are_added() -> None:
    """Every row has the same number in all of its columns, and a column more in every tenth row."""
    store = SeriesStore()
    wrong: list[str] = []
    done = threading.Event()

    def read() -> None:
        everyone = [*named("m"), Matcher(name="n", kind=MatchKind.REGEX, value=".+")]
        some = [*named("m"), Matcher(name="n", kind=MatchKind.REGEX, value=".*[37]")]
        while not done.is_set():
            for matchers in (everyone, some):
                for block in store.select(matchers, 0, FOREVER):
                    wrong.extend(_wrong(block.times, block.values))
            if len(store.series(everyone, 0, FOREVER)) > 20 + ROWS:
                wrong.append("series that nobody wrote")

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for row in range(ROWS):
        ids = [store.table.intern(labels("m", n=str(n))) for n in range(20 + row // 10)]
        store.append("a", START_MS + row * 20_000, dict.fromkeys(ids, float(row)))
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(store.series(named("m"), 0, FOREVER)) == 20 + (ROWS - 1) // 10


def _wrong(times: np.ndarray[tuple[int], np.dtype[np.int64]], values: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[str]:  # fmt: skip # noqa: E501
    expected = (times - START_MS) // 20_000
    if len(times) != values.shape[0] or (np.diff(times) <= 0).any():
        return ["times that do not ascend"]
    seen = np.isnan(values) | (values == expected[:, None])
    return [] if seen.all() else [f"a row that is not whole: {values[~seen]}"]
