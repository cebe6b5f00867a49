"""What the monitor tells of its rules and scrapes to whoever asks over Prometheus' HTTP API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stationmaster.core.problem import Diagnostic
from stationmaster.core.rules import Rule, RuleGroup
from stationmaster.monitor.promql.samples import Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTold:
    """`state` is pending or firing; `keep_firing_since` is set while only `keep_firing_for` holds it."""

    labels: Labels
    annotations: Mapping[str, str]
    state: str
    active_at: datetime
    value: float
    keep_firing_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTold:
    """`health` is ok, err or unknown; a recording rule has no alerts."""

    rule: Rule
    health: str = "unknown"
    last_error: str = ""
    evaluation_s: float = 0.0
    last_evaluation: datetime | None = None
    alerts: Sequence[AlertTold] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTold:
    """`interval_ms` is the one that is kept, be it the group's own or the platform's."""

    group: RuleGroup
    interval_ms: int
    rules: Sequence[RuleTold]
    evaluation_s: float = 0.0
    last_evaluation: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTold:
    """`health` is up, down or unknown; `last_error` is empty where the last scrape went well."""

    job: str
    url: str
    labels: Mapping[str, str]
    health: str
    interval_ms: int
    timeout_ms: int
    last_error: str = ""
    last_scrape: datetime | None = None
    last_duration_s: float = 0.0
    discovered_labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The monitor's state, read at the moment of each request."""

    groups: Callable[[], Sequence[GroupTold]]
    targets: Callable[[], Sequence[TargetTold]]
    flags: Callable[[], Mapping[str, str]]
    retention: Callable[[], str]
    """As `15d`."""

    problems: Callable[[], Sequence[Diagnostic]] = tuple
    """Rules that do not load, and why."""
