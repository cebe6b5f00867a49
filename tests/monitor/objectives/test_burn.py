"""At which burn rates somebody is told: the workbook's numbers, and their bounds for other windows and shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.spec import Objective
from stationmaster.monitor.objectives.burn import (
    HOUR_S,
    Urgency,
    error_budget,
    levels_of,
    seconds_until_told,
    window_s,
)


def test_thirty_days_have_the_levels_of_the_workbook() -> None:
    levels = levels_of(Objective(percent=99.9, window_days=30))
    assert [(each.long_s / HOUR_S, each.short_s / 60, each.factor, each.urgency) for each in levels] == [
        (1, 5, 14.4, Urgency.PAGE),
        (6, 30, 6, Urgency.PAGE),
        (24, 120, 3, Urgency.TICKET),
        (72, 360, 1, Urgency.TICKET),
    ]


def test_alerts_may_have_to_end_sooner() -> None:
    levels = levels_of(Objective(percent=99.9, window_days=30), ends_within_s=600)
    assert [each.short_s for each in levels] == [300, 600, 600, 600]
    assert [each.factor for each in levels] == [14.4, 6, 3, 1], "when they begin is the same"


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        (1.0, (51.84, 129.6, 259.2, 259.2)),
        (0.1, (518.4, 1296, 2592, 2592)),
        (0.01, (None, 12_960, 25_920, 25_920)),
        (0.0005, (None, None, None, None)),
    ],
)
def test_the_times_until_somebody_is_told_are_those_of_the_workbook(
    failing: float, expected: tuple[float | None, ...]
) -> None:
    objective = Objective(percent=99.9, window_days=30)
    told = [seconds_until_told(level, objective, failing) for level in levels_of(objective)]
    assert told == [None if each is None else pytest.approx(each) for each in expected]


@pytest.mark.parametrize(
    ("percent", "days", "factors"),
    [
        (99.0, 7, (3.36, 2, 1, 1)),
        (99.0, 1, (2, 2, 1)),
        (99.9, 90, (43.2, 18, 9, 3)),
        (90.0, 30, (5.5, 5.5, 3, 1)),
        (50.0, 30, (1.5, 1.5, 1.5, 1)),
    ],
)
def test_other_windows_and_shares_keep_within_what_makes_sense(
    percent: float, days: int, factors: tuple[float, ...]
) -> None:
    levels = levels_of(Objective(percent=percent, window_days=days))
    assert tuple(each.factor for each in levels) == factors


@given(st.floats(0.001, 99.999), st.integers(1, 90))
def test_a_total_outage_reaches_every_level_and_none_fires_while_the_budget_lasts(percent: float, days: int) -> None:
    objective = Objective(percent=percent, window_days=days)
    levels = levels_of(objective)
    assert levels
    for level in levels:
        assert level.long_s <= window_s(objective)
        assert level.factor >= 1
        assert level.factor * error_budget(objective) < 1
        told = seconds_until_told(level, objective, 1.0)
        assert told is not None
        assert told < level.long_s
