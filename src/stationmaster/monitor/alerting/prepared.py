"""Rules made ready for evaluation: identified, with their templates compiled."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from stationmaster.core.rules import AlertingRule, Rule, RuleGroup
from stationmaster.monitor.alerting.template.errors import TemplateError
from stationmaster.monitor.alerting.template.expand import Template, compile_template
from stationmaster.monitor.alerting.template.functions import Surroundings
from stationmaster.monitor.alerting.template.values import Data


@dataclass(frozen=True, slots=True)
class Written:
    """The text of one label or annotation: fixed, a template, or one that cannot be one (`error`)."""

    text: str
    template: Template | None = None
    error: str = ""

    def expand(self, data: Data, given: Surroundings) -> str:
        """A template that fails gives its error as text, as Prometheus has it."""
        if self.template is None:
            return _failed(self.error) if self.error else self.text
        try:
            return self.template.expand(data, given)
        except TemplateError as error:
            return _failed(str(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """`key` identifies the rule for as long as its file, group, name and labels stay; `rule.labels` hold those of its
    group."""

    key: str
    rule: Rule
    labels: tuple[tuple[str, Written], ...] = ()
    annotations: tuple[tuple[str, Written], ...] = ()

    @property
    def stream(self) -> str:
        return f"rule/{self.key}"


FAILED = "<error expanding template: "


def prepared(group: RuleGroup) -> tuple[Prepared, ...]:
    """Its rules in their order."""
    return tuple(_prepared(rule, key) for rule, key in _keyed(group))


def with_labels_of(rule: Rule, group: RuleGroup) -> Rule:
    """The rule with the labels of its group, where it does not say otherwise."""
    return replace(rule, labels={**group.labels, **rule.labels}) if group.labels else rule


def _keyed(group: RuleGroup) -> Iterator[tuple[Rule, str]]:
    seen: dict[str, int] = {}
    for each in group.rules:
        rule = with_labels_of(each, group)
        parts = (group.file, group.name, type(rule).__name__, rule.name, *_flat(rule.labels))
        digest = _digest(parts)
        seen[digest] = seen.get(digest, 0) + 1
        yield rule, digest if seen[digest] == 1 else _digest((digest, str(seen[digest])))


def group_key(group: RuleGroup) -> str:
    return _digest((group.file, group.name))


def _flat(labels: Mapping[str, str]) -> Iterator[str]:
    for pair in sorted(labels.items()):
        yield from pair


def _digest(parts: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.hexdigest()[:20]


def _prepared(rule: Rule, key: str) -> Prepared:
    if not isinstance(rule, AlertingRule):
        return Prepared(key=key, rule=rule, labels=tuple((name, Written(text)) for name, text in rule.labels.items()))
    return Prepared(
        key=key, rule=rule, labels=_texts(rule.name, rule.labels), annotations=_texts(rule.name, rule.annotations)
    )


def _texts(alert: str, texts: Mapping[str, str]) -> tuple[tuple[str, Written], ...]:
    return tuple((name, _written(alert, text)) for name, text in texts.items())


def _written(alert: str, text: str) -> Written:
    if "{{" not in text:
        return Written(text)
    try:
        return Written(text, compile_template(text, alert))
    except TemplateError as error:
        return Written(text, error=f"error parsing template __alert_{alert}: {error}")


def _failed(why: str) -> str:
    return f"{FAILED}{why}>"
