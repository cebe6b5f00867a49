import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.query.numbers import all_shortest, plain, scientific, seconds, shortest


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (9.99e-7, "9.99e-07"),
        (1e-7, "1e-07"),
        (5e-324, "5e-324"),
        (1.5e-5, "0.000015"),
        (1e16, "10000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_samples_are_written_with_the_fewest_digits(value: float, text: str) -> None:
    assert shortest(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e21, "1" + "0" * 21),
        (1e-7, "0.0000001"),
        (2.5, "2.5"),
        (-0.0, "-0"),
        (1e16, "1" + "0" * 16),
        (math.inf, "+Inf"),
    ],
)
def test_scalars_are_written_without_an_exponent(value: float, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1e+00"),
        (0.0, "0e+00"),
        (-0.0, "-0e+00"),
        (0.0025, "2.5e-03"),
        (120.0, "1.2e+02"),
        (-98.76, "-9.876e+01"),
        (1e100, "1e+100"),
        (5e-324, "5e-324"),
        (math.inf, "+Inf"),
        (math.nan, "NaN"),
    ],
)
def test_values_of_alerts_are_written_with_an_exponent(value: float, text: str) -> None:
    assert scientific(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_is_written_reads_back_as_the_same_number(value: float) -> None:
    for text in (shortest(value), scientific(value)):
        assert math.copysign(1, float(text)) == math.copysign(1, value)
        assert float(text) == value


@given(st.lists(st.floats(min_value=-1e15, max_value=1e15) | st.integers(-(10**6), 10**6).map(float)))
def test_many_numbers_are_written_as_each_of_them(values: list[float]) -> None:
    assert all_shortest(np.array(values)) == [shortest(value) for value in values]


def test_a_number_that_needs_an_exponent_is_written_so_among_others() -> None:
    assert all_shortest(np.array([1.0, 1e-7, math.inf, -0.0])) == ["1", "1e-07", "+Inf", "-0"]
    assert all_shortest(np.array([])) == []
    assert all_shortest(np.array([10.0, 0.05, -0.0, 100.25])) == ["10", "0.05", "-0", "100.25"]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_exponent_appears_only_outside_of_the_plain_range(value: float) -> None:
    plain = value == 0 or 1e-6 <= abs(value) < 1e21
    assert ("e" not in shortest(value)) is plain
    assert re.fullmatch(r"-?[0-9](\.[0-9]+)?e[+-][0-9]{2,3}", scientific(value))


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "0"),
        (1_500, "1.500"),
        (1_760_000_000_000, "1760000000"),
        (1_760_000_000_007, "1760000000.007"),
        (-1, "-0.001"),
        (-61_020, "-61.020"),
    ],
)
def test_moments_have_three_decimals_or_none(at_ms: int, text: str) -> None:
    assert seconds(at_ms) == text
