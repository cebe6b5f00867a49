"""200 rules over 10,000 and 100,000 series: a cycle of ours beside one of Prometheus, on the same targets, at once."""

import asyncio
import contextlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from tests.monitor.differential.real import RealPrometheus, running

from bench.figures import row
from stationmaster.core.address import Address
from stationmaster.core.monitoring import Monitoring
from stationmaster.monitor.alerting.asking import OwnAsk
from stationmaster.monitor.alerting.loop import Alerting, Surround
from stationmaster.monitor.alerting.rule_file import read_rules
from stationmaster.monitor.scrape.loop import Scraper
from stationmaster.monitor.scrape.target import ScrapeTarget
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import metadata, open_database

_EVERY_S, _WARM_S, _CYCLES = 5, 75, 12
_TARGETS = 10
_SHAPES = (
    'sum by (instance, code) (rate(http_requests_total{{path="/p{n}"}}[1m]))',
    'sum by (instance) (rate(http_requests_total{{code="500",path=~"/p{n}.*"}}[1m])) / sum by (instance) '
    '(rate(http_requests_total{{path=~"/p{n}.*"}}[1m])) > 0.9',
    'histogram_quantile(0.99, sum by (le, path) (rate(http_duration_seconds_bucket{{path=~"/p{n}.?"}}[1m]))) > 2',
    'max by (queue) (max_over_time(queue_length{{queue="q{n}"}}[1m])) > 1000',
    'avg without (shard) (queue_length{{queue=~"q{n}|q{m}"}}) > 200',
    'absent(up{{job="bench-{n}"}}) and on () vector(0) > 1',
    'predict_linear(queue_length{{queue="q{n}",shard="1"}}[1m], 3600) > 1e9',
    'topk(3, sum by (path) (increase(http_requests_total{{method="GET",path=~"/p{n}.?"}}[1m]))) > 1e9',
    'sum by (instance) (queue_length{{queue="q{n}"}}) / on (instance) group_left () count by (instance) (up) > 1e9',
    'count(changes(queue_length{{queue="q{n}"}}[1m]) > 2) > 1e9',
)


def rows() -> Iterator[str]:
    for series in (10_000, 100_000):
        yield from _both(series)


def _both(series: int) -> Iterator[str]:
    port, exporter = _free_port(), [sys.executable, "-m", "bench.exporter"]
    process = subprocess.Popen([*exporter, str(port), str(_TARGETS), str(series)])
    try:
        with TemporaryDirectory() as folder:
            yield from _measured(series, port, Path(folder))
    finally:
        process.kill()
        process.wait()


def _measured(series: int, port: int, folder: Path) -> Iterator[str]:
    (folder / "rules.yml").write_text(rule_file(), "utf-8")
    peer = running(folder, _free_port(), _config(port)) if shutil.which("prometheus") else contextlib.nullcontext()
    with peer as prometheus:
        ours, theirs, used = asyncio.run(_cycles(port, folder, prometheus))
    name = f"{series:,} series"
    yield row(f"{name}: a cycle of 200 rules", [1000 * each for each in ours], "ms")
    if theirs:
        yield row(f"{name}: the same in Prometheus", [1000 * each for each in theirs], "ms", note="Debian's 2.42")
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        yield row(f"{name}: ours / Prometheus", ratios, "", note="cycle by cycle, in the same run")
    yield row(f"{name}: resident memory of the process that scrapes and evaluates", [used / 1e6], "MB")


async def _cycles(port: int, folder: Path, prometheus: RealPrometheus | None) -> tuple[list[float], list[float], float]:
    database = open_database(folder / "alerts.db")
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    store = SeriesStore(folder / "series.db")
    targets = tuple(_target(port, number) for number in range(_TARGETS))
    monitoring = Monitoring(evaluation_interval_ms=_EVERY_S * 1000)
    ask = OwnAsk(store)
    groups = read_rules((folder / "rules.yml").read_text("utf-8"), "rules.yml").groups
    surround = Surround(ask=ask, ask_own=ask, recorder=store, monitoring=lambda: monitoring)
    alerting = Alerting(database, Cell(groups), surround)
    loops = [Scraper(store, Cell(targets)).run(), store.run(), alerting.run()]
    tasks = [asyncio.create_task(loop) for loop in loops]
    await asyncio.sleep(_WARM_S)
    ours, theirs = [], []
    for _ in range(_CYCLES):
        await asyncio.sleep(_EVERY_S)
        told = next(each for each in alerting.told() if each.group.name == "bench")
        failed = [each.last_error for each in told.rules if each.last_error]
        if failed:
            raise RuntimeError(f"a rule failed: {failed[0]}")
        ours.append(told.evaluation_s)
        if prometheus is not None:
            theirs.append(await asyncio.to_thread(_their_cycle, prometheus))
    used = psutil.Process().memory_info().rss
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    store.close()
    await database.close()
    return ours, theirs, used


def _their_cycle(prometheus: RealPrometheus) -> float:
    (group,) = prometheus.get("rules").json()["data"]["groups"]
    failed = [rule["lastError"] for rule in group["rules"] if rule.get("lastError")]
    if failed:
        raise RuntimeError(f"a rule failed there: {failed[0]}")
    return float(group["evaluationTime"])


def rule_file() -> str:
    """200 rules in one group: every fifth records, the others are alerts that do not fire."""
    lines = ["groups:", "- name: bench", f"  interval: {_EVERY_S}s", "  rules:"]
    for number in range(200):
        expr = _SHAPES[number % len(_SHAPES)].format(n=number // len(_SHAPES), m=number % 50)
        kind = f"record: bench:{number}" if number % len(_SHAPES) == 0 else f"alert: Bench{number}"
        lines += [f"  - {kind}", f"    expr: {expr!r}"]
    return "\n".join([*lines, ""])


def _config(port: int) -> str:
    jobs = "".join(
        f"- job_name: bench-{number}\n  metrics_path: /{number}\n  static_configs: [{{targets: ['127.0.0.1:{port}'], "
        f"labels: {{instance: 'i-{number}'}}}}]\n"
        for number in range(_TARGETS)
    )
    interval = f"{{scrape_interval: {_EVERY_S}s, evaluation_interval: {_EVERY_S}s, scrape_timeout: 4s}}"
    return f"global: {interval}\nrule_files: [rules.yml]\nscrape_configs:\n{jobs}"


def _target(port: int, number: int) -> ScrapeTarget:
    return ScrapeTarget(
        job=f"bench-{number}",
        instance=f"i-{number}",
        address=Address(host="127.0.0.1", port=port),
        path=f"/{number}",
        interval_ms=_EVERY_S * 1000,
        timeout_ms=4000,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
