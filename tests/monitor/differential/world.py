"""Generated samples with all that happens to real ones: gaps, restarts, churn, failed scrapes, odd numbers."""

import math
import random
import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stationmaster.monitor.promql.samples import STALE, STALE_BITS, Labels, LabelTable

BEGIN_MS = 1_760_000_000_000 - 1_760_000_000_000 % 3_600_000
"""The data begin at a whole hour."""
INTERVAL_MS = 15_000
ROWS = 960
"""Four hours."""
END_MS = BEGIN_MS + ROWS * INTERVAL_MS

_BOUNDS = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
_CALM_ROWS = 40
_ODD = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300, 1e300, 5e-324)


@dataclass(frozen=True, slots=True)
class Row:
    """What one scrape found; nothing where it failed."""

    stream: str
    at_ms: int
    values: Mapping[Labels, float]


class Appending(Protocol):
    @property
    def table(self) -> LabelTable: ...

    def append(self, stream: str, at_ms: int, values: Mapping[int, float]) -> object: ...


def labels_of(name: str, **labels: str) -> Labels:
    return tuple(sorted({"__name__": name, **{key: value for key, value in labels.items() if value}}.items()))


def rows(seed: int) -> list[Row]:
    """In the order of time. No sample lies on a whole second: windows that are closed on the left (Prometheus before
    3.0) and those that are not hold the same samples at whole seconds."""
    draw = random.Random(seed)
    targets = [
        Target(job, f"{job}-{number}:{9000 + number}", zone, draw)
        for job, count in (("api", 4), ("db", 3), ("batch", 2))
        for number, zone in zip(range(count), ("a", "b", "a", "c"), strict=False)
    ]
    found = [row for target in targets for row in target.rows()]
    return sorted(found, key=lambda row: (row.at_ms, row.stream))


class Target:
    """One process that is scraped: its counters begin anew with every restart."""

    def __init__(self, job: str, instance: str, zone: str, draw: random.Random) -> None:
        self._draw = draw
        self._job, self._instance = job, instance
        self._own = {"job": job, "instance": instance, "zone": zone}
        self._offset_ms = draw.randrange(1, INTERVAL_MS // 1000) * 1000 + draw.randrange(7, 990)
        self._requests = {
            (code, path): draw.uniform(50_000, 90_000) for code in ("200", "404", "500") for path in ("/", "/login")
        }
        self._buckets = {path: [10_000.0 + 900 * at for at in range(len(_BOUNDS))] for path in ("/", "/login")}
        self._sums = {"/": 0.0, "/login": 0.0}
        self._walk = draw.uniform(20, 80)
        self._version = 1

    def rows(self) -> Iterator[Row]:
        """Nothing is missing for a while after a restart: Prometheus before 3.0 extrapolates a counter in another way
        that is near zero where its samples begin late in the window."""
        gap_until, calm_until = 0, 0
        for number in range(ROWS):
            at_ms = BEGIN_MS + number * INTERVAL_MS + self._offset_ms
            self._live()
            if number < gap_until:
                continue
            chance = self._draw.random()
            if chance < 0.004:
                self._restart()
                calm_until = number + _CALM_ROWS
            elif chance < 0.008 and number >= calm_until:
                gap_until = number + self._draw.choice((1, 2, 5, 30))
                continue  # nobody scraped: samples are missing, no series ends
            up = labels_of("up", **self._own)
            failed = 0.008 <= chance < 0.012 and number >= calm_until
            yield Row(self._instance, at_ms, {up: 0.0} if failed else {up: 1.0, **self._values(number)})

    def _live(self) -> None:
        for key in self._requests:
            self._requests[key] += self._draw.choice((0, 0, 1, 3, 17, 120.5))
        for path, counts in self._buckets.items():
            for _ in range(self._draw.randrange(12)):
                seconds = self._draw.lognormvariate(-1.6, 1)
                self._sums[path] += seconds
                for at, bound in enumerate(_BOUNDS):
                    counts[at] += seconds <= float(bound)
        self._walk += self._draw.gauss(0, 2)

    def _restart(self) -> None:
        self._version += 1
        for key in self._requests:
            self._requests[key] = self._draw.uniform(0, 40)
        self._buckets = {path: [0.0] * len(_BOUNDS) for path in self._buckets}
        self._sums = dict.fromkeys(self._sums, 0.0)

    def _values(self, number: int) -> dict[Labels, float]:
        values = {
            labels_of("http_requests_total", code=code, path=path, **self._own): count
            for (code, path), count in self._requests.items()
        }
        for path, counts in self._buckets.items():
            for bound, count in zip(_BOUNDS, counts, strict=True):
                values[labels_of("latency_seconds_bucket", le=bound, path=path, **self._own)] = count
            values[labels_of("latency_seconds_sum", path=path, **self._own)] = self._sums[path]
            values[labels_of("latency_seconds_count", path=path, **self._own)] = counts[-1]
        values[labels_of("temperature", **self._own)] = self._walk
        values[labels_of("build_info", version=f"1.{self._version}", **self._own)] = 1.0
        values[labels_of("limit_bytes", **self._own)] = float(1 << 20)
        if self._draw.random() < 0.9:
            values[labels_of("flapping", **self._own)] = self._draw.uniform(-1, 1)
        pod = number // 40 if self._job == "batch" else number // 150
        values[labels_of("pod_cpu", pod=f"{self._job}-{pod}", **self._own)] = self._draw.uniform(0, 4)
        if self._job == "db":
            values[labels_of("odd", **self._own)] = self._draw.choice((*_ODD, self._draw.gauss(0, 1)))
        return values


def is_stale(value: float) -> bool:
    return math.isnan(value) and struct.pack("<d", value) == struct.pack("<Q", STALE_BITS)


def into_store(found: Sequence[Row], store: Appending) -> None:
    for row in found:
        store.append(row.stream, row.at_ms, {store.table.intern(each): value for each, value in row.values.items()})


def as_series(found: Sequence[Row]) -> dict[Labels, list[tuple[int, float]]]:
    """What Prometheus would have kept of these scrapes: a series that is gone gets a stale marker."""
    series: dict[Labels, list[tuple[int, float]]] = defaultdict(list)
    before: dict[str, set[Labels]] = defaultdict(set)
    for row in found:
        for gone in before[row.stream] - row.values.keys():
            series[gone].append((row.at_ms, STALE))
        for labels, value in row.values.items():
            series[labels].append((row.at_ms, value))
        before[row.stream] = set(row.values)
    return series
