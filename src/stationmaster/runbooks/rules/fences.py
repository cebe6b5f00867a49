"""Finds whole alert rules that a runbook shows as YAML, each with its line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.lines import Lines

_FENCE = re.compile(r"^(?P<indent>[ >\t]*)(?P<mark>`{3,}|~{3,})[ \t]*(?P<word>[\w-]*)")
_LANGUAGES = frozenset({"", "yaml", "yml", "prometheus", "promql", "text"})
_LIKELY = re.compile(r"^\s*-?\s*alert\s*:", re.MULTILINE)
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS_MS = (604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_BYTES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRule:
    """A rule as the document has it; `problem` says in words why it cannot be used. `block` are the lines of the whole
    block that it stands in."""

    name: str
    line: int
    block: Lines
    expr: str = ""
    for_ms: int = 0
    keep_firing_ms: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def shown_rules(runbook: Runbook) -> tuple[ShownRule, ...]:
    return tuple(rule for line, text in _fences(runbook) for rule in _rules(line, text))


def _fences(runbook: Runbook) -> Iterator[tuple[int, str]]:
    """The blocks that hold an alert rule, with the line on which their text begins."""
    for section in runbook.sections:
        if "alert" not in section.text:
            continue
        lines = section.text.split("\n")
        first = max(section.lines.last - len(lines) + 1, section.lines.first)
        at = 0
        while at < len(lines):
            opening = _FENCE.match(lines[at])
            at += 1
            if opening is None:
                continue
            start = at
            while at < len(lines) and not lines[at].strip(" >\t").startswith(opening["mark"]):
                at += 1
            text = "\n".join(_unindented(line, opening["indent"]) for line in lines[start:at])
            at += 1
            if opening["word"].lower() in _LANGUAGES and _LIKELY.search(text) and len(text) <= _MOST_BYTES:
                yield first + start, text


def _unindented(line: str, indent: str) -> str:
    return line[len(indent) :] if line[: len(indent)].strip(" >\t") == "" else line


def _rules(first: int, text: str) -> Iterator[ShownRule]:
    """A list of rules, one rule, a rule file, or a `PrometheusRule` of Kubernetes."""
    block = Lines(first=first, last=first + text.count("\n"))
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        name = re.search(r"^\s*-?\s*alert\s*:\s*[\"']?([\w.-]+)", text, re.MULTILINE)
        mark = getattr(error, "problem_mark", None)
        where = first + mark.line if mark is not None else first
        why = getattr(error, "problem", None) or "it is no text"
        yield ShownRule(name=name[1] if name else "", line=where, block=block, problem=f"the block is no YAML: {why}")
        return
    for document in documents:
        for node in _alerts(document, 0):
            yield _rule(node, block)


def _alerts(node: yaml.Node | None, depth: int) -> Iterator[yaml.MappingNode]:
    if depth > 8:
        return
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _alerts(each, depth + 1)
    elif isinstance(node, yaml.MappingNode):
        if _value(node, "alert") is not None or _value(node, "record") is not None:
            yield node
            return
        for key in ("groups", "spec", "rules"):
            yield from _alerts(_value(node, key), depth + 1)


def _rule(node: yaml.MappingNode, block: Lines) -> ShownRule:
    texts = {key: value.value for key, value in _pairs(node) if isinstance(value, yaml.ScalarNode)}
    durations = {key: _milliseconds(texts.get(key, "")) for key in ("for", "keep_firing_for")}
    labels, annotations = _texts(_value(node, "labels")), _texts(_value(node, "annotations"))
    name, expr = (texts.get("alert") or texts.get("record") or "").strip(), texts.get("expr", "").strip()
    problem = ""
    if "record" in texts:
        problem = "it is a recording rule: it alerts nobody"
    elif not name or "{{" in name:
        problem = "it names no alert"
    elif not expr:
        problem = "it has no expression"
    elif wrong := next((key for key, value in durations.items() if value is None), ""):
        problem = f"'{wrong}: {texts[wrong]}' is no duration"
    elif bad := next((each for each in (*labels, *annotations) if not _LABEL.fullmatch(each)), ""):
        problem = f"'{bad}' is no name of a label"
    return ShownRule(
        name=name,
        line=block.first + node.start_mark.line,
        block=block,
        expr=expr,
        for_ms=durations["for"] or 0,
        keep_firing_ms=durations["keep_firing_for"] or 0,
        labels=labels,
        annotations=annotations,
        problem=problem,
    )


def _milliseconds(text: str) -> int | None:
    """Of a duration as Prometheus writes it; 0 where there is none, None where it is wrong."""
    if text in {"", "0"}:
        return 0
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    return sum(int(count) * size for count, size in zip(found.groups(), _UNITS_MS, strict=True) if count)


def _value(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in _pairs(node) if name == key), None)


def _pairs(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(str(key.value), value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]


def _texts(node: yaml.Node | None) -> dict[str, str]:
    return {key: str(value.value) for key, value in _pairs(node) if isinstance(value, yaml.ScalarNode)}
