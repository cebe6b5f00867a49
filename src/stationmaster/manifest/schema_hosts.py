"""Services and virtual hosts in the YAML: what runs, how it is checked, and what stands behind one name."""

from typing import Annotated

from msgspec import Meta, field

from stationmaster.core.spec import Algorithm, CheckKind, ExecutorKind, Protocol, Supervision
from stationmaster.manifest.schema_healing import ServiceHealingDocument
from stationmaster.manifest.words import (
    AddressText,
    Argument,
    Count,
    Document,
    Duration,
    HostText,
    Interval,
    Most,
    Name,
    PathText,
    Percent,
    Port,
    Reference,
    Scalar,
    Status,
    Text,
    Wait,
)


class JsonDocument(Document, frozen=True):
    """What a JSON answer has to hold: the value at `path`, as `status.phase` or `nodes[0].name`."""

    path: Annotated[str, Meta(min_length=1, max_length=500, description="Names by dots, list items by [number].")]
    equals: Scalar


class HealthDocument(Document, frozen=True):
    """A check: down after `down_after` failed answers in a row, up again after `up_after` good ones.

    `http` and `https` ask for `path` and compare `status`, `contains` and `json`; `https` also wants a certificate that
    is good for `min_certificate_days` more; `tcp` opens a connection; `grpc` asks the health service of gRPC
    (grpc.health.v1) for `grpc_service`, the whole server where that is empty; `dns` asks for the records of `dns_name`;
    `postgresql`, `redis` and `kafka` make the first exchange of their protocol; `command` runs a program, which has to
    end with 0. An answer that takes longer than `max_latency` counts as failed. Gateway nodes make `http`, `tcp` and
    `grpc` checks of their targets; of others they look whether the port takes connections.
    """

    type: CheckKind = CheckKind.HTTP
    path: PathText | None = None
    status: Annotated[Status | None, Meta(description="The status of a good answer; 200 where nothing is said.")] = None
    contains: Text | None = None
    grpc_service: (
        Annotated[str, Meta(min_length=1, max_length=200, description="The service that a gRPC check names.")] | None
    ) = None
    json: JsonDocument | None = None
    max_latency: Duration | None = None
    min_certificate_days: (
        Annotated[int, Meta(ge=0, le=3650, description="Days that the certificate has to be good for.")] | None
    ) = None
    verify_certificate: Annotated[
        bool, Meta(description="Whether the certificate has to be of an authority that this machine trusts.")
    ] = True
    dns_name: HostText | None = None
    command: list[Argument] = field(default_factory=list)
    interval: Interval = "500ms"
    timeout: Duration = "1s"
    down_after: Count = 2
    up_after: Count = 2


class InstanceDocument(Document, frozen=True):
    """One running copy of a service; its name is unique over all services."""

    name: Name
    region: Reference
    address: AddressText


class ServiceDocument(Document, frozen=True):
    """A program with instances.

    `port` is the port that runbooks name. `command` is the program and its arguments, one item each, with the
    placeholders {address}, {host}, {port}, {instance}, {region} and {service}; without it the service is only watched.
    `supervision` says who starts a dead instance again: the platform at once (`restart`) or the runbook of its
    incident (`runbook`). `executor` says what runs the instances: processes of this machine (`process`) or containers
    of its Docker engine (`docker`), which want an `image` that the engine has and may have `mounts`.
    """

    name: Name
    port: Port
    command: list[Argument] = field(default_factory=list)
    executor: ExecutorKind = ExecutorKind.PROCESS
    image: Annotated[
        Annotated[str, Meta(min_length=1, max_length=500)] | None,
        Meta(description="The image of its containers; it is never pulled."),
    ] = None
    env: Annotated[
        dict[str, str], Meta(description="Added to the environment of every instance; no place for secrets.")
    ] = field(default_factory=dict)
    directory: Annotated[
        Annotated[str, Meta(pattern="^/", max_length=4096)] | None, Meta(description="Where every instance starts.")
    ] = None
    mounts: Annotated[
        list[str],
        Meta(description="What containers see of this machine: SOURCE:TARGET or SOURCE:TARGET:ro.", max_length=50),
    ] = field(default_factory=list)
    aliases: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=100)]],
        Meta(description="What runbooks call it besides its name: a container, a unit.", max_length=20),
    ] = field(default_factory=list)
    metrics: Annotated[PathText | None, Meta(description="Where every instance tells its metrics.")] = None
    escalation_policy: Annotated[
        Reference | None, Meta(description="Who is paged for it, where no route of `incidents` says otherwise.")
    ] = None
    depends_on: Annotated[
        list[Reference], Meta(description="Services without which it cannot answer.", max_length=50)
    ] = field(default_factory=list)
    supervision: Supervision = Supervision.RESTART
    healing: ServiceHealingDocument | None = None
    health: HealthDocument | None = None
    instances: list[InstanceDocument] = field(default_factory=list)


class TargetDocument(Document, frozen=True):
    """One upstream of a virtual host: an `instance` of this file, or the `address` of something else."""

    instance: Reference | None = None
    address: AddressText | None = None
    weight: Annotated[int, Meta(ge=0, le=65535, description="Share of the traffic; 0 takes none.")] = 100


class CircuitBreakerDocument(Document, frozen=True):
    """The most that one gateway node has under way to the virtual host; what is beyond is refused with 503."""

    max_connections: Most = 16_384
    max_requests: Most = 16_384
    max_pending: Most = 16_384
    retry_percent: Annotated[
        int, Meta(ge=0, le=100, description="The share of the requests under way that may be retries.")
    ] = 100


class MaintenanceDocument(Document, frozen=True):
    """Requests are answered with 503, `message` and `Retry-After`."""

    message: Annotated[str, Meta(min_length=1, max_length=1000, description="What callers read.")] = (
        "down for maintenance"
    )
    retry_after: Wait = "5m"


class VirtualHostDocument(Document, frozen=True):
    """Targets behind one name. Without `health`, the check of the service of its instances applies.

    `protocol` is what the targets speak: `http` (HTTP/1.1), `h2c` (HTTP/2 without TLS, as gRPC servers do) or `https`.
    `slow_start`: a target that comes back gets its full share after so long.
    """

    name: Name
    algorithm: Algorithm = Algorithm.ROUND_ROBIN
    protocol: Protocol = Protocol.HTTP
    health: HealthDocument | None = None
    circuit_breaker: CircuitBreakerDocument = CircuitBreakerDocument()
    slow_start: Duration | None = None
    max_ejected_percent: Annotated[
        Percent, Meta(description="The largest share of its targets that passive detection may put aside.")
    ] = 67
    maintenance: MaintenanceDocument | None = None
    targets: list[TargetDocument] = field(default_factory=list)
