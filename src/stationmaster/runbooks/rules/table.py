"""The metrics that stand for what runbooks speak of in prose: data, a row for each way, with the reason for it."""

from dataclasses import dataclass
from enum import Enum


class Measure(Enum):
    """What a limit can be of; the value is how it is called in a summary."""

    ERROR_RATE = "error rate"
    CLIENT_ERROR_RATE = "rate of refused requests"
    SUCCESS_RATE = "success rate"
    LATENCY = "response time"
    CPU = "CPU usage"
    NODE_CPU = "CPU usage of the machine"
    MEMORY = "memory usage"
    MEMORY_FREE = "available memory"
    DISK_USED = "disk usage"
    DISK_FREE = "free disk space"
    REQUEST_RATE = "request rate"
    CONNECTIONS = "connections"
    CERTIFICATE = "time until a certificate expires"
    CAPACITY = "capacity"
    """No limit is of it: an alert on capacity takes one of what runs out."""
    SERVICE_DOWN = "service down"
    INSTANCE_DOWN = "instance down"


RUNS_OUT = (Measure.CPU, Measure.REQUEST_RATE, Measure.CONNECTIONS, Measure.MEMORY)
"""What an alert on capacity may be measured by, the first with a limit."""


class Scope(Enum):
    """What one alert is about; the value is the label by which a rule is narrowed to the subject of its runbook."""

    API = "api"
    INSTANCE = "service"
    NODE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a measure with a unit is computed. In `expr`, `$ONLY` is replaced by matchers in braces or by nothing, `$AND`
    by further matchers, `$WINDOW` by a duration and `$QUANTILE` by a share; the limit is divided by `divisor`.

    `reads` are the metrics that have to exist; `shown` is the function of Prometheus' templates for the value, `about`
    what the summary says it is of.
    """

    measure: Measure
    unit: str
    expr: str
    reads: tuple[str, ...]
    scope: Scope
    about: str
    why: str
    divisor: float = 1.0
    shown: str = "humanize"
    guard: str = ""
    """What has to hold too: of a handful of requests one is a share that looks like an outage."""
    mean: bool = False
    """Whether it stands for an average that the runbook asks for, not for a quantile."""


FEWEST_FAILURES = 5
"""Below this, a share of failed requests tells nothing."""
FEWEST_REQUESTS = 20
"""Of fewer there is no slowest twentieth."""

_REQUESTS = "stationmaster_api_requests_total"
_DURATION = "stationmaster_api_request_duration_seconds"
_ALL = f"sum by (api) (rate({_REQUESTS}$ONLY[$WINDOW]))"
_API = "API {{ $labels.api }}"
_INSTANCE = "{{ $labels.service }} {{ $labels.instance }}"
_MACHINE = "{{ $labels.instance }}"
_SERVICE = "{{ $labels.service }}"


def _failures(code_class: str) -> str:
    return f'sum by (api) (increase({_REQUESTS}{{code_class="{code_class}"$AND}}[$WINDOW])) >= {FEWEST_FAILURES}'


_ENOUGH = f"sum by (api) (increase({_DURATION}_count$ONLY[$WINDOW])) >= {FEWEST_REQUESTS}"


def _share_of_requests(code_class: str) -> str:
    return f'sum by (api) (rate({_REQUESTS}{{code_class="{code_class}"$AND}}[$WINDOW])) / {_ALL}'


WAYS: tuple[Way, ...] = (
    Way(
        measure=Measure.ERROR_RATE, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.API, about=_API,
        expr=_share_of_requests("5xx"), guard=_failures("5xx"), reads=(_REQUESTS,),
        why="answers with a server error (5xx) among all of an API, as its callers see them at the gateway",
    ),
    Way(
        measure=Measure.ERROR_RATE, unit="/s", scope=Scope.API, about=_API,
        expr=f'sum by (api) (rate({_REQUESTS}{{code_class="5xx"$AND}}[$WINDOW]))', reads=(_REQUESTS,),
        why="answers with a server error (5xx) per second of an API, as its callers see them at the gateway",
    ),
    Way(
        measure=Measure.CLIENT_ERROR_RATE, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.API,
        about=_API, expr=_share_of_requests("4xx"), guard=_failures("4xx"), reads=(_REQUESTS,),
        why="refused requests are answered with 401, 403 or another 4xx: no class of codes is narrower",
    ),
    Way(
        measure=Measure.CLIENT_ERROR_RATE, unit="/s", scope=Scope.API, about=_API,
        expr=f'sum by (api) (rate({_REQUESTS}{{code_class="4xx"$AND}}[$WINDOW]))', reads=(_REQUESTS,),
        why="refused requests are answered with 401, 403 or another 4xx: no class of codes is narrower",
    ),
    Way(
        measure=Measure.SUCCESS_RATE, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.API, about=_API,
        expr=f"1 - (sum by (api) (rate({_REQUESTS}{{code_class=\"5xx\"$AND}}[$WINDOW])) or {_ALL} * 0) / {_ALL}",
        guard=_failures("5xx"), reads=(_REQUESTS,),
        why="what does not end with a server error counts as a success; a caller's own mistake (4xx) is no failure",
    ),
    Way(
        measure=Measure.LATENCY, unit="s", shown="humanizeDuration", scope=Scope.API, about=_API,
        expr=f"histogram_quantile($QUANTILE, sum by (api, le) (rate({_DURATION}_bucket$ONLY[$WINDOW])))",
        guard=_ENOUGH, reads=(f"{_DURATION}_bucket", f"{_DURATION}_count"),
        why="measured at the gateway, which is as near to the callers as the platform gets",
    ),
    Way(
        measure=Measure.LATENCY, unit="s", shown="humanizeDuration", scope=Scope.API, about=_API, mean=True,
        expr=f"sum by (api) (rate({_DURATION}_sum$ONLY[$WINDOW]))"
        f" / sum by (api) (rate({_DURATION}_count$ONLY[$WINDOW]))",
        guard=_ENOUGH, reads=(f"{_DURATION}_sum", f"{_DURATION}_count"),
        why="an average is asked for: all time spent by the number of requests",
    ),
    Way(
        measure=Measure.CPU, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.INSTANCE, about=_INSTANCE,
        expr="rate(process_cpu_seconds_total$ONLY[$WINDOW])", reads=("process_cpu_seconds_total",),
        why="what Prometheus' client libraries tell of their own process: the share of one processor",
    ),
    Way(
        measure=Measure.CPU, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.INSTANCE,
        about="{{ $labels.namespace }}/{{ $labels.pod }}",
        expr='sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!=""$AND}[$WINDOW]))'
        ' / sum by (namespace, pod) (kube_pod_container_resource_limits{resource="cpu"$AND})',
        reads=("container_cpu_usage_seconds_total", "kube_pod_container_resource_limits"),
        why="of pods, where Kubernetes is scraped and the processes tell nothing themselves: the share of their limit",
    ),
    Way(
        measure=Measure.CPU, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.NODE, about=_MACHINE,
        expr='1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$WINDOW]))',
        reads=("node_cpu_seconds_total",),
        why="of whole machines by the node exporter, where nothing tells of single processes",
    ),
    Way(
        measure=Measure.NODE_CPU, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.NODE, about=_MACHINE,
        expr='1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[$WINDOW]))',
        reads=("node_cpu_seconds_total",),
        why="the runbook speaks of a node or host, of which the node exporter tells",
    ),
    Way(
        measure=Measure.MEMORY, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.NODE, about=_MACHINE,
        expr="1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        reads=("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
        why="a share needs a whole, and the whole of memory is the machine's: node exporter",
    ),
    Way(
        measure=Measure.MEMORY_FREE, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.NODE,
        about=_MACHINE, expr="node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
        reads=("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
        why="what the kernel could give to programs without swapping: node exporter",
    ),
    Way(
        measure=Measure.MEMORY_FREE, unit="B", shown="humanize1024", scope=Scope.NODE,
        about=_MACHINE, expr="node_memory_MemAvailable_bytes", reads=("node_memory_MemAvailable_bytes",),
        why="what the kernel could give to programs without swapping: node exporter",
    ),
    Way(
        measure=Measure.MEMORY, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.INSTANCE,
        about="{{ $labels.namespace }}/{{ $labels.pod }}",
        expr='sum by (namespace, pod) (container_memory_working_set_bytes{container!=""$AND})'
        ' / sum by (namespace, pod) (kube_pod_container_resource_limits{resource="memory"$AND})',
        reads=("container_memory_working_set_bytes", "kube_pod_container_resource_limits"),
        why="of pods, where Kubernetes is scraped: the share of their limit",
    ),
    Way(
        measure=Measure.MEMORY, unit="B", shown="humanize1024", scope=Scope.INSTANCE, about=_INSTANCE,
        expr="process_resident_memory_bytes$ONLY", reads=("process_resident_memory_bytes",),
        why="what Prometheus' client libraries tell of their own process: the memory that it really holds",
    ),
    Way(
        measure=Measure.DISK_USED, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.NODE,
        about="{{ $labels.instance }} {{ $labels.mountpoint }}",
        expr='1 - node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs"}'
        ' / node_filesystem_size_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs"}',
        reads=("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
        why="node exporter; by what is available to services, not to root alone, and of file systems on disks",
    ),
    Way(
        measure=Measure.DISK_FREE, unit="%", divisor=100, shown="humanizePercentage", scope=Scope.NODE,
        about="{{ $labels.instance }} {{ $labels.mountpoint }}",
        expr='node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs"}'
        ' / node_filesystem_size_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs"}',
        reads=("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
        why="node exporter; by what is available to services, not to root alone, and of file systems on disks",
    ),
    Way(
        measure=Measure.DISK_FREE, unit="B", shown="humanize1024", scope=Scope.NODE,
        about="{{ $labels.instance }} {{ $labels.mountpoint }}",
        expr='node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|squashfs|ramfs"}',
        reads=("node_filesystem_avail_bytes",),
        why="node exporter; by what is available to services, not to root alone, and of file systems on disks",
    ),
    Way(
        measure=Measure.REQUEST_RATE, unit="/s", scope=Scope.API, about=_API, expr=_ALL, reads=(_REQUESTS,),
        why="all requests of an API that have ended, whoever answered them",
    ),
    Way(
        measure=Measure.CONNECTIONS, unit="", scope=Scope.NODE, about="gateway node {{ $labels.node }}",
        expr="stationmaster_gateway_connections", reads=("stationmaster_gateway_connections",),
        why="open connections of callers, which every gateway node counts",
    ),
    Way(
        measure=Measure.CERTIFICATE, unit="s", shown="humanizeDuration", scope=Scope.INSTANCE, about=_INSTANCE,
        expr="probe_ssl_earliest_cert_expiry$ONLY - time()", reads=("probe_ssl_earliest_cert_expiry",),
        why="HTTPS checks look at the certificate that a server really shows",
    ),
    Way(
        measure=Measure.SERVICE_DOWN, unit="", scope=Scope.INSTANCE, about=_SERVICE,
        expr="max by (service, environment) (probe_success$ONLY)", reads=("probe_success",),
        why="a service is down when not one of its instances answers its check",
    ),
    Way(
        measure=Measure.INSTANCE_DOWN, unit="", scope=Scope.INSTANCE, about=_INSTANCE,
        expr="probe_success$ONLY", reads=("probe_success",),
        why="the platform's own check of every instance; it has counted the failures that it takes",
    ),
)  # fmt: skip

LEFT_OVER = {Measure.DISK_USED: Measure.DISK_FREE, Measure.MEMORY: Measure.MEMORY_FREE}
"""What is meant where a limit is a least: "disk space below 6%" is of what is free."""

WINDOW = "5m"
"""Over which rates are taken where the runbook names no time: four scrapes at the usual 15 s and more survive a lost
one."""
HOLDS_MS = 60_000
"""How long a limit has to be passed where the runbook does not say: one bad scrape is nothing to be told of."""
QUANTILE = 0.95
"""Of a response time without a quantile: the slowest twentieth, which averages hide."""
