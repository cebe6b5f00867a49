"""Parts of the engine by themselves: patterns, numbers as text, notation of series, numbers of label sets, sums."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.promql.book import Book, Memory
from stationmaster.monitor.promql.notation import metric_labels, milliseconds, sequence, series_line
from stationmaster.monitor.promql.parsed import parse
from stationmaster.monitor.promql.patterns import condition
from stationmaster.monitor.promql.printing import duration
from stationmaster.monitor.promql.quoting import number_text, quoted, unquoted
from stationmaster.monitor.promql.reduction import mean, quantile, total
from stationmaster.monitor.promql.results import QueryError
from stationmaster.monitor.promql.samples import LabelTable, Matcher, MatchKind, holes, stale
from stationmaster.monitor.promql.sorting import natural


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("a|b", "b", True),
        ("a|b", "ab", False),
        ("a.c", "a\nc", True),
        (".*", "", True),
        ("(?i)GET", "get", True),
        ("é+", "éé", True),
        ("a$", "a\n", False),
    ],
)
def test_patterns_match_whole_values(pattern: str, value: str, matches: bool) -> None:
    assert condition(Matcher(name="x", kind=MatchKind.REGEX, value=pattern))(value) is matches
    assert condition(Matcher(name="x", kind=MatchKind.NOT_REGEX, value=pattern))(value) is not matches


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.5, "1.5"),
        (1e21, "1000000000000000000000"),
        (1.25e-7, "0.000000125"),
        (-1e-10, "-0.0000000001"),
        (1.5e300, "15" + "0" * 299),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_numbers_are_written_without_exponents(value: float, text: str) -> None:
    assert number_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_reads_back(value: float) -> None:
    assert float(number_text(value)) == value
    assert "e" not in number_text(value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_quoted_text_reads_back(text: str) -> None:
    assert unquoted(quoted(text)) == text


@given(st.integers(1, 10**12))
def test_a_written_duration_reads_back(amount: int) -> None:
    assert milliseconds(duration(amount)) == amount


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2.5 -3", [1, 2.5, -3]),
        ("0+10x3", [0, 10, 20, 30]),
        ("5-2x2", [5, 3, 1]),
        ("7x2", [7, 7, 7]),
        ("1+1e2x1 Inf -Inf", [1, 101, math.inf, -math.inf]),
        ("0x0", [0]),
    ],
)
def test_samples_are_written_shortly(text: str, values: list[float]) -> None:
    assert sequence(text) == values


def test_holes_and_ends_of_series_have_a_notation() -> None:
    labels, values = series_line('up{job="a b", path="/{x}"} _x2 stale _ NaN 1')
    found = np.array(values)
    assert labels == (("__name__", "up"), ("job", "a b"), ("path", "/{x}"))
    assert holes(found).tolist() == [True, True, False, True, False, False]
    assert stale(found).tolist() == [False, False, True, False, False, False]


@pytest.mark.parametrize("line", ["", "up{job=", 'up{job=~"x"} 1', "up 1+x", "up 1x9999999999"])
def test_what_is_no_series_is_refused(line: str) -> None:
    with pytest.raises(QueryError):
        series_line(line)


def test_the_empty_label_set_can_be_written() -> None:
    assert metric_labels("{}") == ()


def test_label_sets_made_by_queries_have_their_own_numbers() -> None:
    table = LabelTable()
    known = table.intern((("a", "1"),))
    book = Book(table)
    made = book.number((("b", "2"),))
    assert made < 0
    assert book.number((("a", "1"),)) == known
    assert book.labels(made) == (("b", "2"),)
    assert len(table) == 1


@pytest.mark.parametrize(("made", "added"), [(1, 5), (5, 1)])
def test_a_label_set_that_a_query_made_first_keeps_its_number(made: int, added: int) -> None:
    table = LabelTable()
    book = Book(table)
    numbers = [book.number((("b", f"{i}"),)) for i in range(made)]
    given_later = [table.intern((("b", f"{i}"),)) for i in range(added)]
    assert book.adopted(np.array(given_later[:1])).tolist() == numbers[:1]
    assert book.adopted(np.array(given_later[made:])).tolist() == given_later[made:]
    assert book.worn


def test_only_new_series_are_worked_out_again() -> None:
    asked: list[int] = []
    memory = Memory(LabelTable())

    def rule(number: int) -> int:
        asked.append(number)
        return number * 10

    assert memory.mapped("k", np.array([3, 1]), rule).tolist() == [30, 10]
    assert memory.mapped("k", np.array([1, 2, 3]), rule).tolist() == [10, 20, 30]
    assert memory.mapped("k", np.array([1, 2, 3]), rule).tolist() == [10, 20, 30]
    assert asked == [3, 1, 2]


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=60))
def test_sums_lose_nothing_that_math_fsum_keeps(values: list[float]) -> None:
    with np.errstate(all="ignore"):
        ours = float(total(np.array(values)[:, None], None)[0])
    scale = max(abs(value) for value in values)
    assert math.isclose(ours, math.fsum(values), rel_tol=1e-12, abs_tol=scale * 1e-25)


@given(st.lists(st.floats(-1.7e308, 1.7e308), min_size=1, max_size=9))
def test_the_mean_of_finite_samples_is_finite_and_between_them(values: list[float]) -> None:
    with np.errstate(all="ignore"):
        ours = float(mean(np.array(values)[:, None], None)[0])
    slack = max(abs(value) for value in values) * 1e-12
    assert min(values) - slack <= ours <= max(values) + slack


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), min_size=1, max_size=20),
    st.floats(0, 1),
    st.integers(0, 5),
)
def test_a_quantile_is_that_of_sorted_samples_with_nan_first(values: list[float], rank: float, spare: int) -> None:
    padded = np.array(values + [5.0] * spare)[:, None]
    mask = (np.arange(len(padded)) < len(values))[:, None]
    ours = float(quantile(padded, mask, np.array([rank]))[0])
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    spot = rank * (len(values) - 1)
    low = ordered[math.floor(spot)]
    high = ordered[min(math.floor(spot) + 1, len(values) - 1)]
    wanted = low * (1 - (spot - math.floor(spot))) + high * (spot - math.floor(spot))
    assert (math.isnan(ours) and math.isnan(wanted)) or math.isclose(ours, wanted, rel_tol=1e-9, abs_tol=1e-9)


def test_numbers_in_names_sort_as_numbers() -> None:
    assert sorted(["a10", "a9", "a", "b1", "10", "9"], key=natural) == ["9", "10", "a", "a9", "a10", "b1"]


def test_two_evaluations_at_once_do_not_share_what_they_remember() -> None:
    parsed, table = parse("a"), LabelTable()
    with parsed.memory(table) as first:
        with parsed.memory(table) as second:
            assert second is not first
        with parsed.memory(LabelTable()) as third:
            assert third is not first
    with parsed.memory(table) as again:
        assert again is first
    with parsed.memory(LabelTable()) as other:
        assert other is not first
