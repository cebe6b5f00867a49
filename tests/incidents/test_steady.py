"""Time that never goes back, whatever the wall clock does."""

from datetime import timedelta

import pytest

from stationmaster.incidents.steady import Steady
from tests.incidents.world import ZERO


class Clocks:
    def __init__(self) -> None:
        self.wall, self.running_s = ZERO, 0.0

    def pass_by(self, seconds: float, *, jump_s: float = 0) -> None:
        self.running_s += seconds
        self.wall += timedelta(seconds=seconds + jump_s)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def steady(clocks: Clocks) -> Steady:
    return Steady(wall=lambda: clocks.wall, monotonic=lambda: clocks.running_s)


@pytest.mark.parametrize(
    ("jumps", "expected_s", "ahead_s"),
    [
        ([0, 0], 20, 0),
        ([-3600, 0], 20, 3600),
        ([-3600, 3600], 20, 0),
        ([3600, 0], 3620, 0),
        ([3600, -3600], 3620, 3600),
    ],
)
def test_it_follows_the_wall_clock_forward_and_the_monotonic_one_when_that_is_set_back(
    clocks: Clocks, steady: Steady, jumps: list[float], expected_s: float, ahead_s: float
) -> None:
    told = [steady.now()]
    for jump in jumps:
        clocks.pass_by(10, jump_s=jump)
        told.append(steady.now())
    assert told == sorted(told)
    assert (told[-1] - ZERO).total_seconds() == expected_s
    assert steady.ahead().total_seconds() == ahead_s


def test_it_begins_behind_what_was_done_before_but_not_behind_what_a_wrong_clock_wrote(steady: Steady) -> None:
    steady.not_before(ZERO + timedelta(hours=2))
    assert steady.now() == ZERO + timedelta(hours=2)
    steady.not_before(ZERO + timedelta(days=400))
    assert steady.now() == ZERO + timedelta(hours=2)
    steady.rest()
    assert steady.now() == ZERO
