"""Reads one rule of a rule file, and checks its query and its templates."""

import re
from dataclasses import dataclass

from stationmaster.core.rules import AlertingRule, RecordingRule, Rule
from stationmaster.manifest.nodes import Node, quoted
from stationmaster.manifest.problems import Problems
from stationmaster.monitor.alerting.rule_fields import Fields
from stationmaster.monitor.alerting.template.errors import TemplateError
from stationmaster.monitor.alerting.template.expand import compile_template
from stationmaster.monitor.promql.engine import parse
from stationmaster.monitor.promql.results import QueryError

_FIELDS = ("alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations")
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True)
class RuleReader:
    problems: Problems

    def read(self, node: Node) -> Rule | None:
        """None for a rule that cannot be used; why is in the problems."""
        fields = Fields.of(node, self.problems, "a rule", _FIELDS)
        if fields is None:
            return None
        alert, record = fields.text("alert"), fields.text("record")
        if bool(alert) == bool(record):
            said = "both `alert` and `record`" if alert else "neither `alert` nor `record`"
            fields.refuse("bad-rule", f"the rule says {said}", "give it one of the two")
            return None
        expr = self._expr(fields)
        rule = self._alerting(fields, alert, expr) if alert else self._recording(fields, record, expr)
        return None if fields.wrong else rule

    def _expr(self, fields: Fields) -> str:
        text = fields.text("expr")
        if not text.strip():
            fields.refuse("no-expr", "the rule has no `expr`", "say in PromQL what it evaluates", "expr")
            return ""
        try:
            parse(text)
        except QueryError as error:
            hint = error.hint or "try it with `stationmaster query`"
            fields.refuse("bad-expr", f"the query is refused: {error.message}", hint, "expr")
        return text

    def _alerting(self, fields: Fields, name: str, expr: str) -> Rule:
        rule = AlertingRule(
            name=name,
            expr=expr,
            for_ms=fields.duration("for"),
            keep_firing_ms=fields.duration("keep_firing_for"),
            labels=fields.labels("labels", "label"),
            annotations=fields.labels("annotations", "annotation"),
            origin=fields.origin(),
        )
        self._check_templates(fields, rule)
        return rule

    def _check_templates(self, fields: Fields, rule: AlertingRule) -> None:
        for name, texts in (("labels", rule.labels), ("annotations", rule.annotations)):
            for key, text in texts.items():
                try:
                    compile_template(text, rule.name)
                except TemplateError as error:
                    fields.wrong = True
                    message = f"the template of the {name[:-1]} {quoted(key)} is refused: {error}"
                    hint = "templates are written as in Prometheus: {{ $labels.instance }}, {{ $value | humanize }}"
                    self.problems.add("bad-template", message, fields.value_origin(name, key), hint)

    def _recording(self, fields: Fields, name: str, expr: str) -> Rule:
        for misplaced in ("for", "keep_firing_for", "annotations"):
            if fields.has(misplaced):
                message = f"a recording rule has no {quoted(misplaced)}"
                fields.refuse("bad-rule", message, "remove it, or write `alert:` in place of `record:`", misplaced)
        if not _METRIC_NAME.fullmatch(name):
            message = f"{quoted(name)} is no name of a metric"
            fields.refuse("bad-metric-name", message, "names are letters, digits, _ and :", "record")
        return RecordingRule(name=name, expr=expr, labels=fields.labels("labels", "label"), origin=fields.origin())
