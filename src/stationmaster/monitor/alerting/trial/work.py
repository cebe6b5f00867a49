"""Works a test file: loads its series, evaluates the rules step by step, and compares what comes of it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stationmaster.core.problem import Origin
from stationmaster.core.rules import AlertingRule, RuleGroup
from stationmaster.monitor.alerting.asking import OwnAsk
from stationmaster.monitor.alerting.evaluate import Ask, Moment, RuleMemory, evaluate, vector_of
from stationmaster.monitor.alerting.prepared import Prepared, prepared
from stationmaster.monitor.alerting.states import Phase, RuleError
from stationmaster.monitor.alerting.trial.document import (
    AlertCase,
    ExpectedAlert,
    InputSeries,
    QueryCase,
    Trial,
    TrialDocument,
)
from stationmaster.monitor.alerting.trial.verdict import Failure, mismatch_of_alerts, mismatch_of_samples
from stationmaster.monitor.promql.notation import sequence
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import holes
from stationmaster.monitor.series.store import SeriesStore

MOST_CYCLES = 200_000
_TIMEOUT_MS = 60_000


def work(document: TrialDocument, groups: Sequence[RuleGroup]) -> list[Failure]:
    """What does not come out as expected, in the order of the file."""
    failures: list[Failure] = []
    for test in document.tests:
        failures += _Work(document, test, groups).whole()
    return failures


@dataclass(slots=True)
class _Work:
    document: TrialDocument
    test: Trial
    groups: Sequence[RuleGroup]
    store: SeriesStore = field(default_factory=SeriesStore)
    ask: Ask = field(init=False)
    memories: dict[str, RuleMemory] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ask = OwnAsk(self.store)

    def whole(self) -> list[Failure]:
        moments = [case.at_ms for case in self.test.alerts] + [case.at_ms for case in self.test.queries]
        last_ms = max(moments, default=0)
        step_ms = self.document.interval_ms
        if last_ms // step_ms > MOST_CYCLES:
            message = f"its last moment needs more than {MOST_CYCLES:,} evaluations"
            return [Failure(origin=self.test.origin, test=self.test.name, message=message)]
        if not self._load():
            return self.failures
        ordered = _ordered(self.groups, self.document.order)
        rules = [(group, each) for group in ordered for each in prepared(group)]
        for at_ms in range(0, last_ms + 1, step_ms):
            if not self._cycle(rules, at_ms):
                return self.failures
            self._compare_alerts(rules, at_ms, step_ms)
        for case in self.test.queries:
            self._compare_query(case)
        return self.failures

    def _load(self) -> bool:
        for number, series in enumerate(self.test.series):
            try:
                self._load_one(f"input/{number}", series)
            except QueryError as error:
                self._fail(series.origin, error.message)
        return not self.failures

    def _load_one(self, stream: str, series: InputSeries) -> None:
        label_set = self.store.table.intern(series.labels)
        if "{{" in series.values:
            raise QueryError(Fault.BAD_DATA, "native histograms ({{…}}) are not understood")
        values = np.array(sequence(series.values), dtype=np.float64)
        for at in np.flatnonzero(~holes(values)).tolist():
            told = self.store.append(stream, at * self.test.interval_ms, {label_set: float(values[at])})
            if told.refused:
                raise QueryError(Fault.BAD_DATA, f"the series stands twice: {told.why}")

    def _cycle(self, rules: Iterable[tuple[RuleGroup, Prepared]], at_ms: int) -> bool:
        """One evaluation of all groups; a rule that fails ends the test."""
        well = True
        for group, each in rules:
            moment = self._moment(group, at_ms)
            memory = self.memories.get(each.key, RuleMemory())
            outcome = evaluate(each, memory, moment)
            self.memories[each.key] = outcome.memory
            if outcome.samples is None:
                well = False
                error = outcome.memory.last_error
                self._fail(each.rule.origin, f"rule {each.rule.name} fails at {at_ms // 1000}s: {error}")
            elif outcome.samples or memory.writes:
                numbers = {self.store.table.intern(labels): value for labels, value in outcome.samples.items()}
                self.store.append(each.stream, moment.query_ms, numbers)
        return well

    def _moment(self, group: RuleGroup, at_ms: int) -> Moment:
        return Moment(
            at_ms=at_ms,
            query_ms=at_ms - group.query_offset_ms,
            timeout_ms=_TIMEOUT_MS,
            ask=self.ask,
            limit=group.limit,
            external_labels=self.test.external_labels,
            external_url=self.test.external_url,
        )

    def _compare_alerts(self, rules: Sequence[tuple[RuleGroup, Prepared]], at_ms: int, step_ms: int) -> None:
        """A case counts with the last evaluation at or before its moment."""
        for case in self.test.alerts:
            if at_ms <= case.at_ms < at_ms + step_ms:
                firing = [alert for _, each in rules for alert in self._firing(each, case)]
                told = mismatch_of_alerts(_expected(case), firing)
                if told:
                    self._fail(case.origin, f"alert {case.alert} at {case.at_ms // 1000}s: {told}")

    def _firing(self, each: Prepared, case: AlertCase) -> list[ExpectedAlert]:
        if not isinstance(each.rule, AlertingRule) or each.rule.name != case.alert:
            return []
        active = self.memories[each.key].active.values()
        return [
            ExpectedAlert(labels=dict(alert.labels), annotations=alert.annotations)
            for alert in active
            if alert.phase is Phase.FIRING
        ]

    def _compare_query(self, case: QueryCase) -> None:
        try:
            found = vector_of(self.ask(case.expr, case.at_ms, _TIMEOUT_MS))
        except QueryError as error:
            self._fail(case.origin, f"query {case.expr!r} is refused: {error.message}")
            return
        except RuleError as error:
            self._fail(case.origin, f"query {case.expr!r}: {error}")
            return
        got = [(each.labels, each.value) for each in found]
        told = mismatch_of_samples(case.expected, got, self._same)
        if told:
            self._fail(case.origin, f"query {case.expr!r} at {case.at_ms // 1000}s: {told}")

    def _same(self, one: float, other: float) -> bool:
        """NaN is like nothing, itself included; with `fuzzy` the next number up or down will do."""
        return one == other or (self.document.fuzzy and math.nextafter(one, other) == other)

    def _fail(self, origin: Origin, message: str) -> None:
        self.failures.append(Failure(origin=origin, test=self.test.name, message=message))


def _ordered(groups: Sequence[RuleGroup], order: Sequence[str]) -> list[RuleGroup]:
    places: Mapping[str, int] = {name: at for at, name in enumerate(order)}
    return sorted(groups, key=lambda group: places.get(group.name, 0))


def _expected(case: AlertCase) -> list[ExpectedAlert]:
    return [
        ExpectedAlert(labels={**each.labels, "alertname": case.alert}, annotations=each.annotations)
        for each in case.expected
    ]
