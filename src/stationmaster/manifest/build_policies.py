"""Checked policies as the frozen values of the spec."""

from dataclasses import replace

from stationmaster.core.names import VirtualHostName
from stationmaster.core.policy import (
    Canary,
    Cors,
    Fault,
    HeaderChanges,
    Maintenance,
    Mirror,
    Policies,
    RateLimit,
    Redirect,
    TokenRules,
)
from stationmaster.core.problem import Origin
from stationmaster.manifest.schema_hosts import MaintenanceDocument
from stationmaster.manifest.schema_policies import (
    CanaryDocument,
    CorsDocument,
    FaultDocument,
    HeaderChangesDocument,
    MirrorDocument,
    PoliciesDocument,
    RateLimitDocument,
    RedirectDocument,
    TokenRulesDocument,
)
from stationmaster.manifest.values import parse_duration, parse_seconds, parse_size


def policies(document: PoliciesDocument, origin: Origin) -> Policies:
    return Policies(
        rate_limits=rate_limits(document.rate_limits),
        cors=_cors(document.cors),
        request_headers=_changes(document.request_headers),
        response_headers=_changes(document.response_headers),
        max_body_bytes=None if document.max_body is None else parse_size(document.max_body),
        retries=document.retries,
        canary=_canary(document.canary),
        mirror=_mirror(document.mirror),
        redirect=_redirect(document.redirect),
        maintenance=maintenance(document.maintenance),
        fault=_fault(document.fault),
        tokens=_tokens(document.tokens),
        origin=origin,
    )


def maintenance(document: MaintenanceDocument | None) -> Maintenance | None:
    if document is None:
        return None
    return Maintenance(message=document.message, retry_after_s=parse_seconds(document.retry_after))


def rate_limits(documents: list[RateLimitDocument]) -> tuple[RateLimit, ...]:
    return tuple(RateLimit(requests=each.requests, per_ms=parse_duration(each.per), by=each.by) for each in documents)


def _cors(document: CorsDocument | None) -> Cors | None:
    if document is None:
        return None
    cors = Cors(
        origins=tuple(document.origins),
        request_headers=tuple(document.request_headers),
        response_headers=tuple(document.response_headers),
        credentials=document.credentials,
        max_age_s=parse_seconds(document.max_age),
    )
    return cors if document.methods is None else replace(cors, methods=tuple(document.methods))


def _changes(document: HeaderChangesDocument) -> HeaderChanges:
    return HeaderChanges(
        set=tuple(document.set.items()), add=tuple(document.add.items()), remove=tuple(document.remove)
    )


def _canary(document: CanaryDocument | None) -> Canary | None:
    if document is None:
        return None
    return Canary(virtual_host=VirtualHostName(document.virtual_host), percent=document.percent)


def _mirror(document: MirrorDocument | None) -> Mirror | None:
    if document is None:
        return None
    return Mirror(virtual_host=VirtualHostName(document.virtual_host), percent=document.percent)


def _redirect(document: RedirectDocument | None) -> Redirect | None:
    return None if document is None else Redirect(to=document.to, status=document.status)


def _fault(document: FaultDocument | None) -> Fault | None:
    if document is None:
        return None
    return Fault(
        delay_ms=0 if document.delay is None else parse_duration(document.delay),
        delay_percent=document.delay_percent,
        abort_status=document.abort,
        abort_percent=document.abort_percent,
    )


def _tokens(document: TokenRulesDocument) -> TokenRules:
    return TokenRules(
        issuers=tuple(document.issuers),
        scopes=tuple(document.scopes),
        claims_to_headers=tuple(document.claims_to_headers.items()),
    )
