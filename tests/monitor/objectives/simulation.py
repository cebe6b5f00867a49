"""Works rule groups by the engine over counters that a test drives, on a clock of its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stationmaster.core.rules import AlertingRule, Rule, RuleGroup
from stationmaster.monitor.promql.engine import Parsed, instant, parse
from stationmaster.monitor.promql.results import Result, Scalar, Vector
from stationmaster.monitor.promql.samples import Block, Labels, LabelTable, Matcher, MatchKind

STEP_S = 30
_START_MS = 1_700_000_000_000


@dataclass(slots=True)
class _Samples:
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


class MemorySource:
    """A block a series; slow and simple."""

    def __init__(self) -> None:
        self.table = LabelTable()
        self._series: dict[int, _Samples] = {}

    def append(self, labels: Mapping[str, str], at_ms: int, value: float) -> None:
        number = self.table.intern(tuple(sorted((name, text) for name, text in labels.items() if text)))
        samples = self._series.setdefault(number, _Samples())
        samples.times.append(at_ms)
        samples.values.append(value)

    def select(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Sequence[Block]:
        found = []
        for number, samples in self._series.items():
            if not all(_holds(matcher, self.table.labels(number)) for matcher in matchers):
                continue
            times = np.array(samples.times, dtype=np.int64)
            inside = slice(int(np.searchsorted(times, first_ms)), int(np.searchsorted(times, last_ms, side="right")))
            if inside.start < inside.stop:
                values = np.array(samples.values[inside], dtype=np.float64).reshape(-1, 1)
                found.append(Block(times=times[inside], values=values, series=np.array([number], dtype=np.int64)))
        return found


def _holds(matcher: Matcher, labels: Labels) -> bool:
    value = dict(labels).get(matcher.name, "")
    match matcher.kind:
        case MatchKind.EQUAL:
            return value == matcher.value
        case MatchKind.NOT_EQUAL:
            return value != matcher.value
        case MatchKind.REGEX:
            return re.fullmatch(matcher.value, value) is not None
        case MatchKind.NOT_REGEX:
            return re.fullmatch(matcher.value, value) is None


class Simulation:
    """Every step scrapes the counters and works the groups that are due."""

    def __init__(self, groups: Sequence[RuleGroup]) -> None:
        self.source = MemorySource()
        self.now_ms = _START_MS
        self.firing: dict[str, float] = {}
        """The levels that fire, by the label `window`, each with its value."""
        self._groups = [(group, [(rule, parse(rule.expr)) for rule in group.rules]) for group in groups]
        self._counters: dict[tuple[tuple[str, str], ...], float] = {}

    def run(self, seconds: int, rates: Mapping[tuple[tuple[str, str], ...], float]) -> None:
        """For so long the counters grow by these rates per second."""
        for _ in range(seconds // STEP_S):
            self.now_ms += STEP_S * 1000
            for labels, rate in rates.items():
                self._counters[labels] = self._counters.get(labels, 0.0) + rate * STEP_S
            for labels, value in self._counters.items():
                self.source.append(dict(labels), self.now_ms, value)
            self._evaluate()

    def until(self, window: str, *, fires: bool, rates: Mapping[tuple[tuple[str, str], ...], float]) -> int:
        """Seconds until a level begins or ends to fire; at most six hours."""
        for spent in range(0, 6 * 3600, STEP_S):
            if (window in self.firing) is fires:
                return spent
            self.run(STEP_S, rates)
        raise AssertionError(f"the level {window} never {'fired' if fires else 'ended'}")

    def ask(self, query: str | Parsed) -> Result:
        return instant(self.source, query, self.now_ms)

    def _evaluate(self) -> None:
        self.firing = {}
        for group, rules in self._groups:
            if (self.now_ms - _START_MS) % (group.interval_ms or STEP_S * 1000) == 0:
                for rule, parsed in rules:
                    self._work(rule, self.ask(parsed))

    def _work(self, rule: Rule, result: Result) -> None:
        if isinstance(result.value, Scalar):
            samples: list[tuple[Labels, float]] = [((), result.value.value)]
        else:
            assert isinstance(result.value, Vector)
            samples = [(each.labels, each.value) for each in result.value.samples]
        for labels, value in samples:
            own = {**dict(labels), **rule.labels}
            if isinstance(rule, AlertingRule):
                self.firing[rule.labels["window"]] = value
                told = {"__name__": "ALERTS", "alertname": rule.name, "alertstate": "firing"}
                self.source.append({**own, **told}, self.now_ms, 1.0)
            else:
                self.source.append({**own, "__name__": rule.name}, self.now_ms, value)


def requests(code_class: str, api: str = "pets") -> tuple[tuple[str, str], ...]:
    name = "stationmaster_api_requests_total"
    return (("__name__", name), ("api", api), ("code_class", code_class), ("node", "gateway-1"))


def traffic(per_s: float, failing: float) -> dict[tuple[tuple[str, str], ...], float]:
    """Requests per second, a share of which fails."""
    return {requests("2xx"): per_s * (1 - failing), requests("5xx"): per_s * failing}
