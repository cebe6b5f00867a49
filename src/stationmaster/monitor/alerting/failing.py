"""The alert that rules cannot be evaluated: after three failures in a row, until they go well again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from stationmaster.core.rules import AlertingRule, RuleGroup
from stationmaster.monitor.alerting.changes import Change
from stationmaster.monitor.alerting.evaluate import RuleMemory
from stationmaster.monitor.alerting.prepared import Prepared, group_key
from stationmaster.monitor.alerting.states import ActiveAlert, Phase, Step, Transition
from stationmaster.monitor.alerting.wording import place

FAILURES: Final = 3

_RULE: Final = AlertingRule(name="RuleEvaluationFailing", expr="the evaluation of rules")


def failing_keys(group: RuleGroup, rules: Sequence[Prepared]) -> Iterator[str]:
    """The keys under which these alerts are kept: one for every rule, and one for all of them together."""
    yield _group_key(group)
    for each in rules:
        yield _rule_key(each)


def failing_changes(
    group: RuleGroup,
    memories: Sequence[tuple[Prepared, RuleMemory]],
    known: Mapping[str, ActiveAlert],
    at_ms: int,
) -> Iterator[Change]:
    """`known` are those that fire, by their key. Where all rules of a group fail, one alert tells of all of them: an
    outage of whoever answers queries is one thing that is wrong."""
    failing = [(each, memory) for each, memory in memories if memory.failures >= FAILURES]
    recovered = {_rule_key(each) for each, memory in memories if memory.failures == 0}
    wanted = _wanted(group, memories, failing, at_ms)
    for key, (rule, alert) in wanted.items():
        if key not in known:
            yield Change(key=key, rule=rule, transition=Transition(step=Step.FIRED, alert=alert), at_ms=at_ms)
    together = _group_key(group) in wanted
    for key, alert in known.items():
        if key not in wanted and (together or key in recovered or key == _group_key(group)):
            why = "it is told of all rules of the group now" if together else "rules are evaluated again"
            transition = Transition(step=Step.RESOLVED, alert=alert)
            yield Change(key=key, rule=_RULE, transition=transition, at_ms=at_ms, why=why)


def _wanted(
    group: RuleGroup,
    memories: Sequence[tuple[Prepared, RuleMemory]],
    failing: Sequence[tuple[Prepared, RuleMemory]],
    at_ms: int,
) -> dict[str, tuple[AlertingRule, ActiveAlert]]:
    if len(failing) == len(memories) > 1:
        rule = replace(_RULE, origin=group.origin)
        return {_group_key(group): (rule, _group_alert(group, failing, at_ms))}
    return {
        _rule_key(each): (
            replace(_RULE, expr=each.rule.expr, origin=each.rule.origin),
            _rule_alert(group, each, memory, at_ms),
        )
        for each, memory in failing
    }


def _rule_key(each: Prepared) -> str:
    return f"failing/{each.key}"


def _group_key(group: RuleGroup) -> str:
    return f"failing/{group_key(group)}"


def _rule_alert(group: RuleGroup, each: Prepared, memory: RuleMemory, at_ms: int) -> ActiveAlert:
    where = place(each.rule.origin)
    annotations = {
        "summary": f"Rule {each.rule.name} of group {group.name} cannot be evaluated: {memory.last_error}",
        "description": f"It failed {memory.failures} times in a row{f' ({where})' if where else ''}. "
        "Its alerts stay as they were until it goes well again.",
    }
    return _alert({"rule": each.rule.name, "rule_group": group.name, "rule_id": each.key}, annotations, memory, at_ms)


def _group_alert(group: RuleGroup, failing: Sequence[tuple[Prepared, RuleMemory]], at_ms: int) -> ActiveAlert:
    _, memory = failing[0]
    annotations = {
        "summary": f"None of the {len(failing)} rules of group {group.name} can be evaluated: {memory.last_error}",
        "description": f"They failed {FAILURES} times in a row or more ({group.file}). "
        "Their alerts stay as they were until they go well again.",
    }
    return _alert({"rule_group": group.name, "rule_file": group.file}, annotations, memory, at_ms)


def _alert(labels: dict[str, str], annotations: dict[str, str], memory: RuleMemory, at_ms: int) -> ActiveAlert:
    named = {**labels, "alertname": _RULE.name, "severity": "warning"}
    return ActiveAlert(
        labels=tuple(sorted(named.items())),
        annotations=annotations,
        phase=Phase.FIRING,
        value=float(memory.failures),
        active_ms=at_ms,
        fired_ms=at_ms,
    )
