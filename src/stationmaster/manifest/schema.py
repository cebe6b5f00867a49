"""The YAML of a platform as structs: what may be written, of which type, in which range, and what it means."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from stationmaster.core.spec import CredentialKind
from stationmaster.manifest.schema_drills import DrillsDocument
from stationmaster.manifest.schema_healing import HealingDocument
from stationmaster.manifest.schema_hosts import ServiceDocument, VirtualHostDocument
from stationmaster.manifest.schema_monitoring import ApiProbeDocument, MonitoringDocument
from stationmaster.manifest.schema_policies import PoliciesDocument, RateLimits
from stationmaster.manifest.schema_response import (
    ChannelDocument,
    IncidentsDocument,
    PolicyDocument,
    ResponderDocument,
    ReviewsDocument,
    ScheduleDocument,
    StatusPageDocument,
)
from stationmaster.manifest.words import (
    AddressText,
    Claim,
    Document,
    Duration,
    FileText,
    HeaderName,
    HeaderValue,
    HostText,
    Lifetime,
    Method,
    Most,
    Name,
    ObjectiveText,
    Reference,
    Rotation,
    RouteText,
    SigningAlgorithm,
    Size,
    UrlText,
)


class ApiDocument(Document, frozen=True):
    """A route into a virtual host. Without `accepts` it is public; otherwise any one of the credentials opens it.

    With `accepts`, API users that name it may call it, and those of its `groups`, or, with `any_user`, every one.
    `headers` that a request has to have: with that value, or with any where it is null.
    """

    name: Name
    paths: Annotated[list[RouteText], Meta(min_length=1, description="Paths that lead to this API.")]
    virtual_host: Annotated[Reference | None, Meta(description="Where requests go; needed unless it redirects.")] = None
    hosts: Annotated[list[HostText], Meta(description="Host names it answers to; empty means every host.")] = field(
        default_factory=list
    )
    methods: Annotated[list[Method], Meta(max_length=20, description="Empty means every method.")] = field(
        default_factory=list
    )
    headers: Annotated[dict[HeaderName, HeaderValue | None], Meta(max_length=20)] = field(default_factory=dict)
    strip_path: Annotated[bool, Meta(description="Cut the matched prefix off before the request goes on.")] = True
    preserve_host: Annotated[bool, Meta(description="Send the client's Host header on.")] = True
    accepts: list[CredentialKind] = field(default_factory=list)
    groups: Annotated[list[Name], Meta(description="Groups of API users that may call it.")] = field(
        default_factory=list
    )
    any_user: Annotated[bool, Meta(description="Every API user may call it.")] = False
    timeout: Duration = "15s"
    policies: PoliciesDocument = PoliciesDocument()
    objectives: Annotated[
        list[ObjectiveText], Meta(max_length=10, description="Service level objectives, one line each.")
    ] = field(default_factory=list)
    probe: ApiProbeDocument | None = None


class ApiUserDocument(Document, frozen=True):
    """A consumer, the APIs that it may call, and the groups that it is in.

    `rate_limits` bound its requests to each API, in place of that API's limits by user.
    """

    name: Name
    apis: list[Reference] = field(default_factory=list)
    groups: list[Name] = field(default_factory=list)
    rate_limits: RateLimits = field(default_factory=list)


class NodeDocument(Document, frozen=True):
    """One gateway node: where it takes traffic (and HTTPS), and where its administration listens."""

    name: Name
    listen: AddressText
    admin: AddressText
    listen_tls: AddressText | None = None


class TlsDocument(Document, frozen=True):
    """PEM files of the certificate chain and the private key that gateway nodes or the control plane show."""

    certificate: FileText
    key: FileText


class LimitsDocument(Document, frozen=True):
    """Bounds of one gateway node for everybody."""

    max_connections: Most = 50_000
    max_header_kb: Annotated[int, Meta(ge=1, le=8192, description="All headers of a request together.")] = 60
    max_body: Size | None = None


class GatewaySettingsDocument(Document, frozen=True):
    """What all gateway nodes have in common."""

    tls: TlsDocument | None = None
    limits: LimitsDocument = LimitsDocument()


class GatewayDocument(GatewaySettingsDocument, frozen=True):
    """The gateway nodes, and what they have in common."""

    nodes: list[NodeDocument] = field(default_factory=list)


class TokensDocument(Document, frozen=True):
    """How the key service issues tokens, and how often its signing key changes."""

    lifetime: Lifetime = "1h"
    algorithm: SigningAlgorithm = SigningAlgorithm.RS256
    rotate_every: Rotation = "30d"


class TokenIssuerDocument(Document, frozen=True):
    """A foreign issuer of JWTs, whose key set (RFC 7517) stands in a file or is fetched.

    Tokens have to name one of `audiences`, if there are any; `user_claim` is the claim that names the API user.
    """

    name: Name
    issuer: Annotated[str, Meta(min_length=1, max_length=2000, description="The `iss` of its tokens.")]
    audiences: Annotated[list[Annotated[str, Meta(min_length=1, max_length=2000)]], Meta(max_length=50)] = field(
        default_factory=list
    )
    jwks_file: FileText | None = None
    jwks_uri: UrlText | None = None
    user_claim: Claim = "sub"


class ControlDocument(Document, frozen=True):
    """Where the control plane listens: its REST API, and the xDS server that gateway nodes ask."""

    api: AddressText = "127.0.0.1:4580"
    xds: AddressText = "127.0.0.1:4581"
    api_tls: AddressText | None = None
    tls: TlsDocument | None = None


class SettingsDocument(Document, frozen=True):
    """What an environment has once."""

    environment: Name
    regions: list[Name] = field(default_factory=list)
    issuer: Annotated[str, Meta(min_length=1, max_length=200, description="The issuer that tokens name.")] = (
        "stationmaster"
    )
    control: ControlDocument = ControlDocument()
    gateway: GatewaySettingsDocument = GatewaySettingsDocument()
    tokens: TokensDocument = TokensDocument()
    healing: HealingDocument = HealingDocument()
    monitoring: MonitoringDocument = MonitoringDocument()
    incidents: IncidentsDocument = IncidentsDocument()
    status_page: StatusPageDocument = StatusPageDocument()
    runbooks: Annotated[
        list[FileText], Meta(description="Folders of Markdown runbooks, relative to the folder of this file.")
    ] = field(default_factory=list)
    drills: DrillsDocument = DrillsDocument()
    reviews: ReviewsDocument = ReviewsDocument()


class PlatformDocument(SettingsDocument, frozen=True):
    """One environment of Stationmaster."""

    gateway: GatewayDocument = GatewayDocument()
    token_issuers: list[TokenIssuerDocument] = field(default_factory=list)
    services: list[ServiceDocument] = field(default_factory=list)
    virtual_hosts: list[VirtualHostDocument] = field(default_factory=list)
    apis: list[ApiDocument] = field(default_factory=list)
    api_users: list[ApiUserDocument] = field(default_factory=list)
    responders: list[ResponderDocument] = field(default_factory=list)
    channels: list[ChannelDocument] = field(default_factory=list)
    schedules: list[ScheduleDocument] = field(default_factory=list)
    escalation_policies: list[PolicyDocument] = field(default_factory=list)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the YAML."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stationmaster platform",
        **msgspec.json.schema(PlatformDocument),
    }
