"""Selections agree with asking every series, however the index came to be."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Labels, Matcher, MatchKind
from stationmaster.monitor.series import index as series_index
from stationmaster.monitor.series.index import SeriesIndex
from stationmaster.monitor.series.matching import conditions_of

values = st.sampled_from(["", "a", "b", "ab", "a\nb", "7"])
names = st.sampled_from(["__name__", "job", "instance", "never"])
matchers = st.builds(
    Matcher,
    name=names,
    kind=st.sampled_from(MatchKind),
    value=st.sampled_from(["", "a", "b", "a|b", "a.*", ".*", ".+", "a.b", "[0-9]", "a?"]),
)
label_sets = st.lists(
    st.dictionaries(names, values, max_size=3).map(
        lambda given: tuple(sorted((name, value) for name, value in given.items() if value))
    ),
    max_size=12,
)


def asked(labels: Labels, matcher: Matcher) -> bool:
    value = dict(labels).get(matcher.name, "")
    match matcher.kind:
        case MatchKind.EQUAL:
            return value == matcher.value
        case MatchKind.NOT_EQUAL:
            return value != matcher.value
        case MatchKind.REGEX:
            return re.fullmatch(matcher.value, value, re.DOTALL) is not None
        case MatchKind.NOT_REGEX:
            return re.fullmatch(matcher.value, value, re.DOTALL) is None


def filled(sets: list[Labels]) -> SeriesIndex:
    index = SeriesIndex()
    for number, labels in enumerate(sets):
        index.add(number, labels, stream=0, born_ms=0)
    return index


@pytest.mark.parametrize("few", [0, 3, 1000])
@given(sets=label_sets, wanted=st.lists(matchers, max_size=3), since=st.integers(0, 12))
def test_a_selection_finds_what_asking_every_series_finds(
    few: int, sets: list[Labels], wanted: list[Matcher], since: int
) -> None:
    since = min(since, len(sets))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series_index, "_FEW", few)
        found = filled(sets).find(conditions_of(wanted), since, len(sets)).tolist()
    assert found == [n for n, labels in enumerate(sets) if n >= since and all(asked(labels, each) for each in wanted)]


@given(label_sets, st.lists(matchers, max_size=2), st.sets(st.integers(0, 11)))
def test_forgotten_series_are_not_found(sets: list[Labels], wanted: list[Matcher], gone: set[int]) -> None:
    index = filled(sets)
    slots = sorted(slot for slot in gone if slot < len(sets))
    index.forget(np.array(slots, dtype=np.int64))
    found = index.find(conditions_of(wanted), 0, len(sets)).tolist()
    assert found == [
        n for n, labels in enumerate(sets) if n not in gone and all(asked(labels, each) for each in wanted)
    ]


def test_a_regular_expression_that_is_none_is_refused_in_words() -> None:
    with pytest.raises(QueryError, match="error parsing regexp: missing") as refused:
        conditions_of([Matcher(name="a", kind=MatchKind.REGEX, value="(")])
    assert refused.value.fault is Fault.BAD_DATA


def test_slots_of_a_former_run_leave_gaps() -> None:
    index = filled([(("a", "1"),)])
    index.skip(5)
    assert index.add(9, (("a", "1"),), stream=0, born_ms=0) == 5
    assert index.find(conditions_of([Matcher(name="a", kind=MatchKind.EQUAL, value="1")]), 0, index.count).tolist() == [
        0,
        5,
    ]
    assert index.find([], 0, index.count).tolist() == [0, 5]


def test_the_index_grows_beyond_its_first_size() -> None:
    index = filled([(("n", str(number)),) for number in range(5000)])
    assert index.find(
        conditions_of([Matcher(name="n", kind=MatchKind.EQUAL, value="4999")]), 0, index.count
    ).tolist() == [4999]
