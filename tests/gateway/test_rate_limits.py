"""Buckets of tokens: as many requests in as much time as is declared, whatever the number of nodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.gateway.envoy import rate_limits
from stationmaster.gateway.ir_policy import Bound, CallerBounds, CountedBy, Counting, RouteBound, RoutePolicy


def bucket(bound: Bound, nodes: int) -> tuple[int, int, int]:
    """Size, tokens of a filling, milliseconds between fillings."""
    counting = Counting(bounds=(RouteBound(bound=bound, by=CountedBy.EVERYBODY),), nodes=nodes)
    (descriptor,) = rate_limits.limiter(counting).descriptors
    found = descriptor.token_bucket
    return found.max_tokens, found.tokens_per_fill.value, found.fill_interval.ToMilliseconds()


@pytest.mark.parametrize(
    ("requests", "per_ms", "nodes", "expected"),
    [
        (10, 1_000, 1, (10, 10, 1_000)),
        (10, 1_000, 5, (10, 10, 1_000)),
        (1, 1_000, 5, (5, 5, 5_000)),
        (3, 60_000, 5, (5, 5, 100_000)),
        (2, 10, 2, (2, 10, 50)),
        (0, 1_000, 2, (1, 1, 31_536_000_000)),
    ],
)
def test_a_bound_as_a_bucket(requests: int, per_ms: int, nodes: int, expected: tuple[int, int, int]) -> None:
    assert bucket(Bound(requests=requests, per_ms=per_ms), nodes) == expected


@given(st.integers(1, 1_000_000), st.integers(1, 86_400_000), st.integers(1, 100))
def test_a_bucket_fills_at_the_declared_rate_and_holds_a_token_for_every_node(
    requests: int, per_ms: int, nodes: int
) -> None:
    size, filling, interval_ms = bucket(Bound(requests=requests, per_ms=per_ms), nodes)
    assert size == max(requests, nodes)
    assert interval_ms >= 50, "Envoy takes no less"
    assert filling / interval_ms == pytest.approx(requests / per_ms, rel=0.02)


def test_a_route_that_counts_nothing_turns_nothing_on() -> None:
    assert rate_limits.settings(RoutePolicy()) == {}
    assert rate_limits.marks(RoutePolicy()) == {}


def test_every_mark_of_a_route_is_asked_for() -> None:
    bounds = tuple(
        RouteBound(bound=Bound(requests=number, per_ms=1_000), by=by) for by in CountedBy for number in (1, 2)
    )
    counting = Counting(bounds=bounds, most=tuple((by, 2) for by in CountedBy))
    marks = rate_limits.marks(RoutePolicy(counted_as="pets", bounds=bounds))
    asked = {
        action.metadata.metadata_key.path[0].key
        for question in rate_limits.limiter(counting).rate_limits
        for action in question.actions
        if action.metadata.metadata_key.key == "stationmaster"
    }
    assert marks.keys() == asked
    assert marks["api"] == "pets"


def test_callers_with_equal_bounds_are_of_one_class() -> None:
    both = (Bound(requests=1, per_ms=1_000), Bound(requests=9, per_ms=60_000))
    callers = tuple(CallerBounds(caller=name, bounds=both) for name in ("ada", "bob"))
    limiter = rate_limits.limiter(Counting(callers=callers))
    assert len(limiter.descriptors) == len(both) + 1
    assert set(rate_limits.classes(callers).shadow_matcher.matcher_tree.exact_match_map.map) == {"ada", "bob"}
