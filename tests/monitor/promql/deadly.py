"""Queries that would take a careless engine's stack, time or memory; run as a program, all of them in little memory."""

import resource
import sys
import time

import numpy as np

from stationmaster.monitor.promql.engine import instant, over
from stationmaster.monitor.promql.held import HeldBlocks, labelled
from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits
from stationmaster.monitor.promql.samples import Block, LabelTable

NOW_MS = 1_700_000_000_000
LIMITS = QueryLimits(timeout_ms=1_000)

REFUSED = {
    "20,000 parentheses": "(" * 20_000 + "a" + ")" * 20_000,
    "8,000 parentheses": "(" * 8_000 + "a" + ")" * 8_000,
    "16,000 signs": "-" * 16_000 + "a",
    "2,000 calls": "abs(" * 2_000 + "a" + ")" * 2_000,
    "5,000 powers": "^".join(["2"] * 5_000),
    "8,000 sums": "+".join(["1"] * 8_000),
    "1 MB of name": "a" * 1_000_000,
    "300 subqueries": "max_over_time(" * 300 + "a_total" + "[5m:1m])" * 300,
    "quotes without end": '"' + '\\"' * 8_000,
    "braces within braces": "{" * 100 + "a" + "}" * 100,
    "a repetition of repetitions": 'a_total{i=~"(x{1,1000}){1,1000}"}',
    "a moment beyond all": "a_total @ 9e18",
    "10 years of milliseconds": "sum_over_time(vector(1)[10y:1ms])",
    "a subquery of a thousand series": "sum_over_time(a_total[30d:1s])",
    "subqueries of subqueries": "max_over_time(max_over_time(max_over_time(a_total[1d:1s])[1d:1s])[1d:1s])",
    "topk of more than there can be": "topk(1e19, a_total)",
    "many to many": "a_total + on() a_total",
    "a label that grows": 'label_replace(a_total, "x", "' + "$1" * 7_000 + '", "i", "(.*)")',
    "a label that grows and grows": (
        "label_replace(" * 3
        + "a_total"
        + "".join(f', "x", "{"$1" * 500}", "{name}", "(.*)")' for name in ("i", "x", "x"))
    ),
    "smoothing of a month of seconds": "double_exponential_smoothing(vector(1)[50d:1s], 0.5, 0.5)",
}
ANSWERED = {
    "180 parentheses": "(" * 180 + "a_total" + ")" * 180,
    "180 calls": "abs(" * 180 + "a_total" + ")" * 180,
    "180 folds": "sum(" * 180 + "a_total" + ")" * 180,
    "180 powers": "^".join(["1"] * 180),
    "900 sums": "+".join(["1"] * 900),
    "stars of stars": 'a_total{i=~"(((((((((.*)*)*)*)*)*)*)*)*)*x"}',
    "optional letters": 'a_total{i=~"' + "(a?){900}" + '"}',
    "a hundred years": "sum_over_time(a_total[100y])",
    "topk of all": "topk(1e9, a_total)",
    "a month of seconds": "sum_over_time(vector(1)[30d:1s])",
    "a long string": '"' + "\\\\" * 8_000 + '"',
}


def source() -> HeldBlocks:
    """1,000 series of an hour."""
    table = LabelTable()
    series = [table.intern(labelled({"__name__": "a_total", "job": f"j{i % 7}", "i": f"{i}"})) for i in range(1_000)]
    times = NOW_MS + np.arange(-3_600_000, 1, 15_000, dtype=np.int64)
    values = np.cumsum(np.ones((len(times), len(series))), axis=0)
    return HeldBlocks(table, [Block(times=times, values=values, series=np.array(series))])


def fate(held: HeldBlocks, query: str, *, ranged: bool) -> Fault | None:
    """How the query ended; None: with a result."""
    try:
        if ranged:
            over(held, query, NOW_MS - 3_600_000, NOW_MS, 3_600, LIMITS)
        else:
            instant(held, query, NOW_MS, LIMITS)
    except QueryError as error:
        if "more memory than there is" in error.message:
            raise MemoryError(query[:60]) from error
        return error.fault
    return None


def run_all(megabytes: int) -> None:
    held = source()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, query in {**REFUSED, **ANSWERED}.items():
        for ranged in (False, True):
            start = time.monotonic()
            fate(held, query, ranged=ranged)
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
            print(name, ranged, f"{time.monotonic() - start:.2f} s", f"{grown} MB", flush=True)
            if grown > megabytes:
                sys.exit(f"{name}: {grown} MB")


if __name__ == "__main__":
    run_all(int(sys.argv[1]))
