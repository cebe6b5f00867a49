"""Reads files of Prometheus alert rules: the alerts that they can fire, each with its line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import finding

_LARGEST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """`labels` are those that hold no template; `runbook_url` is the annotation of that name."""

    name: str
    file: str
    line: int
    labels: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    runbook_url: str = ""


def read_rules(path: Path) -> tuple[tuple[AlertRule, ...], tuple[Finding, ...]]:
    """Rule files as Prometheus has them, and `PrometheusRule` objects, several in a file where they are."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return (), (_broken(path, 1, f"it is larger than {_LARGEST_BYTES} bytes"),)
        documents = list(yaml.compose_all(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
    except OSError as error:
        return (), (_broken(path, 1, f"it cannot be read: {error.strerror}"),)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or "it is no YAML text"
        return (), (_broken(path, mark.line + 1 if mark else 1, str(why)),)
    rules = tuple(rule for document in documents for rule in _rules(document, path))
    if not rules:
        return (), (_broken(path, 1, "it holds no alert rule"),)
    return rules, ()


def _broken(path: Path, line: int, message: str) -> Finding:
    return finding("SM607", str(path), line, message, hint="name a rule file of Prometheus: groups, rules, alert")


def _rules(document: yaml.Node | None, path: Path) -> Iterator[AlertRule]:
    for group in _items(_value(document, "groups") or _value(_value(document, "spec"), "groups")):
        for rule in _items(_value(group, "rules")):
            name = _value(rule, "alert")
            if isinstance(name, yaml.ScalarNode) and name.value:
                yield _rule(rule, name, path)


def _rule(rule: yaml.Node, name: yaml.ScalarNode, path: Path) -> AlertRule:
    annotations = _texts(_value(rule, "annotations"))
    return AlertRule(
        name=str(name.value),
        file=str(path),
        line=name.start_mark.line + 1,
        labels={key: text for key, text in _texts(_value(rule, "labels")).items() if "{{" not in text},
        summary=annotations.get("summary", ""),
        runbook_url=annotations.get("runbook_url", ""),
    )


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    pairs = ((each.value, value) for each, value in node.value if isinstance(each, yaml.ScalarNode))
    return next((value for name, value in pairs if name == key), None)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _texts(node: yaml.Node | None) -> dict[str, str]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {
        str(key.value): str(value.value)
        for key, value in node.value
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
    }
