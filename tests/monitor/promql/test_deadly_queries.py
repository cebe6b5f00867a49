"""Queries that are meant to kill end as refusals, in bounded time and memory."""

import subprocess
import sys
import time

import pytest

from stationmaster.monitor.promql.engine import instant, over
from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits
from tests.monitor.promql.deadly import ANSWERED, LIMITS, NOW_MS, REFUSED, fate, source

SLACK_S = 5.0
"""What a busy machine may take beyond the time limit."""


@pytest.mark.parametrize("name", REFUSED)
def test_a_deadly_query_is_refused_in_time(name: str) -> None:
    held, start = source(), time.monotonic()
    assert fate(held, REFUSED[name], ranged=False) in {Fault.BAD_DATA, Fault.EXECUTION, Fault.TIMEOUT}
    assert time.monotonic() - start < LIMITS.timeout_ms / 1000 + SLACK_S


@pytest.mark.parametrize("name", ANSWERED)
def test_a_query_that_only_looks_deadly_is_answered(name: str) -> None:
    limits = QueryLimits(timeout_ms=60_000)
    instant(source(), ANSWERED[name], NOW_MS, limits)


def test_all_of_them_fit_into_little_memory() -> None:
    argv = [sys.executable, "-m", "tests.monitor.promql.deadly", "700"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]


@pytest.mark.parametrize(
    ("limits", "query", "words"),
    [
        (QueryLimits(series=999), "a_total", "touches 1000 series"),
        (QueryLimits(series=999), "rate(a_total[5m])", "touches 1000 series"),
        (QueryLimits(samples=10_000), "rate(a_total[5m])", "too many samples"),
        (QueryLimits(samples=2_500), "a_total + on(i, job) a_total", "too many samples"),
        (QueryLimits(length=6), "a_total", "7 characters"),
        (QueryLimits(depth=3), "abs(abs(abs(abs(a_total))))", "3 levels"),
        (QueryLimits(timeout_ms=-1), "a_total", "took longer"),
    ],
)
def test_every_limit_refuses(limits: QueryLimits, query: str, words: str) -> None:
    with pytest.raises(QueryError, match=words) as refused:
        instant(source(), query, NOW_MS, limits)
    assert refused.value.hint


def test_the_steps_of_a_range_query_are_bounded() -> None:
    with pytest.raises(QueryError, match="exceeded maximum resolution of 11000 points"):
        over(source(), "1", 0, 11_000_000, 1_000)
    over(source(), "1", 0, 10_999_000, 1_000)


@pytest.mark.parametrize(("first_ms", "last_ms", "step_ms"), [(0, 10, 0), (0, 10, -5), (10, 0, 5)])
def test_a_range_without_sense_is_refused(first_ms: int, last_ms: int, step_ms: int) -> None:
    with pytest.raises(QueryError) as refused:
        over(source(), "1", first_ms, last_ms, step_ms)
    assert refused.value.fault is Fault.BAD_DATA
