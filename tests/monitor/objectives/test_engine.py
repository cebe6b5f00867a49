"""The platform's own engine works the generated rules over simulated traffic: who is told when, and what is left."""

import pytest

from stationmaster.core.spec import Objective
from stationmaster.monitor.objectives.budget import Standing, budgets
from stationmaster.monitor.objectives.burn import levels_of, seconds_until_told
from stationmaster.monitor.objectives.generate import generate
from stationmaster.monitor.objectives.watched import watched_of
from stationmaster.monitor.promql.results import Result
from tests.monitor.objectives.declared import BOUNDS_S, objective, platform
from tests.monitor.objectives.simulation import STEP_S, Simulation, traffic

QUIET_S = 7200


def simulation(wanted: Objective) -> Simulation:
    """After two good hours with two requests a second."""
    made = Simulation(generate(platform(wanted), BOUNDS_S).groups)
    made.run(QUIET_S, traffic(2, 0))
    assert made.firing == {}
    return made


@pytest.mark.parametrize(("percent", "days"), [(99.9, 30), (99.0, 30), (99.0, 7), (99.95, 28)])
def test_a_total_outage_pages_as_soon_as_the_workbook_says(percent: float, days: int) -> None:
    wanted = objective(percent, days)
    expected = seconds_until_told(levels_of(wanted)[0], wanted, 1.0)
    assert expected is not None
    told = simulation(wanted).until("1h", fires=True, rates=traffic(2, 1))
    assert expected <= told <= expected + 2 * STEP_S


def test_half_of_the_rate_that_the_budget_allows_tells_nobody() -> None:
    made = simulation(objective())
    for _ in range(6):
        made.run(600, traffic(2, 0.0005))
        assert made.firing == {}


def test_a_short_blip_tells_nobody() -> None:
    made = simulation(objective())
    made.run(STEP_S, traffic(2, 1))
    for _ in range(60):
        made.run(STEP_S, traffic(2, 0))
        assert made.firing == {}


def test_the_first_failure_after_the_first_start_is_no_outage_of_weeks() -> None:
    made = Simulation(generate(platform(objective()), BOUNDS_S).groups)
    made.run(600, traffic(2, 0))
    made.run(STEP_S, traffic(2, 1))
    for _ in range(40):
        made.run(STEP_S, traffic(2, 0))
        assert made.firing == {}


def test_after_recovery_the_page_ends_with_its_short_window() -> None:
    made = simulation(objective())
    made.run(600, traffic(2, 1))
    assert {"1h", "6h"} <= set(made.firing)
    assert made.until("1h", fires=False, rates=traffic(2, 0)) <= 300 + STEP_S
    assert made.until("6h", fires=False, rates=traffic(2, 0)) <= 1800 + STEP_S


def test_a_handful_of_requests_is_too_few_to_wake_somebody() -> None:
    made = Simulation(generate(platform(objective()), BOUNDS_S).groups)
    made.run(QUIET_S, traffic(0.002, 0))
    made.run(1800, traffic(0.002, 1))
    assert made.firing == {}
    assert made.until("1h", fires=True, rates=traffic(0.002, 1)) > 0


def test_without_traffic_there_is_no_share_and_no_alert() -> None:
    made = simulation(objective())
    made.run(3600, traffic(0, 0))
    assert made.firing == {}


async def test_the_budget_says_what_is_left_and_when_it_is_empty() -> None:
    """An hour with 2 % of errors: of the 720 hours of the window, one has burnt at 20 times the rate."""
    made = simulation(objective())
    made.run(3600, traffic(2, 0.02))

    async def ask(query: str) -> Result:
        return made.ask(query)

    (found,) = await budgets(watched_of(platform(objective())), ask)
    assert found.standing is Standing.BURNING
    assert found.burn_rate == pytest.approx(20, rel=0.05)
    assert found.good is not None
    assert 1 - found.good == pytest.approx(0.02 / 3, rel=0.05)
    assert found.left == pytest.approx(1 - 20 / 720, abs=0.002)
    assert found.empty_in_s == pytest.approx(0.9722 * 30 * 86_400 / 20, rel=0.05)


async def test_a_budget_of_which_nothing_is_recorded_is_unknown() -> None:
    made = Simulation([])

    async def ask(query: str) -> Result:
        return made.ask(query)

    (found,) = await budgets(watched_of(platform(objective())), ask)
    assert (found.standing, found.left, found.burn_rate, found.good) == (Standing.UNKNOWN, None, None, None)


async def test_a_budget_that_is_used_up_is_exhausted() -> None:
    made = simulation(objective(99.9, 1))
    made.run(3600, traffic(2, 0.5))

    async def ask(query: str) -> Result:
        return made.ask(query)

    (found,) = await budgets(watched_of(platform(objective(99.9, 1))), ask)
    assert found.standing is Standing.EXHAUSTED
    assert found.left is not None
    assert found.left < 0
    assert found.empty_in_s == 0
