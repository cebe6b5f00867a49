"""The series that are recorded for every objective; their names are those that sloth has made known.

Shares over windows up to an hour come straight from the gateway's counters at every evaluation. Longer ones are summed
up from recorded rates, which are two series an objective however many nodes there are; requests weigh the same at busy
and quiet hours, because bad and all requests are summed before they are divided.
"""

from collections.abc import Iterator, Sequence

from stationmaster.core.rules import RecordingRule
from stationmaster.monitor.objectives.burn import DAY_S, HOUR_S, error_budget, window_s
from stationmaster.monitor.objectives.indicator import bad_rate, total_rate
from stationmaster.monitor.objectives.watched import Watched

SLOW_INTERVAL_S = 120
"""How often long windows are computed. An instant query looks back five minutes: it finds one in any case."""

TARGET = "slo:objective:ratio"
BUDGET = "slo:error_budget:ratio"
BAD_RATE = "slo:sli_error:rate5m"
TOTAL_RATE = "slo:sli_total:rate5m"
BURN_RATE = "slo:current_burn_rate:ratio"
"""Over the last hour; 1 uses the budget up exactly at the end of the window."""
BUDGET_LEFT = "slo:period_error_budget_remaining:ratio"
"""Negative once more than the budget is used up."""
TIME_LEFT = "slo:time_until_empty:seconds"
"""How long what is left lasts at the rate of the last hour; no sample while nothing fails."""

SHORT_WINDOWS_S = (HOUR_S // 12, HOUR_S // 2, HOUR_S)
_LONG_WINDOWS_S = (2 * HOUR_S, 6 * HOUR_S, DAY_S, 3 * DAY_S)
_SHARE = 1.0


def span(seconds: int) -> str:
    """A PromQL duration in its largest whole unit: "5m", "6h", "30d"."""
    for unit, size in (("d", DAY_S), ("h", HOUR_S), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def ratio_name(seconds: int) -> str:
    """The metric that holds the share of bad requests over a window."""
    return f"slo:sli_error:ratio_rate{span(seconds)}"


def short_windows(watched: Watched, bounds_s: Sequence[float]) -> Iterator[RecordingRule]:
    for seconds in sorted({*SHORT_WINDOWS_S, *_ends_within(watched)}):
        window = span(seconds)
        bad = bad_rate(watched.objective, watched.api, window, bounds_s)
        total = total_rate(watched.api, window)
        yield _rule(watched, ratio_name(seconds), f"clamp_max({bad} / ({total} > 0), {_SHARE:g})")
    yield _rule(watched, BURN_RATE, burn_rate(watched, HOUR_S))


def _ends_within(watched: Watched) -> Iterator[int]:
    """The short window of alerts that have to end sooner than the workbook has it."""
    if watched.ends_within_s is not None:
        yield watched.ends_within_s


def long_windows(watched: Watched, bounds_s: Sequence[float]) -> Iterator[RecordingRule]:
    """In this order: each reads what those before it have written at the same moment."""
    budget, whole = error_budget(watched.objective), window_s(watched.objective)
    yield _rule(watched, TARGET, f"vector({1 - budget:.10g})")
    yield _rule(watched, BUDGET, f"vector({budget!r})")
    yield _rule(watched, BAD_RATE, bad_rate(watched.objective, watched.api, "5m", bounds_s))
    yield _rule(watched, TOTAL_RATE, total_rate(watched.api, "5m"))
    for seconds in sorted({*_LONG_WINDOWS_S, whole}):
        yield _rule(watched, ratio_name(seconds), _long_ratio(watched, seconds))
    yield _rule(watched, BUDGET_LEFT, f"1 - {burn_rate(watched, whole)}")
    left, burning = f"{BUDGET_LEFT}{watched.selector}", f"{BURN_RATE}{watched.selector}"
    yield _rule(watched, TIME_LEFT, f"clamp_min({left}, 0) * {whole} / ({burning} > 0)")


def burn_rate(watched: Watched, seconds: int) -> str:
    """How many times as fast as it may the budget burnt within a window, time of which nothing is known counted as
    good: else the first failure after the first start would look like weeks of them."""
    return f"{ratio_name(seconds)}{watched.selector} / {error_budget(watched.objective)!r} * {_known(watched, seconds)}"


def bad_requests(watched: Watched, seconds: int, bounds_s: Sequence[float]) -> str:
    """How many requests were bad within a window, for any of the windows."""
    if seconds in SHORT_WINDOWS_S:
        return f"{bad_rate(watched.objective, watched.api, span(seconds), bounds_s)} * {seconds}"
    return f"sum_over_time({BAD_RATE}{watched.selector}[{span(seconds)}]) * {SLOW_INTERVAL_S}"


def _known(watched: Watched, seconds: int) -> str:
    """The share of a window of which it is recorded how many requests there were."""
    samples = f"count_over_time({TOTAL_RATE}{watched.selector}[{span(seconds)}])"
    return f"clamp_max({samples} * {SLOW_INTERVAL_S} / {seconds}, 1)"


def _long_ratio(watched: Watched, seconds: int) -> str:
    window = span(seconds)
    bad = f"sum_over_time({BAD_RATE}{watched.selector}[{window}])"
    total = f"sum_over_time({TOTAL_RATE}{watched.selector}[{window}])"
    return f"clamp_max({bad} / ({total} > 0), {_SHARE:g})"


def _rule(watched: Watched, name: str, expr: str) -> RecordingRule:
    return RecordingRule(name=name, expr=expr, labels=watched.labels, origin=watched.objective.origin)
