"""What scraping costs: reading bodies, storing rows, memory for two hours of them, disk, and a restart."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from prometheus_client.parser import text_string_to_metric_families

from bench.figures import row
from stationmaster.monitor.promql.samples import Floats, Ids, LabelTable, Matcher, MatchKind
from stationmaster.monitor.scrape.exposition import ExpositionReader
from stationmaster.monitor.series.store import SeriesStore

_TARGETS, _SERIES, _EVERY_MS, _ROWS = 10, 11_300, 15_000, 480
_LINES = 30_000


def rows() -> Iterator[str]:
    yield from _reading()
    yield from _storing()


def _reading() -> Iterator[str]:
    bodies = [_body(number) for number in range(6)]
    megabytes = len(bodies[0]) / 1e6
    reader = ExpositionReader(LabelTable(), {"job": "bench", "instance": "one"})
    times = [_timed(partial(reader.read, body)) for body in bodies]
    yield row("reading a body for the first time", [times[0] / megabytes * 1000], "ms/MB")
    yield row("reading it again with other numbers", [each / megabytes * 1000 for each in times[1:]], "ms/MB")
    peer = [_timed(lambda: list(text_string_to_metric_families(bodies[0].decode()))) for _ in range(2)]
    yield row("`prometheus_client.parser`, the same body", [each / megabytes * 1000 for each in peer], "ms/MB")


def _body(number: int) -> bytes:
    lines = []
    for at in range(_LINES):
        if at % 30 == 0:
            lines.append(f"# HELP bench_{at // 30}_total How often.\n# TYPE bench_{at // 30}_total counter")
        lines.append(f'bench_{at // 30}_total{{code="{at % 5}",method="GET",path="/a/{at}"}} {at * number}')
    return "\n".join([*lines, ""]).encode()


def _storing() -> Iterator[str]:
    size = f"{_TARGETS * _SERIES:,} series"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.db"
        before_mb = _resident_mb()
        start_ms = int(time.time() * 1000) - _ROWS * _EVERY_MS
        clock = [start_ms]
        store = SeriesStore(path, now_ms=lambda: clock[0])
        ids = [_ids(store.table, target) for target in range(_TARGETS)]
        adding, saving = _filled(store, ids, clock)
        yield row(f"{size}: adding the rows of a cycle", adding, "ms")
        yield row(f"{size}: writing them to disk (a thread of its own)", saving, "ms", note="with a chunk now and then")
        held = 1000 * (_resident_mb() - before_mb) / (_TARGETS * _SERIES)
        yield row("memory with two hours of samples", [held], "KB/series", note=f"{_ROWS} rows")
        yield row(
            f"{size}: choosing a tenth of them, five minutes", _selecting(store, start_ms), "ms", note="known query"
        )
        store.close()
        used = sum(each.stat().st_size for each in path.parent.iterdir())
        yield row("disk for two hours", [used / (_TARGETS * _SERIES * _ROWS)], "B/sample")
        yield row(f"{size}: restart with two hours", [_timed(lambda: SeriesStore(path).close()) for _ in range(3)], "s")


def _ids(table: LabelTable, target: int) -> Ids:
    instance = ("instance", f"10.0.0.{target}:9100")
    labels = (
        (("__name__", f"bench_{n // 10}"), ("code", str(n % 10)), instance, ("job", "bench"), ("path", f"/{n % 100}"))
        for n in range(_SERIES)
    )
    return np.array([table.intern(each) for each in labels], dtype=np.int64)


def _filled(store: SeriesStore, ids: list[Ids], clock: list[int]) -> tuple[list[float], list[float]]:
    """Half of the series never change, a third counts, the others go up and down."""
    generator = np.random.default_rng(1)
    values: Floats = generator.integers(0, 1000, _SERIES).astype(np.float64)
    counting, wandering = slice(_SERIES // 2, _SERIES * 5 // 6), slice(_SERIES * 5 // 6, _SERIES)
    adding, saving = [], []
    for _ in range(_ROWS):
        clock[0] += _EVERY_MS
        values = values.copy()
        values[counting] += generator.integers(0, 40, counting.stop - counting.start)
        values[wandering] = np.round(generator.random(_SERIES - wandering.start) * 100, 3)
        adding.append(1000 * _timed(partial(_append, store, ids, values, clock[0])))
        saving.append(1000 * _timed(store.save))
    return adding, saving


def _append(store: SeriesStore, ids: list[Ids], values: Floats, at_ms: int) -> None:
    for target, each in enumerate(ids):
        store.append_row(f"target-{target}", at_ms, each, values)


def _selecting(store: SeriesStore, start_ms: int) -> list[float]:
    matchers = [Matcher(name="code", kind=MatchKind.EQUAL, value="7")]
    end_ms = start_ms + _ROWS * _EVERY_MS
    return [1000 * _timed(lambda: store.select(matchers, end_ms - 300_000, end_ms)) for _ in range(20)][1:]


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _resident_mb() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6
