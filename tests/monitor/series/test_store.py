"""What a store takes, refuses, marks as ended and finds again, as long as it is in memory."""

import numpy as np
import pytest

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import MISSING, STALE_BITS, Block, Matcher, MatchKind
from stationmaster.monitor.series import store as series_store
from stationmaster.monitor.series.store import MetricMetadata, SeriesStore
from tests.monitor.series.samples import (
    FOREVER,
    START_MS,
    bits_of,
    everything,
    flat,
    labels,
    named,
    values_of,
    write,
)

ONE, TWO = bits_of(1.0), bits_of(2.0)


@pytest.fixture
def store() -> SeriesStore:
    return SeriesStore()


def test_samples_are_found_by_their_labels(store: SeriesStore) -> None:
    write(store, "a", START_MS, {labels("up", job="x"): 1.0, labels("up", job="y"): 2.0, labels("down"): 1.0})
    found = store.select([*named("up"), Matcher(name="job", kind=MatchKind.NOT_EQUAL, value="x")], START_MS, START_MS)
    assert flat(store, found) == [(labels("up", job="y"), START_MS, TWO)]


def test_both_ends_of_the_span_belong_to_it(store: SeriesStore) -> None:
    for second in range(5):
        write(store, "a", START_MS + second, {labels("up"): float(second)})
    found = flat(store, store.select(named("up"), START_MS + 1, START_MS + 3))
    assert [at - START_MS for _, at, _ in found] == [1, 2, 3]


def test_a_series_that_is_not_in_the_next_row_is_marked_stale_once(store: SeriesStore) -> None:
    write(store, "a", START_MS, {labels("up"): 1.0, labels("gone"): 1.0})
    added = write(store, "a", START_MS + 1, {labels("up"): 1.0})
    write(store, "a", START_MS + 2, {labels("up"): 1.0})
    assert added.ended == 1
    assert values_of(store, "gone") == [(START_MS, ONE), (START_MS + 1, STALE_BITS)]


def test_a_series_comes_again_after_its_marker(store: SeriesStore) -> None:
    for at, values in enumerate(({labels("up"): 1.0}, {}, {labels("up"): 2.0})):
        added = write(store, "a", START_MS + at, values)
    assert added.began == 1
    assert values_of(store, "up") == [(START_MS, ONE), (START_MS + 1, STALE_BITS), (START_MS + 2, TWO)]


def test_the_end_of_a_stream_marks_its_series_and_no_other(store: SeriesStore) -> None:
    write(store, "a", START_MS, {labels("up", job="a"): 1.0})
    write(store, "b", START_MS, {labels("up", job="b"): 1.0})
    store.end("a", START_MS)
    store.end("a", START_MS + 50)
    store.end("nobody", START_MS)
    assert values_of(store, "up") == [(START_MS, ONE), (START_MS + 1, STALE_BITS), (START_MS, ONE)]
    assert store.series_count == 1


@pytest.mark.parametrize(("later_ms", "why"), [(0, "duplicate timestamp"), (-1, "out of order")])
def test_a_row_that_does_not_come_later_is_refused_counted_and_told(
    store: SeriesStore, later_ms: int, why: str
) -> None:
    write(store, "a", START_MS, {labels("up"): 1.0})
    refused = write(store, "a", START_MS + later_ms, {labels("up"): 2.0, labels("other"): 1.0})
    assert (refused.refused, refused.samples, store.refused) == (2, 0, 2)
    assert refused.why.startswith(why)
    assert everything(store) == [(labels("up"), START_MS, ONE)]


def test_odd_values_keep_their_bits(store: SeriesStore) -> None:
    odd = [0x7FF8_0000_0000_0001, 0xFFF8_0000_0000_0000, 0x7FF0_0000_0000_0000, 0x8000_0000_0000_0000, STALE_BITS]
    for at, bits in enumerate(odd):
        write(store, "a", START_MS + at, {labels("up"): float(np.array([bits], dtype=np.uint64).view(np.float64)[0])})
    assert [bits for _, bits in values_of(store, "up")] == odd


def test_two_streams_never_have_one_series_at_one_moment(store: SeriesStore) -> None:
    write(store, "a", START_MS, {labels("up"): 1.0})
    clash = write(store, "b", START_MS, {labels("up"): 2.0, labels("own"): 1.0})
    assert (clash.samples, clash.refused) == (1, 1)
    write(store, "b", START_MS + 1, {labels("up"): 2.0})
    write(store, "a", START_MS + 1, {labels("up"): 1.0})
    write(store, "a", START_MS + 2, {})
    assert values_of(store, "up") == [(START_MS, ONE), (START_MS + 1, TWO)]


def test_what_was_selected_does_not_change_and_cannot_be_changed(store: SeriesStore) -> None:
    write(store, "a", START_MS, {labels("up", n="1"): 1.0})
    (block,) = store.select(named("up"), 0, FOREVER)
    for at in range(1, 100):
        write(store, "a", START_MS + at, {labels("up", n=str(n)): 1.0 for n in range(at + 1)})
    assert flat(store, [block]) == [(labels("up", n="1"), START_MS, ONE)]
    with pytest.raises(ValueError, match="read-only"):
        block.values[0, 0] = 7.0


def test_a_series_that_comes_later_is_found_by_a_selection_that_was_made_before(store: SeriesStore) -> None:
    for at in range(1, 6):
        write(store, "a", START_MS + at, {labels("up", n=str(n)): 1.0 for n in range(at)})
        assert len({each for each, _, _ in everything(store, named("up"))}) == at


def test_churn_wastes_no_more_than_it_holds(store: SeriesStore) -> None:
    """Every row has a hundred series that no other row has."""
    for at in range(200):
        write(store, "a", START_MS + at * 1000, {labels("up", n=f"{at}-{n}"): 1.0 for n in range(100)})
    blocks = store._held.by_name["a"].blocks
    assert sum(block.size_bytes for block in blocks) < 20 * 8 * 200 * 200
    assert len(everything(store, named("up"))) == 200 * 100 + 199 * 100


def test_blocks_are_sealed_every_half_hour_and_at_most_half_dead(store: SeriesStore) -> None:
    for at in range(400):
        write(store, "a", START_MS + at * 15_000, {labels("up", n=str(n)): 1.0 for n in range(3)})
    spans = [block.view.times[-1] - block.view.times[0] for block in store._held.by_name["a"].blocks]
    assert max(spans) < 30 * 60 * 1000
    assert len(spans) <= 5
    assert len(everything(store)) == 1200


def test_labels_and_series_are_those_that_lived_in_the_span(store: SeriesStore) -> None:
    write(store, "a", START_MS, {labels("up", job="x"): 1.0, labels("down", path="/"): 1.0})
    write(store, "a", START_MS + 1000, {labels("up", job="x"): 1.0})
    write(store, "a", START_MS + 2000, {labels("up", job="x"): 1.0, labels("new", job="y"): 1.0})
    assert store.label_names([], 0, FOREVER) == ["__name__", "job", "path"]
    assert store.label_names([], START_MS + 1500, FOREVER) == ["__name__", "job"]
    assert store.label_values("job", [], 0, START_MS + 1500) == ["x"]
    assert store.label_values("job", named("new"), 0, FOREVER) == ["y"]
    assert store.series(named("down"), 0, START_MS) == [labels("down", path="/")]
    assert store.series([], START_MS + 2001, FOREVER) == []


def test_a_selection_of_too_much_is_refused_in_words(store: SeriesStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_store, "MOST_SELECTED_SAMPLES", 20)
    for at in range(7):
        write(store, "a", START_MS + at, {labels("up", n=str(n)): 1.0 for n in range(3)})
    assert len(store.select([], START_MS, START_MS + 5)) == 1
    with pytest.raises(QueryError, match="more than 20 samples") as refused:
        store.select([], START_MS, START_MS + 6)
    assert refused.value.fault is Fault.EXECUTION


def test_a_clock_set_back_takes_later_rows_away(store: SeriesStore) -> None:
    for at in range(10):
        write(store, "a", START_MS + at * 600_000, {labels("up"): float(at), labels("other", n=str(at)): 1.0})
    write(store, "b", START_MS, {labels("b"): 1.0})
    assert store.rewind(START_MS + 1_500_000) == 7
    assert [at - START_MS for at, _ in values_of(store, "up")] == [0, 600_000, 1_200_000]
    added = write(store, "a", START_MS + 1_500_000, {labels("up"): 1.0})
    assert (added.samples, added.ended) == (1, 1)
    assert values_of(store, "b") == [(START_MS, ONE)]
    assert store.newest_ms == START_MS + 1_500_000


def test_arrays_of_the_last_time_are_placed_at_once_and_rightly(store: SeriesStore) -> None:
    ids = np.array([store.table.intern(labels("up", n=str(n))) for n in range(5)])
    for at in range(200):
        store.append_row("a", START_MS + at * 60_000, ids, np.arange(5.0) + at)
        if at % 7 == 0:
            store.append_row("a", START_MS + at * 60_000 + 1, ids[::-1].copy(), np.arange(5.0)[::-1] + at)
    for n in range(5):
        wanted = [Matcher(name="n", kind=MatchKind.EQUAL, value=str(n))]
        assert {bits_of(float(n + (at - START_MS) // 60_000)) == bits for _, at, bits in everything(store, wanted)} == {
            True
        }


def test_a_hole_in_a_row_is_no_sample(store: SeriesStore) -> None:
    assert write(store, "a", START_MS, {labels("up"): MISSING, labels("other"): 1.0}).samples == 1
    assert everything(store) == [(labels("other"), START_MS, ONE)]


def test_metadata_is_the_last_word(store: SeriesStore) -> None:
    store.describe({"up": MetricMetadata(kind="gauge", help="old"), "other": MetricMetadata(kind="counter")})
    store.describe({"up": MetricMetadata(kind="gauge", help="new")})
    assert store.metadata["up"].help == "new"
    assert store.metadata["other"].kind == "counter"


def test_neighbouring_columns_are_handed_out_without_a_copy(store: SeriesStore) -> None:
    write(store, "a", START_MS, {labels("up", n=str(n)): float(n) for n in range(50)})
    (block,) = store.select(named("up"), 0, FOREVER)
    assert isinstance(block, Block)
    assert np.shares_memory(block.values, store._held.by_name["a"].blocks[-1].view.values)
