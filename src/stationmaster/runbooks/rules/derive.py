"""Derives alerting rules from runbooks: rules that they show, expressions that they say an alert has, limits in their
prose, and alerts that they only name."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from stationmaster.core.problem import Origin
from stationmaster.core.rules import AlertingRule
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.knowledge import Comparison, Query, Use
from stationmaster.runbooks.rules.derived import Derived, DerivedRule, Known, NoRule
from stationmaster.runbooks.rules.fences import ShownRule, shown_rules
from stationmaster.runbooks.rules.limits import (
    Limit,
    as_objective,
    labels_of,
    limit_of,
    links,
    missed,
    nobody_tells,
    rule_of,
)
from stationmaster.runbooks.rules.names import MADE_UP, is_name, line_of_name, name_of, unnamed
from stationmaster.runbooks.rules.promql import read_expression
from stationmaster.runbooks.rules.prose import downs_of, holds_ms, severity
from stationmaster.runbooks.rules.subjects import measure_of, words_of
from stationmaster.runbooks.rules.table import RUNS_OUT, Measure

_NOTHING = Known()
_OF_AN_ALERT = re.compile(
    r"\balert(?:ing)? (?:expr\w*|rule|condition|query|definition)\b|\bthe alert (?:is|uses|fires)\b"
    r"|\b(?:fires|alerts|triggers?|triggered) (?:when|if|on)\b",
    re.IGNORECASE,
)
_DOWNS = frozenset({Measure.SERVICE_DOWN, Measure.INSTANCE_DOWN})


def rules_of(runbooks: Sequence[Runbook], known: Known = _NOTHING) -> Derived:
    """The rules of all of them, in their order; what says the same a second time is folded into the first and told."""
    desk = _Desk(known=known)
    current = [each for each in runbooks if not each.retired]
    for runbook in current:
        desk.work(runbook)
    for runbook in current:
        desk.name_the_rest(runbook)
    order = {runbook.file: at for at, runbook in enumerate(runbooks)}
    rules = sorted(desk.rules, key=lambda each: (order[each.rule.origin.file], each.rule.origin.line))
    folded, doubles = _folded(rules)
    left_out = sorted((*desk.left_out, *doubles), key=lambda each: (order[each.origin.file], each.origin.line))
    return Derived(rules=folded, left_out=tuple(left_out))


@dataclass(slots=True, kw_only=True)
class _Desk:
    """What has been found so far; `limits` are those that alerts without one of their own may take, each with the
    runbook that sets it."""

    known: Known
    rules: list[DerivedRule] = field(default_factory=list)
    left_out: list[NoRule] = field(default_factory=list)
    limits: list[tuple[Limit, Runbook]] = field(default_factory=list)

    def work(self, runbook: Runbook) -> None:
        shown = shown_rules(runbook)
        for each in shown:
            self._take_shown(each, runbook)
        for query in runbook.knowledge.queries:
            if query.language == "promql" and not _is_within(query, shown):
                self._take_query(query, runbook)
        self._take_limits(runbook)
        self._take_downs(runbook)

    def name_the_rest(self, runbook: Runbook) -> None:
        """Alerts that the runbook names without a limit: by what their names speak of."""
        taken = [each.rule.name for each in self.rules] + [each.name for each in self.left_out]
        for name in unnamed(runbook, taken):
            origin = Origin(file=runbook.file, line=line_of_name(runbook, name))
            if name in self.known.raised:
                self._leave(name, name, origin, "the platform raises it by itself")
                continue
            try:
                self.rules.append(self._by_its_name(name, runbook, origin))
            except ValueError as error:
                self._leave(name, name, origin, str(error))

    def _take_shown(self, shown: ShownRule, runbook: Runbook) -> None:
        origin = Origin(file=runbook.file, line=shown.line)
        try:
            if shown.problem:
                raise ValueError(shown.problem)
            self.rules.append(self._as_shown(shown, runbook, origin))
        except ValueError as error:
            self._leave(shown.name, shown.expr or shown.name, origin, str(error))

    def _as_shown(self, shown: ShownRule, runbook: Runbook, origin: Origin) -> DerivedRule:
        reads = read_expression(shown.expr).metrics
        annotations = {**links(runbook, origin, ""), **shown.annotations}
        rule = AlertingRule(
            name=shown.name,
            expr=shown.expr,
            for_ms=shown.for_ms,
            keep_firing_ms=shown.keep_firing_ms,
            labels=shown.labels,
            annotations=annotations,
            origin=origin,
        )
        notes = nobody_tells(reads, self.known)
        return DerivedRule(rule=rule, text=shown.expr, why="the runbook shows the whole rule", notes=notes)

    def _take_query(self, query: Query, runbook: Runbook) -> None:
        origin = Origin(file=runbook.file, line=query.lines.first)
        try:
            expression = read_expression(query.text)
            if not expression.compares:
                raise ValueError("shows a number and compares it with nothing")
            name, notes = _said_to_alert(query, runbook), nobody_tells(expression.metrics, self.known)
        except ValueError as error:
            self._leave("", query.text, origin, str(error))
            return
        rule = AlertingRule(
            name=name,
            expr=query.text,
            for_ms=holds_ms(query.title) or 0,
            labels={
                **labels_of(runbook, self.known, per_instance=False),
                "severity": severity(runbook, query.lines.first, ""),
            },
            annotations={"summary": f"{name}: {{{{ $value | humanize }}}}", **links(runbook, origin, query.title)},
            origin=origin,
        )
        why = "the runbook says that this is the expression of the alert"
        self.rules.append(DerivedRule(rule=rule, text=query.text, why=why, notes=notes))

    def _take_limits(self, runbook: Runbook) -> None:
        alerts = [each for each in runbook.knowledge.thresholds if each.use is Use.ALERT]
        for threshold in runbook.knowledge.thresholds:
            limit = limit_of(threshold, runbook)
            if threshold.use is Use.OBJECTIVE:
                self._keep_objective(limit, runbook)
                continue
            name = name_of(runbook, threshold.metric, limit.measure, alone=len(alerts) == 1)
            self._append(name, limit, runbook)

    def _keep_objective(self, limit: Limit, runbook: Runbook) -> None:
        """An alert that is named without a limit may say that it is missed."""
        note = "the limit is an objective of the runbook; the alert says that it is missed"
        line = as_objective(limit)
        hint = f"; declare it for an API: '{line}'" if line else ""
        self._leave("", limit.text, limit.origin, f"is an objective, good while it holds{hint}")
        try:
            self.limits.append((replace(missed(limit), notes=(note,)), runbook))
        except ValueError:
            return

    def _take_downs(self, runbook: Runbook) -> None:
        for each in downs_of(runbook):
            measure = measure_of(each.text)
            origin = Origin(file=runbook.file, line=each.line)
            if measure in _DOWNS and measure is not None:
                name = name_of(runbook, each.text, measure, alone=False)
                self._append(name, _down(measure, each.text, origin), runbook)
            else:
                self._leave("", each.text, origin, "says that something is down of which no check tells")

    def _append(self, name: str, limit: Limit, runbook: Runbook) -> None:
        try:
            self.rules.append(rule_of(name, limit, runbook, self.known))
        except ValueError as error:
            self._leave(name, limit.text, limit.origin, str(error))
            return
        self.limits.append((limit, runbook))

    def _by_its_name(self, name: str, runbook: Runbook, origin: Origin) -> DerivedRule:
        words = words_of(name)
        measure = measure_of(words, around=runbook.title)
        if measure is None:
            raise ValueError(f"is named without a limit, and no metric stands for '{words}'")
        if measure in _DOWNS:
            return rule_of(name, _down(measure, name, origin), runbook, self.known)
        limit, lender = self._borrowed(measure, runbook)
        derived = rule_of(name, limit, runbook, self.known)
        place = f"{limit.origin.file}:{limit.origin.line}"
        annotations = {**derived.rule.annotations, **links(runbook, origin, limit.text)}
        worse = severity(lender, limit.origin.line, f"{limit.value:g}", own=lender is not runbook)
        labels = {**derived.rule.labels, "severity": worse}
        rule = replace(derived.rule, origin=origin, annotations=annotations, labels=labels)
        return replace(derived, rule=rule, notes=(f"its name sets no limit: taken from {place}", *derived.notes))

    def _borrowed(self, measure: Measure, runbook: Runbook) -> tuple[Limit, Runbook]:
        """Its own runbook's first, then that of another one about the same service; a limit of an alert before an
        objective. ValueError where there is none."""
        near = [each for each in self.limits if each[1] is runbook or _same_service(each[1], runbook)]
        near.sort(key=lambda each: (each[1] is not runbook, bool(each[0].notes)))
        for wanted in RUNS_OUT if measure is Measure.CAPACITY else (measure,):
            for limit, lender in near:
                if limit.measure is wanted:
                    return limit, lender
        raise ValueError(f"is named without a limit, and no runbook of its service sets one for the {measure.value}")

    def _leave(self, name: str, text: str, origin: Origin, why: str) -> None:
        self.left_out.append(NoRule(name=name, text=text, origin=origin, why=why))


def _same_service(one: Runbook, other: Runbook) -> bool:
    names = [re.sub(r"[\s_-]+", "_", (each.match.service or each.service).lower()) for each in (one, other)]
    return bool(names[0]) and names[0] == names[1]


def _down(measure: Measure, text: str, origin: Origin) -> Limit:
    """A check that succeeds is 1."""
    return Limit(
        measure=measure, metric="", comparison=Comparison.EQUAL, value=0, unit="", quantile=None, text=text,
        origin=origin,
    )  # fmt: skip


def _said_to_alert(query: Query, runbook: Runbook) -> str:
    """The alert that an expression is said to be of; ValueError where nothing says so."""
    section = next(
        (each for each in reversed(runbook.sections) if each.lines.first <= query.lines.first <= each.lines.last), None
    )
    heads = (query.title, section.title if section is not None else "")
    named = (*runbook.match.alerts, *runbook.knowledge.alerts)
    for head in heads:
        if (name := next((each for each in named if is_name(each) and each in head.split()), "")) and head:
            return name
    if any(_OF_AN_ALERT.search(head) for head in heads):
        return name_of(runbook, query.title, None, alone=True)
    raise ValueError("compares, but nothing says that an alert fires when it does")


def _is_within(query: Query, shown: Sequence[ShownRule]) -> bool:
    return any(each.block.first <= query.lines.first <= each.block.last for each in shown)


def _folded(rules: Sequence[DerivedRule]) -> tuple[tuple[DerivedRule, ...], list[NoRule]]:
    kept: list[DerivedRule] = []
    doubles: list[NoRule] = []
    for each in sorted(rules, key=_is_made_up):
        first, why = next(_doubles(each, kept), (None, ""))
        if first is None:
            kept.append(each)
            continue
        at = f"{first.rule.origin.file}:{first.rule.origin.line}"
        doubles.append(NoRule(name=each.rule.name, text=each.text, origin=each.rule.origin, why=f"{why} {at}"))
    return tuple(each for each in rules if each in kept), doubles


def _is_made_up(rule: DerivedRule) -> bool:
    """A name that a runbook uses itself is kept before one that was made of a title: it leads back to the runbook."""
    return rule.rule.name.startswith(MADE_UP)


def _doubles(rule: DerivedRule, kept: Sequence[DerivedRule]) -> Iterator[tuple[DerivedRule, str]]:
    for each in kept:
        same_file = each.rule.origin.file == rule.rule.origin.file
        if (each.rule.expr, each.rule.for_ms) == (rule.rule.expr, rule.rule.for_ms):
            yield each, f"is the same as {each.rule.name} of"
        elif each.rule.name == rule.rule.name and not same_file:
            yield each, "another runbook has an alert of this name before it:"
        elif each.rule.name == rule.rule.name and each.rule.labels == rule.rule.labels:
            yield each, "has the name and the labels of"
