"""What holds for every query over any samples."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stationmaster.monitor.promql.engine import Parsed, instant, over, parse
from stationmaster.monitor.promql.held import HeldBlocks
from stationmaster.monitor.promql.results import QueryError, Result
from stationmaster.monitor.promql.samples import Block
from tests.monitor.promql.drawn import ROWS, STEP_MS, Sample, blocks, queries, samples, source
from tests.monitor.promql.scripts import close
from tests.monitor.promql.splitting import at_random

LAST_MS = ROWS * STEP_MS
slow = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def told(ask: Callable[[], Result]) -> Sample | str:
    try:
        return samples(ask())
    except QueryError as error:
        return error.fault.value


def alike(one: Sample | str, other: Sample | str) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return one.keys() == other.keys() and all(
        one[labels].keys() == other[labels].keys()
        and all(close(value, other[labels][at]) for at, value in one[labels].items())
        for labels in one
    )


@slow
@given(block=blocks(), query=queries, seed=st.integers(0, 1000), at_ms=st.integers(0, LAST_MS))
def test_how_samples_are_cut_into_blocks_changes_no_result(block: Block, query: str, seed: int, at_ms: int) -> None:
    one, many = source(block), source(block, at_random(seed))
    assert alike(told(lambda: instant(one, query, at_ms)), told(lambda: instant(many, query, at_ms)))
    assert alike(
        told(lambda: over(one, query, 0, LAST_MS, 17_000)),
        told(lambda: over(many, query, 0, LAST_MS, 17_000)),
    )


@slow
@given(block=blocks(), query=queries, step_ms=st.integers(5_000, 60_000))
def test_a_range_query_is_its_instants_side_by_side(block: Block, query: str, step_ms: int) -> None:
    held = source(block)
    instants: Sample = {}
    for at_ms in range(0, LAST_MS + 1, step_ms):
        found = told(lambda at=at_ms: instant(held, query, at))  # type: ignore[misc]
        if isinstance(found, str):
            with pytest.raises(QueryError):
                over(held, query, 0, LAST_MS, step_ms)
            return
        for labels, values in found.items():
            instants.setdefault(labels, {}).update(values)
    assert alike(told(lambda: over(held, query, 0, LAST_MS, step_ms)), instants)


@slow
@given(block=blocks(), other=blocks(), query=queries)
def test_a_query_that_remembers_labels_tells_the_same(block: Block, other: Block, query: str) -> None:
    first = source(block)
    second = HeldBlocks(first.table, [other])
    kept = parse(query)
    for held, at_ms in ((first, 200_000), (first, 250_000), (second, 250_000), (first, 300_000)):
        fresh: Parsed = parse(query)
        assert alike(
            told(lambda h=held, a=at_ms: instant(h, kept, a)),  # type: ignore[misc]
            told(lambda h=held, a=at_ms, q=fresh: instant(h, q, a)),  # type: ignore[misc]
        )


@slow
@given(block=blocks(), query=queries)
def test_a_query_written_anew_means_the_same(block: Block, query: str) -> None:
    written = parse(query).pretty
    assert parse(written).pretty == written
    held = source(block)
    assert alike(told(lambda: instant(held, query, 200_000)), told(lambda: instant(held, written, 200_000)))
