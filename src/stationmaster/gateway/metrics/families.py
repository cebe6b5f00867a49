"""The metrics that gateway nodes are known by: their names, types and help, and the figure of a node that each is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """A metric; `name` lacks the prefix that all of them share."""

    name: str
    kind: str
    help: str

    @property
    def prefix(self) -> bytes:
        return f"stationmaster_{self.name}".encode()

    @property
    def head(self) -> bytes:
        return b"# HELP %b %b\n# TYPE %b %b\n" % (self.prefix, self.help.encode(), self.prefix, self.kind.encode())


API_REQUESTS = Family(
    "api_requests_total",
    "counter",
    "Requests of an API that have ended, whoever answered them; code_class none: the caller left before an answer.",
)
API_RETRIES = Family("api_retries_total", "counter", "Tries after the first one that requests of an API took.")
API_DURATION = Family(
    "api_request_duration_seconds",
    "histogram",
    "From the first byte of a request to the last one of its answer, in whole milliseconds rounded down.",
)
UNROUTED = Family(
    "gateway_unrouted_requests_total", "counter", "Requests that have ended and for which no API is published."
)
POOL_REQUESTS = Family(
    "virtual_host_requests_total",
    "counter",
    "Requests to a virtual host by the answer that was passed on; tries that were repeated are not among them.",
)
POOL_CIRCUITS = Family(
    "virtual_host_circuit_open", "gauge", "1 while a virtual host is at a bound of its circuit breaker."
)
TARGET_HEALTHY = Family("target_healthy", "gauge", "Whether the node finds the target healthy.")
GATEWAY_REQUESTS = Family("gateway_requests_total", "counter", "Answers of the node, by class of their code.")

OF_POOL: dict[str, Family] = {
    "upstream_rq_active": Family("virtual_host_requests_active", "gauge", "Requests under way to a virtual host."),
    "upstream_rq_pending_active": Family(
        "virtual_host_requests_pending", "gauge", "Requests that wait for a connection to a virtual host."
    ),
    "upstream_cx_active": Family("virtual_host_connections", "gauge", "Open connections to a virtual host."),
    "upstream_cx_connect_fail": Family(
        "virtual_host_connect_failures_total", "counter", "Connections to a virtual host that failed."
    ),
    "upstream_rq_retry": Family("virtual_host_retries_total", "counter", "Requests that were sent again."),
    "upstream_rq_timeout": Family("virtual_host_timeouts_total", "counter", "Requests that were not answered in time."),
    "upstream_rq_pending_overflow": Family(
        "virtual_host_refused_requests_total", "counter", "Requests refused at a bound of the circuit breaker."
    ),
}
"""By the figure of a cluster."""

CIRCUITS = {
    "circuit_breakers_default_cx_open": "connections",
    "circuit_breakers_default_rq_open": "requests",
    "circuit_breakers_default_rq_pending_open": "pending",
    "circuit_breakers_default_rq_retry_open": "retries",
}
"""The bounds of a circuit breaker, by the figure that tells that one is reached."""

OF_NODE: dict[str, Family] = {
    "http_entrance_downstream_rq_active": Family("gateway_requests_active", "gauge", "Requests under way at the node."),
    "http_entrance_downstream_cx_active": Family("gateway_connections", "gauge", "Open connections of callers."),
    "http_entrance_downstream_cx_total": Family("gateway_connections_total", "counter", "Connections of callers."),
    "connection_limit_entrance_limited_connections": Family(
        "gateway_refused_connections_total", "counter", "Connections refused because the node was full."
    ),
    "server_memory_allocated": Family("gateway_memory_allocated_bytes", "gauge", "Memory in use by the node's proxy."),
    "server_memory_physical_size": Family(
        "gateway_memory_physical_bytes", "gauge", "Memory that the node's proxy has from the system."
    ),
    "server_uptime": Family("gateway_uptime_seconds", "gauge", "How long the node's proxy has run."),
}
"""By the figure of the whole node."""
