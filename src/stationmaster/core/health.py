"""How it is found out whether something works: the kinds of checks, and what each has to show."""

from dataclasses import dataclass
from enum import Enum

from stationmaster.core.problem import NOWHERE, Origin


class CheckKind(Enum):
    """What a health check does: one exchange of the protocol that it names, or a command that has to end with 0.

    Gateway nodes make those of `NODE_CHECKS` themselves; the monitor makes all.
    """

    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"
    GRPC = "grpc"
    """The gRPC health protocol (grpc.health.v1)."""
    DNS = "dns"
    POSTGRESQL = "postgresql"
    REDIS = "redis"
    KAFKA = "kafka"
    COMMAND = "command"


NODE_CHECKS = frozenset({CheckKind.HTTP, CheckKind.TCP, CheckKind.GRPC})
"""The checks that a gateway node can make of its targets itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonValue:
    """What a JSON answer has to hold: `path` as `status.phase` or `nodes[0].name`, `value` as JSON would write it."""

    path: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A check of every instance; times in milliseconds, counts of consecutive answers.

    `path`, `status`, `contains` and `json` are of HTTP and HTTPS checks alone, `min_certificate_days` (days until the
    server's certificate expires) of HTTPS; `grpc_service` is the service that a gRPC check names, `dns_name` the name
    that a DNS check asks the instance for, `command` the argv of a command check with the placeholders of a service's
    command. An answer that takes longer than `max_latency_ms` counts as failed.
    """

    kind: CheckKind = CheckKind.HTTP
    path: str = "/"
    status: int = 200
    contains: str | None = None
    json: JsonValue | None = None
    max_latency_ms: int | None = None
    min_certificate_days: int | None = None
    verify_certificate: bool = True
    grpc_service: str = ""
    dns_name: str = ""
    command: tuple[str, ...] = ()
    interval_ms: int = 500
    timeout_ms: int = 1000
    down_after: int = 2
    up_after: int = 2
    origin: Origin = NOWHERE


def node_check(check: HealthCheck) -> HealthCheck:
    """What a gateway node does where the monitor makes this check: looks whether the port takes connections, where
    the check is none that a node can make."""
    if check.kind in NODE_CHECKS:
        return check
    return HealthCheck(
        kind=CheckKind.TCP,
        interval_ms=check.interval_ms,
        timeout_ms=check.timeout_ms,
        down_after=check.down_after,
        up_after=check.up_after,
        origin=check.origin,
    )
