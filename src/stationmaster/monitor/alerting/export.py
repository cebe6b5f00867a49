"""Writes groups as a rule file that Prometheus and promtool take."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from stationmaster.core.rules import AlertingRule, Rule, RuleGroup
from stationmaster.monitor.alerting.durations import duration_text

WATCHDOG: Final = RuleGroup(
    name="stationmaster-watchdog",
    file="stationmaster",
    rules=(
        AlertingRule(
            name="Watchdog",
            expr="vector(1)",
            labels={"severity": "none"},
            annotations={"summary": "Always fires: when it is silent, alerts are not evaluated or do not arrive."},
        ),
    ),
)
"""An alert for the far end of somebody else's pipeline; nothing of the platform reads it."""


def rule_file(groups: Iterable[RuleGroup]) -> str:
    """YAML. Labels of a group are written into its rules, which older versions of Prometheus understand too; groups of
    one name from several files get numbers."""
    made: dict[str, int] = {}
    written = []
    for group in groups:
        made[group.name] = made.get(group.name, 0) + 1
        name = group.name if made[group.name] == 1 else f"{group.name} ({made[group.name]})"
        written.append(_group(group, name))
    return yaml.dump({"groups": written}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 30)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, lists indented."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _group(group: RuleGroup, name: str) -> dict[str, Any]:
    head = {
        "name": name,
        "interval": duration_text(group.interval_ms) if group.interval_ms else None,
        "query_offset": duration_text(group.query_offset_ms) if group.query_offset_ms else None,
        "limit": group.limit or None,
    }
    return _given(head) | {"rules": [_rule(each, group.labels) for each in group.rules]}


def _rule(rule: Rule, labels: Mapping[str, str]) -> dict[str, Any]:
    merged = {**labels, **rule.labels}
    if not isinstance(rule, AlertingRule):
        return _given({"record": rule.name, "expr": rule.expr, "labels": merged})
    return _given(
        {
            "alert": rule.name,
            "expr": rule.expr,
            "for": duration_text(rule.for_ms) if rule.for_ms else None,
            "keep_firing_for": duration_text(rule.keep_firing_ms) if rule.keep_firing_ms else None,
            "labels": merged,
            "annotations": dict(rule.annotations),
        }
    )


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
