"""Says of every objective how much of its error budget is left, how fast it burns, and when it will be empty."""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from stationmaster.monitor.objectives.burn import window_s
from stationmaster.monitor.objectives.generate import ALERT
from stationmaster.monitor.objectives.recorded import BUDGET_LEFT, BURN_RATE, TIME_LEFT, ratio_name
from stationmaster.monitor.objectives.watched import Watched
from stationmaster.monitor.promql.results import Result, Vector

Ask = Callable[[str], Awaitable[Result]]
"""Answers an instant query as of now."""


class Standing(Enum):
    """MET with budget to spare, BURNING while one of its alerts fires, EXHAUSTED once the budget is used up, UNKNOWN
    while nothing has been recorded: no requests yet, or no samples."""

    MET = "met"
    BURNING = "burning"
    EXHAUSTED = "exhausted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Shares are 0 to 1; `left` is negative once the budget is overdrawn. None where nothing is recorded, and for
    `empty_in_s` also while nothing fails."""

    watched: Watched
    standing: Standing
    good: float | None = None
    """The share of good requests over as much of the window as is known."""
    left: float | None = None
    burn_rate: float | None = None
    """Over the last hour; at 1 the budget lasts exactly for the window."""
    empty_in_s: float | None = None


Readings = Mapping[str, Mapping[tuple[str, str], float]]
"""By query, then by API and name of the objective."""
FIRING = f'ALERTS{{alertname="{ALERT}",alertstate="firing"}}'


async def budgets(watched: Sequence[Watched], ask: Ask) -> tuple[Budget, ...]:
    """Asks one query a metric, however many objectives there are; QueryError as `ask` raises it."""
    readings = {name: _by_objective(await ask(name)) for name in queries(watched)}
    return tuple(budget_of(each, readings) for each in watched)


def queries(watched: Iterable[Watched]) -> tuple[str, ...]:
    ratios = (ratio_name(window_s(each.objective)) for each in watched)
    return tuple(dict.fromkeys((BUDGET_LEFT, BURN_RATE, TIME_LEFT, FIRING, *ratios)))


def budget_of(watched: Watched, readings: Readings) -> Budget:
    key = (watched.api, watched.name)
    left, burn_rate, empty_in_s = (readings.get(name, {}).get(key) for name in (BUDGET_LEFT, BURN_RATE, TIME_LEFT))
    bad = readings.get(ratio_name(window_s(watched.objective)), {}).get(key)
    return Budget(
        watched=watched,
        standing=_standing(left, burning=key in readings.get(FIRING, {})),
        good=None if bad is None else 1 - bad,
        left=left,
        burn_rate=burn_rate,
        empty_in_s=empty_in_s,
    )


def _standing(left: float | None, *, burning: bool) -> Standing:
    if left is not None and left <= 0:
        return Standing.EXHAUSTED
    if burning:
        return Standing.BURNING
    return Standing.UNKNOWN if left is None else Standing.MET


def _by_objective(result: Result) -> dict[tuple[str, str], float]:
    """What is no number (nothing was asked in the window) is left out."""
    if not isinstance(result.value, Vector):
        return {}
    found: dict[tuple[str, str], float] = {}
    for sample in result.value.samples:
        labels = dict(sample.labels)
        if not math.isnan(sample.value):
            found[labels.get("api", ""), labels.get("objective", "")] = sample.value
    return found
