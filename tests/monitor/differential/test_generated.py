"""Our engine and store beside a real Prometheus over the same generated samples: every value, every label set, every
refusal of hundreds of generated queries."""

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from stationmaster.monitor.promql.results import Fault
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.queries import Steps
from stationmaster.monitor.series.store import SeriesStore
from tests.monitor.differential.compare import Answer, difference, ours, theirs
from tests.monitor.differential.grammar import queries
from tests.monitor.differential.openmetrics import exposition
from tests.monitor.differential.real import RealPrometheus, needed, running
from tests.monitor.differential.world import BEGIN_MS, END_MS, as_series, into_store, is_stale, rows

SEED = 20_261_121
COUNT = 250
HOUR_MS = 3_600_000
LATE_MS = END_MS - 653_000
"""A whole second that is no whole minute: see `grammar` for why that matters."""
EARLY_MS = LATE_MS - HOUR_MS - 180_000
WHENS: Sequence[int | Steps] = (
    LATE_MS,
    EARLY_MS,
    Steps(first_ms=LATE_MS - 3_611_000, last_ms=LATE_MS, step_ms=133_000),
    Steps(first_ms=EARLY_MS + 7_000, last_ms=EARLY_MS + 17_000, step_ms=1_000),
)


@dataclass(frozen=True, slots=True)
class Both:
    server: RealPrometheus
    store: SeriesStore

    def differences(self, asked: Sequence[str], whens: Sequence[int | Steps]) -> tuple[list[str], Counter[str]]:
        """And how many answers there were of each kind."""
        found, kinds = [], Counter[str]()
        for query in asked:
            for when in whens:
                expected = theirs(self.server, query, when)
                kinds[_kind(expected)] += 1
                if said := difference(ours(self.store, query, when), expected):
                    found.append(f"{query}\n    {when}: {said}")
        return found, kinds


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Both]:
    """By remote write, with the stale markers that scrapes would have left; a restart in between."""
    folder, scrapes = tmp_path_factory.mktemp("written"), rows(SEED)
    store = SeriesStore(now_ms=lambda: END_MS)
    into_store(scrapes, store)
    series = as_series(scrapes)
    with running(folder, free_port()) as server:
        for number in range(2):
            _write(server, series, number)
    with running(folder, free_port()) as server:
        for number in range(2, 5):
            _write(server, series, number)
        yield Both(server, store)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[Both]:
    """From OpenMetrics files, each half of the time by itself: many blocks and no stale markers. In our store every
    series is written by itself."""
    folder = tmp_path_factory.mktemp("blocks")
    store = SeriesStore(now_ms=lambda: END_MS)
    series = {
        labels: [each for each in samples if not is_stale(each[1])]
        for labels, samples in as_series(rows(SEED + 1)).items()
    }
    for labels, samples in series.items():
        number = store.table.intern(labels)
        for at_ms, value in samples:
            store.append(str(labels), at_ms, {number: value})
    for half in range(2):
        _make_blocks(folder, series, BEGIN_MS + half * 2 * HOUR_MS)
    with running(folder, free_port()) as server:
        yield Both(server, store)


@pytest.mark.parametrize("seed", range(2))
def test_generated_queries_over_scrapes_agree(written: Both, seed: int) -> None:
    found, kinds = written.differences(queries(seed, COUNT, LATE_MS // 1000), WHENS)
    assert not found, f"{len(found)} of {kinds.total()} differ:\n" + "\n".join(found[:20])
    assert kinds["series"] > kinds.total() / 2, f"too few answers hold anything: {kinds}"
    assert kinds["execution"] > 0, "no query failed: refusals are not compared"


def test_generated_queries_over_many_blocks_agree(blocks: Both) -> None:
    found, kinds = blocks.differences(queries(100, COUNT, LATE_MS // 1000), WHENS)
    assert not found, f"{len(found)} of {kinds.total()} differ:\n" + "\n".join(found[:20])
    assert kinds["series"] > kinds.total() / 2, f"too few answers hold anything: {kinds}"


DASHBOARD = (
    'sum by (instance) (rate(http_requests_total{job=~"api|db", code!~"5.."}[2m]))',
    'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) * 100',
    "histogram_quantile(0.99, sum(rate(latency_seconds_bucket[5m])) by (le, job))",
    "sum(rate(latency_seconds_sum[5m])) by (job) / sum(rate(latency_seconds_count[5m])) by (job)",
    "topk(3, sum by (instance, path) (increase(http_requests_total[10m])))",
    'count(up{job="api"} == 1) / count(up{job="api"})',
    'absent(up{job="nothing"}) or vector(0)',
    "max_over_time(sum(rate(http_requests_total[1m]))[9m43s:1m])",
    "up == 0 unless on (instance) changes(build_info[5m]) > 100",
    '100 - avg by (zone) (clamp_max(pod_cpu, 1)) * 100 > 5 and on () hour() < 24',
    "predict_linear(temperature[1h], 4 * 3600) > 90",
    'label_replace(temperature, "host", "$1", "instance", "([^:]+):.*") * on (host) group_left () '
    'label_replace(up, "host", "$1", "instance", "([^:]+):.*")',
    "sum without (code, path) (rate(http_requests_total[5m] offset 1h)) / ignoring () group_left () "
    "sum without (code, path) (rate(http_requests_total[5m]))",
    '{job="api", __name__=~"(temp.*|up)"}',
    "count by (__name__) ({job=~\".+\"})",
    "quantile(0.9, temperature) - quantile(0.1, temperature)",
    "avg_over_time(flapping[1h]) / stddev_over_time(flapping[1h])",
    "sort_desc(sum by (job) (up))",
    "(temperature > 50) * 2 or temperature * 0",
    "rate(http_requests_total[1m]) > bool 1",
    "-temperature ^ 2",
    "2 ^ 3 ^ 2 % 7",
    "temperature[5m]",
    f"up[2m] @ {EARLY_MS // 1000}",
    "sum(",
    "rate(temperature)",
    "temperature * on (zone) up",
    'label_replace(up, "", "x", "job", ".*")',
    'label_replace(up, "good", "x", "job", "*")',
    'up{job=~"*"}',
    "histogram_quantile(0.5, up)",
    'count_values("", up)',
    "{}",
    "up offset 1x",
    "foo{a=\"b\",}[5m:1m] @ start()",
    "1 == 1",
    "1 == bool 1",
    "up and 1",
    '"a" + 1',
)  # fmt: skip


@pytest.mark.parametrize("query", DASHBOARD)
def test_queries_of_dashboards_and_wrong_ones_agree(written: Both, query: str) -> None:
    found, _ = written.differences([query], WHENS)
    assert not found, "\n".join(found)


def _write(server: RealPrometheus, series: dict[Labels, list[tuple[int, float]]], hour: int) -> None:
    first = BEGIN_MS + hour * HOUR_MS
    parts = ((labels, [each for each in all_ if first <= each[0] < first + HOUR_MS]) for labels, all_ in series.items())
    filled = [(labels, part) for labels, part in parts if part]
    if filled:
        server.write(filled)


def _make_blocks(folder: Path, series: dict[Labels, list[tuple[int, float]]], first_ms: int) -> None:
    last_ms = first_ms + 2 * HOUR_MS
    parts = {labels: [each for each in samples if first_ms <= each[0] < last_ms] for labels, samples in series.items()}
    text = folder / f"{first_ms}.om"
    text.write_text(exposition(parts), "utf-8")
    command = [needed("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def _kind(answer: Answer) -> str:
    if isinstance(answer, Fault):
        return answer.value
    if isinstance(answer, float | str):
        return "one number or text"
    return "series" if answer else "nothing"
