"""Evaluates one rule at one moment: asks its query, and says what it recorded and what became of its alerts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from stationmaster.core.rules import AlertingRule, RecordingRule
from stationmaster.monitor.alerting.prepared import FAILED, Prepared
from stationmaster.monitor.alerting.states import Active, RuleError, Scene, Transition, advance, series_of
from stationmaster.monitor.alerting.template.functions import Surroundings
from stationmaster.monitor.alerting.template.values import Sample
from stationmaster.monitor.promql.results import Fault, QueryError, Result, Scalar, Vector, VectorSample
from stationmaster.monitor.promql.samples import Labels

Ask: TypeAlias = Callable[[str, int, int], Result]
"""Query, moment and time limit, both in milliseconds; blocks and raises QueryError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMemory:
    """What is known of a rule between evaluations. `failures` counts those in a row that failed; `writes` says whether
    its last good one wrote series."""

    active: Active = field(default_factory=dict)
    writes: bool = False
    last_error: str = ""
    failures: int = 0
    evaluated_ms: int | None = None
    took_s: float = 0.0
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`samples` are written at the moment that was asked about, unless the rule failed; None then."""

    memory: RuleMemory
    samples: Mapping[Labels, float] | None = None
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When and with what rules are evaluated: `query_ms` is `at_ms` less the offset of the group. `left_ms` says how
    much of the time limit is left."""

    at_ms: int
    query_ms: int
    timeout_ms: int
    ask: Ask
    left_ms: Callable[[], int] | None = None
    limit: int = 0
    settling: bool = False
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""

    def scene(self) -> Scene:
        given = Surroundings(at_ms=self.at_ms, query=self.template_query, external_url=self.external_url)
        return Scene(
            at_ms=self.at_ms,
            given=given,
            external_labels=self.external_labels,
            limit=self.limit,
            settling=self.settling,
            late=self._late,
        )

    def template_query(self, query: str) -> Sequence[Sample]:
        left_ms = self.timeout_ms if self.left_ms is None else self.left_ms()
        if left_ms <= 0:
            raise QueryError(Fault.TIMEOUT, "the interval of its group is over")
        try:
            found = vector_of(self.ask(query, self.at_ms, left_ms))
        except RuleError as error:
            raise QueryError(Fault.EXECUTION, str(error)) from error
        return [Sample(dict(each.labels), float(each.value)) for each in found]

    def _late(self) -> bool:
        return self.left_ms is not None and self.left_ms() <= 0


def evaluate(prepared: Prepared, memory: RuleMemory, moment: Moment) -> Outcome:
    """Blocks while the query runs. A rule that fails keeps its alerts and its series as they were."""
    try:
        result = moment.ask(prepared.rule.expr, moment.query_ms, moment.timeout_ms)
        return _taken(prepared, memory, result, moment)
    except QueryError as error:
        return failed(memory, error.message, moment.at_ms)
    except RuleError as error:
        return failed(memory, str(error), moment.at_ms)


def failed(memory: RuleMemory, why: str, at_ms: int) -> Outcome:
    return Outcome(memory=replace(memory, last_error=why, failures=memory.failures + 1, evaluated_ms=at_ms))


def vector_of(result: Result) -> Sequence[VectorSample]:
    """A number counts as one sample without labels; raises RuleError for what a rule cannot use."""
    match result.value:
        case Vector() as vector:
            return vector.samples
        case Scalar() as scalar:
            return (VectorSample(labels=(), value=scalar.value, at_ms=0),)
        case _:
            raise RuleError("rule result is not a vector or scalar")


def _taken(prepared: Prepared, memory: RuleMemory, result: Result, moment: Moment) -> Outcome:
    rule, found, warnings = prepared.rule, vector_of(result), result.warnings
    active: Active = {}
    transitions: tuple[Transition, ...] = ()
    match rule:
        case AlertingRule():
            advanced = advance(prepared, found, memory.active, moment.scene())
            active, transitions = advanced.active, advanced.transitions
            samples = dict(series_of(active))
            warnings = (*warnings, *_failed_templates(active))
        case RecordingRule():
            samples = _recorded(rule, found, moment.limit)
        case _:
            assert_never(rule)
    return Outcome(
        memory=replace(
            memory,
            active=active,
            writes=bool(samples),
            last_error="",
            failures=0,
            evaluated_ms=moment.at_ms,
            warnings=warnings,
        ),
        samples=samples,
        transitions=transitions,
    )


def _failed_templates(active: Active) -> Sequence[str]:
    """The first text whose template failed, so that somebody is told."""
    for alert in active.values():
        for name, text in (*alert.labels, *alert.annotations.items()):
            if text.startswith(FAILED):
                return (f"{name}: {text}",)
    return ()


def _recorded(rule: RecordingRule, found: Sequence[VectorSample], limit: int) -> dict[Labels, float]:
    samples: dict[Labels, float] = {}
    for sample in found:
        labels = {**dict(sample.labels), "__name__": rule.name, **rule.labels}
        key = tuple(sorted((name, value) for name, value in labels.items() if value))
        if key in samples:
            raise RuleError("vector contains metrics with the same labelset after applying rule labels")
        samples[key] = sample.value
    if 0 < limit < len(samples):
        raise RuleError(f"exceeded limit of {limit} with {len(samples)} series")
    return samples
