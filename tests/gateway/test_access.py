"""Numbers that stand in headers as texts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.gateway.envoy.access import not_below


@given(st.integers(1, 10**12), st.integers(0, 10**13))
def test_whole_numbers_are_compared_as_texts(number: int, other: int) -> None:
    found = re.fullmatch(not_below(number), str(other))
    assert (found is not None) is (other >= number)


@given(st.integers(1, 10**12), st.integers(-2, 2))
def test_neighbours_are_told_apart(number: int, step: int) -> None:
    found = re.fullmatch(not_below(number), str(number + step))
    assert (found is not None) is (step >= 0)


@pytest.mark.parametrize("text", ["", "1e9", "9.5", "-9", "+9", " 9", "9 ", "0x9", "09", "nine"])
def test_what_is_no_whole_number_is_not_large_enough(text: str) -> None:
    assert not re.fullmatch(not_below(5), text)
