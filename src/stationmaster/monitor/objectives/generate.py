"""Makes the rules of every declared objective: recorded shares of bad requests, and alerts on how fast they burn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stationmaster.core.problem import Diagnostic, Severity
from stationmaster.core.rules import AlertingRule, Rule, RuleGroup
from stationmaster.core.spec import PlatformSpec
from stationmaster.monitor.objectives.burn import (
    GUARD_REQUESTS,
    HOUR_S,
    Level,
    error_budget,
    levels_of,
    window_s,
)
from stationmaster.monitor.objectives.indicator import bucket_of, unmeasured
from stationmaster.monitor.objectives.recorded import (
    BUDGET_LEFT,
    SLOW_INTERVAL_S,
    TIME_LEFT,
    bad_requests,
    burn_rate,
    long_windows,
    ratio_name,
    short_windows,
    span,
)
from stationmaster.monitor.objectives.watched import Watched, line_of, watched_of

ALERT = "ErrorBudgetBurn"
FILE = "objectives"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """`diagnostics` name objectives that are watched by another bound than they say, and those that cannot be
    watched."""

    groups: tuple[RuleGroup, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def generate(spec: PlatformSpec, bounds_s: Sequence[float]) -> Generated:
    """Two groups an objective; `bounds_s` are the upper bounds in seconds of the gateway's histogram of durations."""
    groups: list[RuleGroup] = []
    diagnostics: list[Diagnostic] = []
    for watched in watched_of(spec):
        diagnostics += bucket_problems(watched, bounds_s)
        if not unmeasured(watched.objective, bounds_s):
            groups += _groups(watched, bounds_s)
    return Generated(groups=tuple(groups), diagnostics=tuple(diagnostics))


def watched_rules(watched: Watched, bounds_s: Sequence[float]) -> tuple[Rule, ...]:
    """All rules of one objective whose bad requests are measured."""
    return tuple(rule for group in _groups(watched, bounds_s) for rule in group.rules)


def _groups(watched: Watched, bounds_s: Sequence[float]) -> Iterator[RuleGroup]:
    name, origin = f"{watched.api}/{watched.name}", watched.objective.origin
    yield RuleGroup(
        name=f"{name}/long",
        file=FILE,
        interval_ms=SLOW_INTERVAL_S * 1000,
        rules=tuple(long_windows(watched, bounds_s)),
        origin=origin,
    )
    levels = levels_of(watched.objective, ends_within_s=watched.ends_within_s)
    alerts = (_alert(watched, level, bounds_s) for level in levels)
    yield RuleGroup(name=name, file=FILE, rules=(*short_windows(watched, bounds_s), *alerts), origin=origin)


def _alert(watched: Watched, level: Level, bounds_s: Sequence[float]) -> AlertingRule:
    return AlertingRule(
        name=ALERT,
        expr=expression(watched, level, bounds_s),
        labels={**watched.labels, "severity": level.urgency.value, "window": span(level.long_s)},
        annotations=_annotations(watched, level),
        origin=watched.objective.origin,
    )


def expression(watched: Watched, level: Level, bounds_s: Sequence[float]) -> str:
    """Its value is the burn rate over the long window."""
    factor, budget = f"{level.factor:.10g}", error_budget(watched.objective)
    long = burn_rate(watched, level.long_s)
    short = f"{ratio_name(level.short_s)}{watched.selector} / {budget!r}"
    guard = f"{bad_requests(watched, level.long_s, bounds_s)} >= {GUARD_REQUESTS}"
    return f"{long} > {factor} and {short} > {factor} and on () ({guard})"


def _annotations(watched: Watched, level: Level) -> dict[str, str]:
    told = f"API {watched.api} in {watched.environment}"
    lasts = _hours(window_s(watched.objective) / level.factor)
    matchers = f"{{api='{watched.api}',objective='{watched.name}'}}"
    return {
        "summary": f"{told} burns its error budget {{{{ $value | humanize }}}} times as fast as it may"
        f" ({line_of(watched.objective)})",
        "description": f"Measured over the last {span(level.long_s)}, and still over the last {span(level.short_s)}."
        f'{{{{ with query "{BUDGET_LEFT}{matchers}" }}}}'
        " {{ . | first | value | humanizePercentage }} of the budget is left.{{ end }}"
        f'{{{{ with query "{TIME_LEFT}{matchers}" }}}}'
        " At the rate of the last hour it is empty in {{ . | first | value | humanizeDuration }}.{{ end }}"
        f" At {level.factor:g} times, where this alert begins, a whole budget of {watched.objective.window_days} days"
        f" lasts {lasts}.",
    }


def _hours(seconds: float) -> str:
    hours = seconds / HOUR_S
    return f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:.0f} days"


def bucket_problems(watched: Watched, bounds_s: Sequence[float]) -> Iterator[Diagnostic]:
    """What is to be said of an objective whose latency is no bound of the histogram."""
    latency_ms, origin = watched.objective.latency_ms, watched.objective.origin
    if latency_ms is None:
        return
    told = f"'{line_of(watched.objective)}' of the API {watched.api}"
    known = ", ".join(f"{bound * 1000:g}" for bound in sorted(bounds_s))
    bucket = bucket_of(latency_ms, bounds_s)
    if bucket.bound_s is None:
        message = f"{told} cannot be watched: the gateway counts no times that short"
        hint = f"name one of the times that it counts, in milliseconds: {known}"
        yield Diagnostic(code="objective-unmeasured", message=message, origin=origin, hint=hint)
    elif not bucket.exact:
        message = f"{told} is watched at {bucket.bound_s * 1000:g}ms, the next lower time that the gateway counts"
        hint = f"the times that it counts, in milliseconds: {known}"
        yield Diagnostic(code="objective-rounded", message=message, origin=origin, hint=hint, severity=Severity.WARNING)
