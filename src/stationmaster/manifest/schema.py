"""The YAML of a platform as structs: what may be written, of which type, in which range, and what it means."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from stationmaster.core.spec import Algorithm, CredentialKind, Supervision
from stationmaster.manifest.values import ADDRESS_PATTERN, DURATION_PATTERN, HOST_PATTERN, PATH_PATTERN

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"

BROKEN_TEXT = "\0broken"
"""Stands for a required text that did not fit; nobody can write it, because NUL is refused."""

Name = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        description="A name: letters, digits and `. _ ~ -`, at most 128 characters, unique among its kind.",
        extra={"form": "name"},
    ),
]
Reference = Annotated[str, Meta(description="The name of something that this file declares.")]
Duration = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        description="A duration with its unit: ms, s, m or h; 1ms to 24h.",
        examples=["500ms", "1s", "2m"],
        extra={"form": "duration"},
    ),
]
AddressText = Annotated[
    str,
    Meta(
        pattern=ADDRESS_PATTERN,
        description="Host and port, port 1 to 65535; an IPv6 address stands between brackets.",
        examples=["127.0.0.1:8080", "[::1]:8080", "keys.example.org:443"],
        extra={"form": "address"},
    ),
]
PathText = Annotated[
    str,
    Meta(
        pattern=PATH_PATTERN,
        description="A path of a URL: starts with `/`, ASCII without blanks.",
        examples=["/healthz"],
        extra={"form": "path"},
    ),
]
HostText = Annotated[
    str,
    Meta(
        pattern=HOST_PATTERN,
        description="A host name; `*.` before it stands for every name below it.",
        examples=["api.example.org", "*.example.org"],
        extra={"form": "host"},
    ),
]
Port = Annotated[int, Meta(ge=1, le=65535, description="A TCP port.")]
Count = Annotated[int, Meta(ge=1, le=255, description="Consecutive answers.")]
Status = Annotated[int, Meta(ge=100, le=599, description="An HTTP status.")]
Text = Annotated[str, Meta(min_length=1, max_length=1000, description="Text that must stand in the body.")]
Argument = Annotated[str, Meta(max_length=4096, description="One argument; placeholders in braces are filled in.")]


class Document(Struct, forbid_unknown_fields=True, frozen=True):
    """What all parts of the YAML have in common: unknown fields are refused."""


class HealthDocument(Document, frozen=True):
    """An HTTP check: down after `down_after` failed answers in a row, up again after `up_after` good ones."""

    path: PathText
    status: Status = 200
    contains: Text | None = None
    interval: Duration = "500ms"
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
    incident (`runbook`).
    """

    name: Name
    port: Port
    command: list[Argument] = field(default_factory=list)
    supervision: Supervision = Supervision.RESTART
    health: HealthDocument | None = None
    instances: list[InstanceDocument] = field(default_factory=list)


class TargetDocument(Document, frozen=True):
    """One upstream of a virtual host: an `instance` of this file, or the `address` of something else."""

    instance: Reference | None = None
    address: AddressText | None = None
    weight: Annotated[int, Meta(ge=0, le=65535, description="Share of the traffic; 0 takes none.")] = 100


class VirtualHostDocument(Document, frozen=True):
    """Targets behind one name. Without `health`, the check of the service of its instances applies."""

    name: Name
    algorithm: Algorithm = Algorithm.ROUND_ROBIN
    health: HealthDocument | None = None
    targets: list[TargetDocument] = field(default_factory=list)


class ApiDocument(Document, frozen=True):
    """A route into a virtual host. Without `accepts` it is public; otherwise any one of the credentials opens it."""

    name: Name
    paths: Annotated[list[PathText], Meta(min_length=1, description="Path prefixes that lead to this API.")]
    virtual_host: Reference
    hosts: Annotated[list[HostText], Meta(description="Host names it answers to; empty means every host.")] = field(
        default_factory=list
    )
    strip_path: Annotated[bool, Meta(description="Cut the matched prefix off before the request goes on.")] = True
    accepts: list[CredentialKind] = field(default_factory=list)
    timeout: Duration = "15s"


class ApiUserDocument(Document, frozen=True):
    """A consumer and the APIs that it may call."""

    name: Name
    apis: list[Reference] = field(default_factory=list)


class NodeDocument(Document, frozen=True):
    """One gateway node: where it takes traffic, and where its administration listens."""

    name: Name
    listen: AddressText
    admin: AddressText


class GatewayDocument(Document, frozen=True):
    """The gateway nodes."""

    nodes: list[NodeDocument] = field(default_factory=list)


class ControlDocument(Document, frozen=True):
    """Where the control plane listens: its REST API, and the xDS server that gateway nodes ask."""

    api: AddressText = "127.0.0.1:4580"
    xds: AddressText = "127.0.0.1:4581"


class HealingDocument(Document, frozen=True):
    """Bounds of what heals itself."""

    min_targets: Annotated[int, Meta(ge=1, le=65535, description="Never leave a virtual host with fewer targets.")] = 1
    max_withdrawn_percent: Annotated[
        int, Meta(ge=0, le=100, description="Never withdraw a larger share of the targets of a virtual host.")
    ] = 67
    max_restarts_per_hour: Annotated[int, Meta(ge=0, le=3600, description="Per instance.")] = 6


class PlatformDocument(Document, frozen=True):
    """One environment of Stationmaster."""

    environment: Name
    regions: list[Name] = field(default_factory=list)
    issuer: Annotated[str, Meta(min_length=1, max_length=200, description="The issuer that tokens name.")] = (
        "stationmaster"
    )
    control: ControlDocument = field(default_factory=ControlDocument)
    gateway: GatewayDocument = field(default_factory=GatewayDocument)
    services: list[ServiceDocument] = field(default_factory=list)
    virtual_hosts: list[VirtualHostDocument] = field(default_factory=list)
    apis: list[ApiDocument] = field(default_factory=list)
    api_users: list[ApiUserDocument] = field(default_factory=list)
    healing: HealingDocument = field(default_factory=HealingDocument)
    runbooks: Annotated[
        list[str], Meta(description="Folders of Markdown runbooks, relative to the folder of this file.")
    ] = field(default_factory=list)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the YAML."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stationmaster platform",
        **msgspec.json.schema(PlatformDocument),
    }
