"""What is declared of metrics: who is scraped, which rules are evaluated, how long samples are kept."""

from dataclasses import dataclass
from pathlib import Path

from stationmaster.core.address import Address
from stationmaster.core.problem import NOWHERE, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapeJob:
    """Targets that tell metrics in Prometheus' text format, in the words of its `scrape_config`.

    `interval_ms` and `timeout_ms` None mean those of `Monitoring`; a scrape with more samples or bytes than its limits
    counts as failed. `token_file` holds a bearer token.
    """

    name: str
    targets: tuple[Address, ...]
    labels: tuple[tuple[str, str], ...] = ()
    path: str = "/metrics"
    scheme: str = "http"
    interval_ms: int | None = None
    timeout_ms: int | None = None
    honor_labels: bool = False
    sample_limit: int = 200_000
    body_limit_bytes: int = 64_000_000
    token_file: Path | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalPrometheus:
    """A Prometheus of the users' own, which answers queries and rules in place of the monitor's own store."""

    url: str
    token_file: Path | None = None
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A dead man's switch: `url` is asked every `interval_ms` for as long as rules are really evaluated."""

    url: str
    interval_ms: int = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Where spans go (OTLP over HTTP) and which share of the requests is traced, 0 to 1."""

    endpoint: str
    ratio: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What is scraped and evaluated how often, and for how long samples are kept."""

    scrape_interval_ms: int = 15_000
    scrape_timeout_ms: int = 10_000
    evaluation_interval_ms: int = 15_000
    retention_s: int = 15 * 24 * 3600
    scrape: tuple[ScrapeJob, ...] = ()
    rules: tuple[Path, ...] = ()
    """Prometheus rule files; the last part of a path may hold `*`."""
    runbook_rules: bool = True
    """Whether limits and queries of the runbooks are evaluated as rules."""
    prometheus: ExternalPrometheus | None = None
    heartbeat: Heartbeat | None = None
    traces: Traces | None = None
    budget_alerts_end_within_s: int | None = None
    """So long after the last bad request alerts of error budgets end at the latest. None: after their short windows."""
    state_limit_bytes: int | None = None
    """What the state folder may take; an alert fires when a tenth of it is left. None: as much as its disk has."""
