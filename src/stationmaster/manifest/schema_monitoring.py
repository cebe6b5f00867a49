"""What may be written of metrics: who is scraped, which rules are evaluated, where traces and heartbeats go."""

from typing import Annotated

from msgspec import Meta, field

from stationmaster.manifest.words import (
    AddressText,
    Count,
    Document,
    Duration,
    FileText,
    Interval,
    LabelName,
    Name,
    PathText,
    Percent,
    Reference,
    Retention,
    Scheme,
    Size,
    Status,
    Text,
    UrlText,
    Wait,
)

LabelValue = Annotated[str, Meta(max_length=1000, description="The value of a label.")]


class ScrapeDocument(Document, frozen=True):
    """Targets that tell metrics in Prometheus' text format. `interval` and `timeout` are those of `monitoring` where
    nothing is said; a scrape with more samples or bytes than its limits counts as failed."""

    name: Annotated[Name, Meta(description="The value of the label `job`.")]
    targets: Annotated[list[AddressText], Meta(min_length=1, max_length=1000)]
    labels: Annotated[dict[LabelName, LabelValue], Meta(max_length=50)] = field(default_factory=dict)
    path: PathText = "/metrics"
    scheme: Scheme = Scheme.HTTP
    interval: Interval | None = None
    timeout: Duration | None = None
    honor_labels: Annotated[bool, Meta(description="Labels of the target win over those of the job.")] = False
    sample_limit: Annotated[int, Meta(ge=1, le=5_000_000, description="The most samples of one scrape.")] = 200_000
    body_limit: Size = "64MB"
    token_file: Annotated[FileText | None, Meta(description="A file that holds a bearer token.")] = None


class PrometheusDocument(Document, frozen=True):
    """A Prometheus of your own, which answers queries and rules in place of the built-in store."""

    url: UrlText
    token_file: Annotated[FileText | None, Meta(description="A file that holds a bearer token.")] = None


class HeartbeatDocument(Document, frozen=True):
    """A dead man's switch: `url` is asked every `interval` for as long as rules are really evaluated."""

    url: UrlText
    interval: Interval = "1m"


class TracesDocument(Document, frozen=True):
    """Where spans go (OTLP over HTTP), and the share of the requests that is traced."""

    endpoint: UrlText
    percent: Percent = 100


class MonitoringDocument(Document, frozen=True):
    """How often is scraped and evaluated, for how long samples are kept, and what else is watched.

    `rules` are Prometheus rule files; the last part of a name may hold `*`.
    """

    scrape_interval: Interval = "15s"
    scrape_timeout: Duration = "10s"
    evaluation_interval: Interval = "15s"
    retention: Retention = "15d"
    scrape: Annotated[list[ScrapeDocument], Meta(max_length=1000)] = field(default_factory=list)
    rules: Annotated[list[FileText], Meta(max_length=1000)] = field(default_factory=list)
    runbook_rules: Annotated[
        bool, Meta(description="Whether limits and queries of the runbooks are evaluated as rules.")
    ] = True
    prometheus: PrometheusDocument | None = None
    heartbeat: HeartbeatDocument | None = None
    traces: TracesDocument | None = None
    budget_alerts_end_within: Annotated[
        Wait | None,
        Meta(description="Alerts of error budgets end so long after the last bad request at the latest; 20s to 1h."),
    ] = None
    state_limit: Annotated[
        Size | None,
        Meta(description="What the state folder may take: an alert fires at 90 % of it, as at 90 % of its disk."),
    ] = None


class ApiProbeDocument(Document, frozen=True):
    """A request through every gateway node, as a client would make it: `path` below the API's first path.

    `user` is the API user in whose name it asks; without one it asks without credentials.
    """

    path: PathText = "/"
    status: Annotated[Status | None, Meta(description="The status of a good answer; 200 where nothing is said.")] = None
    contains: Text | None = None
    max_latency: Duration | None = None
    interval: Interval = "5s"
    timeout: Duration = "2s"
    down_after: Count = 2
    up_after: Count = 2
    user: Reference | None = None
