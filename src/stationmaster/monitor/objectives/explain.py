"""Explains an objective: what counts as bad, when somebody is told, and what is computed for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.core.rules import AlertingRule, RecordingRule
from stationmaster.monitor.objectives.burn import GUARD_REQUESTS, Urgency, error_budget, levels_of, seconds_until_told
from stationmaster.monitor.objectives.generate import expression, watched_rules
from stationmaster.monitor.objectives.indicator import bucket_of
from stationmaster.monitor.objectives.recorded import span
from stationmaster.monitor.objectives.watched import Watched, line_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLevel:
    """`failing` is the share of bad requests, 0 to 1, above which it fires; `outage_told_s` how long a total outage
    takes to get there."""

    urgency: Urgency
    long: str
    short: str
    factor: float
    failing: float
    budget_percent: float
    outage_told_s: float | None
    expr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    watched: Watched
    line: str
    words: tuple[str, ...]
    levels: tuple[ExplainedLevel, ...]
    rules: tuple[RecordingRule | AlertingRule, ...]


def explain(watched: Watched, bounds_s: Sequence[float]) -> Explanation:
    """Of one that is measured: see `generate`."""
    return Explanation(
        watched=watched,
        line=line_of(watched.objective),
        words=tuple(_words(watched, bounds_s)),
        levels=tuple(_levels(watched, bounds_s)),
        rules=watched_rules(watched, bounds_s),
    )


def _words(watched: Watched, bounds_s: Sequence[float]) -> list[str]:
    objective, budget = watched.objective, error_budget(watched.objective)
    minutes = budget * objective.window_days * 24 * 60
    words = [f"bad is a request that ends with a server error (5xx){_too_slow(watched, bounds_s)}"]
    words.append(
        f"of {1 / budget:,.0f} requests one may be bad; a total outage uses the budget of {objective.window_days} days"
        f" up in {_minutes(minutes)}"
    )
    words.append(
        f"nobody is told before {GUARD_REQUESTS} requests have failed within the long window: of very few requests one"
        " is a share that looks like an outage; a probe of the API adds requests"
    )
    return words


def _too_slow(watched: Watched, bounds_s: Sequence[float]) -> str:
    latency_ms = watched.objective.latency_ms
    if latency_ms is None:
        return ""
    bucket = bucket_of(latency_ms, bounds_s)
    bound_ms = latency_ms if bucket.bound_s is None else bucket.bound_s * 1000
    nearest = "" if bucket.exact else f", the next time below {latency_ms} ms that the gateway counts"
    return f" or takes longer than {bound_ms:g} ms{nearest}; one that does both counts twice"


def _levels(watched: Watched, bounds_s: Sequence[float]) -> list[ExplainedLevel]:
    objective = watched.objective
    return [
        ExplainedLevel(
            urgency=level.urgency,
            long=span(level.long_s),
            short=span(level.short_s),
            factor=level.factor,
            failing=level.factor * error_budget(objective),
            budget_percent=100 * level.factor * level.long_s / (objective.window_days * 86_400),
            outage_told_s=seconds_until_told(level, objective, 1.0),
            expr=expression(watched, level, bounds_s),
        )
        for level in levels_of(objective, ends_within_s=watched.ends_within_s)
    ]


def _minutes(minutes: float) -> str:
    if minutes < 120:
        return f"{minutes:.0f} minutes" if minutes >= 2 else f"{minutes * 60:.0f} seconds"
    return f"{minutes / 60:.0f} hours"
