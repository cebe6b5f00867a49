"""The one line of an objective: what it means, and what is said of a wrong one."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.spec import Objective
from stationmaster.manifest.objective_text import parse_objective
from stationmaster.monitor.objectives.watched import line_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("99.9% over 30d", Objective(percent=99.9, window_days=30)),
        ("99% under 300ms over 7d", Objective(percent=99, window_days=7, latency_ms=300)),
        ("  99.95 %  over  4w ", Objective(percent=99.95, window_days=28)),
        ("95% under 1.5s over 28d", Objective(percent=95, window_days=28, latency_ms=1500)),
        ("99% Under 2s Over 1d", Objective(percent=99, window_days=1, latency_ms=2000)),
        ("99.999999% over 90d", Objective(percent=99.999999, window_days=90)),
        ("0.1% over 30d", Objective(percent=0.1, window_days=30)),
    ],
)
def test_an_objective_is_read(text: str, expected: Objective) -> None:
    assert parse_objective(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no objective: it has no share in %"),
        ("99.9 over 30d", "is no objective: it has no share in %"),
        ("99.9%", "is no objective: it says no window with 'over'"),
        ("99.9% within 300ms over 30d", "is no objective: it has words too many"),
        ("100% over 30d", "has a share of 100%, which is not above 0% and below 100%"),
        ("0% over 30d", "has a share of 0%, which is not above 0% and below 100%"),
        ("ninety% over 30d", "has the share 'ninety', which is no number with at most 6 decimals"),
        ("-1% over 30d", "has the share '-1'"),
        ("99.9999999% over 30d", "has the share '99.9999999'"),
        ("99.9% over 30", "has the window '30', which is no number of days or weeks"),
        ("99.9% over 720h", "has the window '720h'"),
        ("99.9% over 91d", "has a window that is not between 1d and 90d"),
        ("99.9% over 0d", "has a window that is not between 1d and 90d"),
        ("99% under 300 over 7d", "has the time '300', which is no number of ms or s"),
        ("99% under 0ms over 7d", "has a time that is not between 1ms and 600s"),
        ("99% under 0.5ms over 7d", "has a time that is no whole number of milliseconds"),
        ("99% under 11m over 7d", "has the time '11m'"),
        ("9٩% over 30d", "has the share"),
    ],
)
def test_a_wrong_objective_is_explained(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_objective(text)


@given(
    st.integers(1, 99_999_999).map(lambda millionths: millionths / 1_000_000),
    st.integers(1, 90),
    st.none() | st.integers(1, 600_000),
)
def test_what_is_written_is_read_back(percent: float, days: int, latency_ms: int | None) -> None:
    objective = Objective(percent=percent, window_days=days, latency_ms=latency_ms)
    assert parse_objective(line_of(objective)) == objective


@given(st.text())
def test_any_text_is_an_objective_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert 0 < parse_objective(text).percent < 100
