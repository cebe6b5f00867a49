"""Decides at which burn rates somebody is told: several windows, several rates, for any objective.

The four levels are those of Google's Site Reliability Workbook (chapter 5, "Alerting on SLOs", multiwindow,
multi-burn-rate): a page when 2 % of the error budget is gone within an hour or 5 % within six, a ticket when 10 % is
gone within one day or within three. With a window of 30 days these are the rates 14.4, 6, 3 and 1.
"""

from dataclasses import dataclass
from enum import Enum

from stationmaster.core.spec import Objective

HOUR_S = 3600
DAY_S = 24 * HOUR_S


class Urgency(Enum):
    """Whom a burn rate concerns, as the `severity` of its alert."""

    PAGE = "critical"
    TICKET = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Fires while the budget burns `factor` times as fast as it may, over `long_s` and still over `short_s`.

    `budget_share` is what the workbook lets burn within `long_s`. The short window ends the alert soon after the
    failure has ended.
    """

    long_s: int
    short_s: int
    budget_share: float
    urgency: Urgency
    factor: float


_WORKBOOK = (
    (HOUR_S, HOUR_S // 12, 0.02, Urgency.PAGE),
    (6 * HOUR_S, HOUR_S // 2, 0.05, Urgency.PAGE),
    (DAY_S, 2 * HOUR_S, 0.10, Urgency.TICKET),
    (3 * DAY_S, 6 * HOUR_S, 0.10, Urgency.TICKET),
)
_SLOWEST = {Urgency.PAGE: 2.0, Urgency.TICKET: 1.0}
"""Below a rate of 1 the budget lasts for the whole window; nobody is woken before half of it is left at that rate."""

GUARD_REQUESTS = 5
"""So many requests have to have failed within the long window: with little traffic the first failure is a share that
looks like an outage, and one failed request is nothing to be woken for. An API that is called too seldom for this wants
a probe, whose requests through the gateway count like any other."""


def error_budget(objective: Objective) -> float:
    """The share of the requests that may fail, above 0 and below 1."""
    return round((100 - objective.percent) / 100, 10)


def window_s(objective: Objective) -> int:
    return objective.window_days * DAY_S


def levels_of(objective: Objective, *, ends_within_s: int | None = None) -> tuple[Level, ...]:
    """Those whose long window fits into that of the objective. The shares of the budget are kept for every window, so
    that the rates change with it; within bounds: see `_factor`. No short window is longer than `ends_within_s`."""
    window = window_s(objective)
    return tuple(
        Level(
            long_s=long_s,
            short_s=short_s if ends_within_s is None else min(short_s, ends_within_s),
            budget_share=share,
            urgency=urgency,
            factor=_factor(share * window / long_s, error_budget(objective), urgency),
        )
        for long_s, short_s, share, urgency in _WORKBOOK
        if long_s <= window
    )


def seconds_until_told(level: Level, objective: Objective, failing: float) -> float | None:
    """How long a failure of this share of the requests, 0 to 1, goes on before the level fires, after a time without
    failures; None where it never does."""
    needed = level.factor * error_budget(objective)
    return None if failing <= needed else level.long_s * needed / failing


def _factor(wanted: float, budget: float, urgency: Urgency) -> float:
    """Not so small that it fires while the budget lasts, and not so large that a total outage cannot reach it: at most
    half way between the budget and all requests."""
    reachable = (1 + budget) / (2 * budget)
    return round(min(max(wanted, _SLOWEST[urgency]), reachable), 4)
