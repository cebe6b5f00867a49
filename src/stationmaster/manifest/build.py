"""Checked parts as the frozen items of the spec, every one with its place in the YAML."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from stationmaster.core.names import ApiName, InstanceName, NodeName, ServiceName, UserName, VirtualHostName
from stationmaster.core.response import Channel, EscalationPolicy, PolicyName, Responder, Schedule
from stationmaster.core.spec import (
    Api,
    ApiUser,
    CircuitBreaker,
    Control,
    GatewayLimits,
    GatewayNode,
    HeaderRule,
    Instance,
    PlatformSpec,
    Service,
    Target,
    TlsCertificate,
    TokenIssuer,
    TokenTerms,
    VirtualHost,
    node_check,
)
from stationmaster.manifest.build_drills import drills
from stationmaster.manifest.build_healing import healing, service_healing
from stationmaster.manifest.build_monitoring import api_probe, health_check, monitoring
from stationmaster.manifest.build_policies import maintenance, policies, rate_limits
from stationmaster.manifest.build_response import (
    channel,
    incident_settings,
    policy,
    responder,
    review_policy,
    schedule,
    status_page,
)
from stationmaster.manifest.objective_text import parse_objective
from stationmaster.manifest.parts import Part
from stationmaster.manifest.places import Places
from stationmaster.manifest.schema import (
    ApiDocument,
    ApiUserDocument,
    ControlDocument,
    NodeDocument,
    SettingsDocument,
    TlsDocument,
    TokenIssuerDocument,
)
from stationmaster.manifest.schema_hosts import (
    ServiceDocument,
    TargetDocument,
    VirtualHostDocument,
)
from stationmaster.manifest.schema_response import ChannelDocument, PolicyDocument, ResponderDocument, ScheduleDocument
from stationmaster.manifest.values import parse_address, parse_duration, parse_seconds, parse_size

Item: TypeAlias = (
    Api
    | ApiUser
    | VirtualHost
    | Service
    | GatewayNode
    | TokenIssuer
    | Responder
    | Channel
    | Schedule
    | EscalationPolicy
)
FindInstance: TypeAlias = Callable[[str], tuple[Service, Instance]]


def build_settings(settings: SettingsDocument, places: Places) -> PlatformSpec:
    """A spec without any items."""
    limits, tokens = settings.gateway.limits, settings.tokens
    return PlatformSpec(
        environment=settings.environment,
        regions=tuple(settings.regions),
        issuer=settings.issuer,
        tls=_certificate(settings.gateway.tls),
        limits=GatewayLimits(
            max_connections=limits.max_connections,
            max_header_kb=limits.max_header_kb,
            max_body_bytes=None if limits.max_body is None else parse_size(limits.max_body),
        ),
        tokens=TokenTerms(
            lifetime_s=parse_seconds(tokens.lifetime),
            algorithm=tokens.algorithm.value,
            rotate_every_s=parse_seconds(tokens.rotate_every),
        ),
        control=_control(settings.control),
        healing=healing(settings.healing),
        monitoring=monitoring(settings.monitoring, places),
        incidents=incident_settings(settings.incidents, places),
        status_page=status_page(settings.status_page),
        runbooks=tuple(map(Path, settings.runbooks)),
        drills=drills(settings.drills),
        reviews=review_policy(settings.reviews),
    )


def _control(control: ControlDocument) -> Control:
    return Control(
        api=parse_address(control.api),
        xds=parse_address(control.xds),
        api_tls=None if control.api_tls is None else parse_address(control.api_tls),
        tls=_certificate(control.tls),
    )


def _certificate(tls: TlsDocument | None) -> TlsCertificate | None:
    return None if tls is None else TlsCertificate(certificate=Path(tls.certificate), key=Path(tls.key))


def build_item(part: Part, find_instance: FindInstance) -> Item:
    """The item of a part in which nothing is wrong; ValueError of settings, which are no item."""
    builder = _Builder(part.places, find_instance)
    match part.document:
        case ServiceDocument() as service:
            return builder.service(service)
        case VirtualHostDocument() as host:
            return builder.virtual_host(host)
        case ApiDocument() as api:
            return builder.api(api)
        case ApiUserDocument() as user:
            return builder.user(user)
        case NodeDocument() as node:
            return builder.node(node)
        case TokenIssuerDocument() as issuer:
            return builder.issuer(issuer)
        case ResponderDocument() as found:
            return responder(found, part.places)
        case ChannelDocument() as found:
            return channel(found, part.places)
        case ScheduleDocument() as found:
            return schedule(found, part.places)
        case PolicyDocument() as found:
            return policy(found, part.places)
        case SettingsDocument():
            raise ValueError("settings are no item of the spec")


@dataclass(frozen=True, slots=True)
class _Builder:
    places: Places
    find_instance: FindInstance

    def service(self, document: ServiceDocument) -> Service:
        name = ServiceName(document.name)
        return Service(
            name=name,
            port=document.port,
            command=tuple(document.command),
            executor=document.executor,
            image=document.image or "",
            env=tuple(document.env.items()),
            directory=document.directory or "",
            mounts=tuple(document.mounts),
            aliases=tuple(document.aliases),
            metrics=document.metrics,
            escalation_policy=None if document.escalation_policy is None else PolicyName(document.escalation_policy),
            depends_on=tuple(map(ServiceName, document.depends_on)),
            health=health_check(document.health, self.places),
            supervision=document.supervision,
            healing=service_healing(document.healing),
            instances=tuple(
                Instance(
                    name=InstanceName(each.name),
                    service=name,
                    region=each.region,
                    address=parse_address(each.address),
                    origin=self.places.origin(each),
                )
                for each in document.instances
            ),
            origin=self.places.origin(document),
        )

    def virtual_host(self, document: VirtualHostDocument) -> VirtualHost:
        instances = [target.instance for target in document.targets if target.instance is not None]
        running = {name: self.find_instance(name) for name in instances}
        inherited = next((service.health for service, _ in running.values() if service.health is not None), None)
        breaker = document.circuit_breaker
        return VirtualHost(
            name=VirtualHostName(document.name),
            algorithm=document.algorithm,
            protocol=document.protocol,
            health=health_check(document.health, self.places) or (None if inherited is None else node_check(inherited)),
            circuit_breaker=CircuitBreaker(
                max_connections=breaker.max_connections,
                max_requests=breaker.max_requests,
                max_pending=breaker.max_pending,
                retry_percent=breaker.retry_percent,
            ),
            slow_start_ms=0 if document.slow_start is None else parse_duration(document.slow_start),
            max_ejected_percent=document.max_ejected_percent,
            maintenance=maintenance(document.maintenance),
            targets=tuple(self.target(each, running) for each in document.targets),
            origin=self.places.origin(document),
        )

    def target(self, document: TargetDocument, running: dict[str, tuple[Service, Instance]]) -> Target:
        instance = None if document.instance is None else running[document.instance][1]
        return Target(
            address=parse_address(document.address or "") if instance is None else instance.address,
            weight=document.weight,
            instance=instance.name if instance else None,
            origin=self.places.origin(document),
        )

    def api(self, document: ApiDocument) -> Api:
        return Api(
            name=ApiName(document.name),
            paths=tuple(document.paths),
            virtual_host=None if document.virtual_host is None else VirtualHostName(document.virtual_host),
            hosts=tuple(host.lower() for host in document.hosts),
            methods=tuple(document.methods),
            headers=tuple(HeaderRule(name=name.lower(), value=value) for name, value in document.headers.items()),
            strip_path=document.strip_path,
            preserve_host=document.preserve_host,
            accepts=frozenset(document.accepts),
            groups=tuple(document.groups),
            any_user=document.any_user,
            timeout_ms=parse_duration(document.timeout),
            policies=policies(document.policies, self.places.origin(document, "policies")),
            objectives=tuple(
                replace(parse_objective(text), origin=self.places.origin(document, "objectives", at))
                for at, text in enumerate(document.objectives)
            ),
            probe=api_probe(document.probe, self.places),
            origin=self.places.origin(document),
        )

    def user(self, document: ApiUserDocument) -> ApiUser:
        return ApiUser(
            name=UserName(document.name),
            apis=tuple(map(ApiName, document.apis)),
            groups=tuple(document.groups),
            rate_limits=rate_limits(document.rate_limits),
            origin=self.places.origin(document),
        )

    def node(self, document: NodeDocument) -> GatewayNode:
        return GatewayNode(
            name=NodeName(document.name),
            listen=parse_address(document.listen),
            admin=parse_address(document.admin),
            listen_tls=None if document.listen_tls is None else parse_address(document.listen_tls),
            origin=self.places.origin(document),
        )

    def issuer(self, document: TokenIssuerDocument) -> TokenIssuer:
        return TokenIssuer(
            name=document.name,
            issuer=document.issuer,
            audiences=tuple(document.audiences),
            jwks_file=None if document.jwks_file is None else Path(document.jwks_file),
            jwks_uri=document.jwks_uri,
            user_claim=document.user_claim,
            origin=self.places.origin(document),
        )
