"""Turns a limit that a runbook sets in prose into an alerting rule on the metrics that stand for it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from stationmaster.core.problem import Origin
from stationmaster.core.rules import AlertingRule
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.knowledge import Comparison, Threshold
from stationmaster.runbooks.rules.derived import DerivedRule, Known
from stationmaster.runbooks.rules.prose import holds_ms, severity, window
from stationmaster.runbooks.rules.subjects import is_foreign, measure_of, words_of
from stationmaster.runbooks.rules.table import HOLDS_MS, LEFT_OVER, QUANTILE, WAYS, WINDOW, Measure, Scope, Way

_SIGNS = {
    Comparison.ABOVE: ">",
    Comparison.AT_LEAST: ">=",
    Comparison.BELOW: "<",
    Comparison.AT_MOST: "<=",
    Comparison.EQUAL: "==",
}
_MISSED = {
    Comparison.ABOVE: Comparison.AT_MOST,
    Comparison.AT_LEAST: Comparison.BELOW,
    Comparison.BELOW: Comparison.AT_LEAST,
    Comparison.AT_MOST: Comparison.ABOVE,
}
"""When an objective with this comparison is missed."""
_LEAST = frozenset({Comparison.BELOW, Comparison.AT_MOST})
_MEAN = re.compile(r"\b(?:average|avg|mean)\b", re.IGNORECASE)
_METRIC_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]*(?:[_:][a-zA-Z0-9]+)+")
_DOWNS = frozenset({Measure.SERVICE_DOWN, Measure.INSTANCE_DOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A comparison with a number, for a measure or for the metric that it names itself."""

    measure: Measure | None
    metric: str
    comparison: Comparison
    value: float
    unit: str
    quantile: float | None
    text: str
    origin: Origin
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """ "> 5%", as the label `threshold` has it."""
        return f"{_SIGNS[self.comparison]} {self.value:.10g}{self.unit}"


def limit_of(threshold: Threshold, runbook: Runbook) -> Limit:
    measure = measure_of(threshold.metric, around=" ".join((runbook.title, *map(words_of, runbook.match.alerts))))
    if measure is not None and threshold.comparison in _LEAST:
        measure = LEFT_OVER.get(measure, measure)
    return Limit(
        measure=measure,
        metric=threshold.metric.strip("`"),
        comparison=threshold.comparison,
        value=threshold.value,
        unit=threshold.unit,
        quantile=threshold.quantile,
        text=threshold.text,
        origin=Origin(file=runbook.file, line=threshold.line),
    )


def as_objective(limit: Limit) -> str:
    """The limit as an objective of an API, where it can be one."""
    if limit.measure is Measure.ERROR_RATE and limit.unit == "%" and limit.comparison in _LEAST:
        return f"{100 - limit.value:.10g}% over 30d"
    if limit.measure is Measure.SUCCESS_RATE and limit.unit == "%" and limit.comparison not in _LEAST:
        return f"{limit.value:.10g}% over 30d"
    if limit.measure is Measure.LATENCY and limit.unit == "s" and limit.quantile and limit.comparison in _LEAST:
        return f"{limit.quantile * 100:.10g}% under {limit.value * 1000:g}ms over 30d"
    return ""


def missed(limit: Limit) -> Limit:
    """The limit of an alert that says that an objective is missed; ValueError where there is none."""
    if limit.comparison not in _MISSED:
        raise ValueError("is missed by any other value")
    return replace(limit, comparison=_MISSED[limit.comparison])


def rule_of(name: str, limit: Limit, runbook: Runbook, known: Known) -> DerivedRule:
    """ValueError says in words why there is none."""
    if limit.measure is None:
        return _own_metric(name, limit, runbook, known)
    way = _way(limit, known)
    if way.scope is Scope.API and name in runbook.match.alerts and is_foreign(name, _subjects(runbook)):
        raise ValueError(f"is of {name}, which is about something else than what callers of APIs see")
    left, notes = _left_side(way, limit)
    expr = f"{left} {_SIGNS[limit.comparison]} {limit.value / way.divisor:.10g}"
    expr = _filled(f"{expr} and {way.guard}" if way.guard else expr, way, limit, runbook, known)
    place = f" in {known.environment}" if known.environment else ""
    subject = f"{way.about}{place}: {way.measure.value} {{{{ $value | {way.shown} }}}} ({limit.shown})"
    if way.measure in _DOWNS:
        subject = f"{way.about}{place}: {way.measure.value}"
    return _derived(name, expr, limit, runbook, known, way=way, subject=subject, notes=(*limit.notes, *notes))


def _own_metric(name: str, limit: Limit, runbook: Runbook, known: Known) -> DerivedRule:
    if not _METRIC_NAME.fullmatch(limit.metric):
        raise ValueError(f"speaks of '{limit.metric}', for which there is no metric")
    value = limit.value / 100 if limit.unit == "%" else limit.value
    expr = f"{limit.metric} {_SIGNS[limit.comparison]} {value:.10g}"
    subject = f"{limit.metric} is {{{{ $value }}}} ({limit.shown})"
    return _derived(name, expr, limit, runbook, known, way=None, subject=subject, notes=limit.notes)


def _way(limit: Limit, known: Known) -> Way:
    """The first whose metrics exist; where none does, or nobody knows, the first."""
    fitting = [way for way in WAYS if way.measure is limit.measure]
    if not fitting:
        raise ValueError(
            f"speaks of {limit.measure.value if limit.measure else limit.metric} alone, which has no number"
        )
    same_unit = [way for way in fitting if way.unit == limit.unit]
    if not same_unit:
        units = " or ".join(way.unit or "a plain number" for way in fitting)
        given = f"in '{limit.unit}'" if limit.unit else "a number without a unit"
        raise ValueError(f"limits the {fitting[0].measure.value} by {given}; it is measured in {units}")
    mean = bool(_MEAN.search(limit.text)) and limit.quantile is None
    same_kind = [way for way in same_unit if way.mean is mean] or same_unit
    exist = [way for way in same_kind if not missing(way.reads, known)]
    return (exist or same_kind)[0]


def _left_side(way: Way, limit: Limit) -> tuple[str, tuple[str, ...]]:
    if "$QUANTILE" not in way.expr:
        return way.expr, ()
    if limit.quantile is not None:
        return way.expr.replace("$QUANTILE", f"{limit.quantile:g}"), ()
    note = f"it names no percentile: the {QUANTILE * 100:g}th is taken"
    return way.expr.replace("$QUANTILE", f"{QUANTILE:g}"), (note,)


def _filled(expr: str, way: Way, limit: Limit, runbook: Runbook, known: Known) -> str:
    """With the time over which it is measured, narrowed to the subject of the runbook."""
    matcher = _matcher(way, runbook, known)
    expr = expr.replace("$WINDOW", window(limit.text) or WINDOW)
    return expr.replace("$ONLY", f"{{{matcher}}}" if matcher else "").replace("$AND", f",{matcher}" if matcher else "")


def _matcher(way: Way, runbook: Runbook, known: Known) -> str:
    """What narrows it to the subject of the runbook."""
    names = {Scope.API: known.apis, Scope.INSTANCE: known.services, Scope.NODE: frozenset[str]()}[way.scope]
    name = next((each for each in _subjects(runbook) if each in names), "")
    return f'{way.scope.value}="{name}"' if name else ""


def _subjects(runbook: Runbook) -> tuple[str, ...]:
    return (runbook.match.service, runbook.service, runbook.about.component)


def missing(metrics: Iterable[str], known: Known) -> tuple[str, ...]:
    """Those that have no series; none where nobody knows."""
    if known.metrics is None:
        return ()
    there = known.metrics()
    return tuple(each for each in metrics if each not in there)


def nobody_tells(metrics: Iterable[str], known: Known) -> tuple[str, ...]:
    lacking = missing(metrics, known)
    return (f"reads {', '.join(lacking)}, which no scrape gives",) if lacking else ()


def _derived(
    name: str, expr: str, limit: Limit, runbook: Runbook, known: Known, *, way: Way | None, subject: str,
    notes: tuple[str, ...],
) -> DerivedRule:  # fmt: skip
    held = holds_ms(limit.text)
    own = name in runbook.match.alerts or name not in runbook.knowledge.alerts
    down = way is not None and way.measure in _DOWNS
    if held is None and not down:
        notes = (*notes, f"it does not say for how long: {HOLDS_MS // 1000} s are taken")
    return DerivedRule(
        rule=AlertingRule(
            name=name,
            expr=expr,
            for_ms=held if held is not None else 0 if down else HOLDS_MS,
            labels={
                **labels_of(runbook, known, per_instance=way is not None and way.scope is Scope.INSTANCE),
                "severity": severity(runbook, limit.origin.line, f"{limit.value:g}", own=own),
                **({} if down else {"threshold": limit.shown}),
            },
            annotations={"summary": f"{name}: {subject}", **links(runbook, limit.origin, limit.text)},
            origin=limit.origin,
        ),
        text=limit.text,
        why=way.why if way is not None else "the runbook names the metric itself",
        notes=(*notes, *nobody_tells(way.reads if way is not None else (limit.metric,), known)),
    )


def labels_of(runbook: Runbook, known: Known, *, per_instance: bool) -> dict[str, str]:
    """By the service its runbook is found again; series of instances have the label of their own."""
    service = runbook.match.service or runbook.service
    labels = {"environment": known.environment} if known.environment else {}
    return labels | ({"service": literal(service)} if service and not per_instance else {})


def links(runbook: Runbook, origin: Origin, text: str) -> dict[str, str]:
    link = runbook.about.link
    place = f"{origin.file}:{origin.line}"
    said = {"description": literal(text)} if text else {}
    return {**said, "runbook": literal(place), "runbook_url": literal(link if "://" in link else place)}


def literal(text: str) -> str:
    """Words of a document as a template that gives just them."""
    return text.replace("{{", '{{ "{{" }}')
