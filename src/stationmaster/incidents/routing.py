"""Decides whom an alert leads to: its route, its escalation policy, its urgency."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from stationmaster.core.response import ChannelName, EscalationPolicy, LabelMatch, Urgency
from stationmaster.core.spec import PlatformSpec

_LOW = frozenset({"warning", "warn", "info", "informational", "none", "low", "ticket", "notice"})
_PATTERNS = 1000
_OPERATORS = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """`policy` None: the alert is recorded and pages nobody. `why` says which line decided."""

    policy: EscalationPolicy | None
    urgency: Urgency
    channels: tuple[ChannelName, ...]
    why: str


def route(spec: PlatformSpec, labels: Mapping[str, str]) -> Routed:
    """The first route that fits; else the policy of the alert's service; else that of all."""
    policies = {each.name: each for each in spec.escalation_policies}
    everybody = spec.incidents.channels
    for number, each in enumerate(spec.incidents.routes):
        if matches(each.matches, labels):
            named = ", ".join(map(written, each.matches))
            return Routed(
                policy=None if each.policy is None else policies.get(each.policy),
                urgency=each.urgency or urgency_of(labels),
                channels=tuple(dict.fromkeys((*each.channels, *everybody))),
                why=f"route {number + 1} ({named})",
            )
    service = next((each for each in spec.services if each.name == labels.get("service")), None)
    name, why = spec.incidents.policy, "the policy of all incidents"
    if service is not None and service.escalation_policy is not None:
        name, why = service.escalation_policy, f"the policy of the service {service.name}"
    policy = None if name is None else policies.get(name)
    return Routed(
        policy=policy,
        urgency=urgency_of(labels),
        channels=everybody,
        why=why if policy is not None else "no route fits, and no policy is declared",
    )


def urgency_of(labels: Mapping[str, str]) -> Urgency:
    """What says nothing of its severity is urgent."""
    return Urgency.LOW if labels.get("severity", "").lower() in _LOW else Urgency.HIGH


def matches(conditions: Sequence[LabelMatch], labels: Mapping[str, str]) -> bool:
    return all(_holds(each, labels.get(each.name, "")) for each in conditions)


def _holds(condition: LabelMatch, value: str) -> bool:
    same = _pattern(condition.value).fullmatch(value) is not None if condition.is_regex else value == condition.value
    return same is condition.is_equal


@lru_cache(maxsize=_PATTERNS)
def _pattern(text: str) -> Any:
    """Prometheus' expressions are RE2, and their dot takes line ends."""
    return re2.compile(f"(?s:{text})")


def written(condition: LabelMatch) -> str:
    """As Alertmanager writes it."""
    operator = _OPERATORS[condition.is_regex, condition.is_equal]
    escaped = condition.value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{condition.name}{operator}"{escaped}"'
