"""Documents of Prometheus' HTTP API, as they go over the wire."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

import msgspec

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""How Go writes a moment that has not come yet."""


class Said(msgspec.Struct, kw_only=True, rename="camel"):
    """What the API says; names are Prometheus'."""


class Failure(Said):
    error_type: str
    error: str
    """With a hint, behind a line of its own that begins with `hint: `."""
    status: str = "error"


class SaidAlert(Said):
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    active_at: datetime
    value: str
    keep_firing_since: datetime | msgspec.UnsetType = msgspec.UNSET


class SaidAlerts(Said):
    alerts: Sequence[SaidAlert]


class AlertingRuleSaid(Said):
    state: str
    name: str
    query: str
    duration: float
    keep_firing_for: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    alerts: Sequence[SaidAlert] | msgspec.UnsetType
    health: str
    evaluation_time: float
    last_evaluation: datetime
    last_error: str | msgspec.UnsetType = msgspec.UNSET
    type: str = "alerting"


class RecordingRuleSaid(Said):
    name: str
    query: str
    health: str
    evaluation_time: float
    last_evaluation: datetime
    labels: Mapping[str, str] | msgspec.UnsetType = msgspec.UNSET
    last_error: str | msgspec.UnsetType = msgspec.UNSET
    type: str = "recording"


RuleSaid: TypeAlias = AlertingRuleSaid | RecordingRuleSaid


class GroupSaid(Said):
    name: str
    file: str
    rules: Sequence[RuleSaid]
    interval: float
    limit: int
    evaluation_time: float
    last_evaluation: datetime


class ProblemSaid(Said):
    file: str
    line: int
    column: int
    severity: str
    code: str
    message: str
    hint: str


class GroupsSaid(Said):
    """`problems` is ours: Prometheus refuses a rule file as a whole, and has nothing to tell of single rules."""

    groups: Sequence[GroupSaid]
    problems: Sequence[ProblemSaid] | msgspec.UnsetType = msgspec.UNSET


class TargetSaid(Said):
    discovered_labels: Mapping[str, str]
    labels: Mapping[str, str]
    scrape_pool: str
    scrape_url: str
    global_url: str
    last_error: str
    last_scrape: datetime
    last_scrape_duration: float
    health: str
    scrape_interval: str
    scrape_timeout: str


class TargetsSaid(Said):
    active_targets: Sequence[TargetSaid]
    dropped_targets: Sequence[Mapping[str, str]] = ()
    dropped_target_counts: Mapping[str, int] = {}


class DescribedSaid(Said):
    type: str
    help: str
    unit: str


class BuildSaid(Said):
    version: str
    revision: str
    branch: str
    build_user: str
    build_date: str
    go_version: str


class RuntimeSaid(msgspec.Struct, kw_only=True):
    """Go's own numbers (GOGC, GODEBUG) are empty: there is no Go here."""

    start_time: datetime = msgspec.field(name="startTime")
    cwd: str = msgspec.field(name="CWD")
    hostname: str
    server_time: datetime = msgspec.field(name="serverTime")
    reload_config_success: bool = msgspec.field(name="reloadConfigSuccess")
    last_config_time: datetime = msgspec.field(name="lastConfigTime")
    corruption_count: int = msgspec.field(name="corruptionCount")
    goroutine_count: int = msgspec.field(name="goroutineCount")
    """Threads."""
    gomaxprocs: int = msgspec.field(name="GOMAXPROCS")
    storage_retention: str = msgspec.field(name="storageRetention")
    gogc: str = msgspec.field(name="GOGC", default="")
    godebug: str = msgspec.field(name="GODEBUG", default="")


class Timings(Said):
    """Seconds."""

    eval_total_time: float
    result_sort_time: float
    query_preparation_time: float
    inner_eval_time: float
    exec_queue_time: float
    exec_total_time: float


class Stats(Said):
    timings: Timings
