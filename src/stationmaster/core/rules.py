"""Alerting and recording rules in Prometheus' words, whoever wrote them: a rule file, a runbook, an objective."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from stationmaster.core.problem import NOWHERE, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertingRule:
    """Fires for every series that `expr` (PromQL) gives, once it has been given for `for_ms` without a gap.

    `labels` and `annotations` are templates in the syntax of Prometheus' rule files; `keep_firing_ms` is how long an
    alert goes on after its series is gone.
    """

    name: str
    expr: str
    for_ms: int = 0
    keep_firing_ms: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRule:
    """Writes what `expr` gives as series of the metric `name`."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = NOWHERE


Rule: TypeAlias = AlertingRule | RecordingRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Rules that are evaluated in their order at one moment.

    `file` and `name` together are unique. `interval_ms` None means the platform's evaluation interval; `limit` bounds
    the series or alerts of one rule (0: no bound); `query_offset_ms` evaluates so far in the past; `labels` are added
    to every rule that does not say otherwise.
    """

    name: str
    file: str
    rules: tuple[Rule, ...]
    interval_ms: int | None = None
    limit: int = 0
    query_offset_ms: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = NOWHERE
