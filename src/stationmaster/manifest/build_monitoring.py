"""What is declared of metrics, as the frozen items of the spec."""

import json
from pathlib import Path

from stationmaster.core.monitoring import ExternalPrometheus, Heartbeat, Monitoring, ScrapeJob, Traces
from stationmaster.core.names import UserName
from stationmaster.core.spec import ApiProbe, HealthCheck, JsonValue
from stationmaster.manifest.places import Places
from stationmaster.manifest.schema_hosts import HealthDocument
from stationmaster.manifest.schema_monitoring import ApiProbeDocument, MonitoringDocument, ScrapeDocument
from stationmaster.manifest.values import parse_address, parse_duration, parse_interval, parse_seconds, parse_size


def monitoring(document: MonitoringDocument, places: Places) -> Monitoring:
    prometheus, heartbeat, traces = document.prometheus, document.heartbeat, document.traces
    return Monitoring(
        scrape_interval_ms=parse_interval(document.scrape_interval),
        scrape_timeout_ms=parse_duration(document.scrape_timeout),
        evaluation_interval_ms=parse_interval(document.evaluation_interval),
        retention_s=parse_seconds(document.retention),
        scrape=tuple(_scrape_job(each, places) for each in document.scrape),
        rules=tuple(map(Path, document.rules)),
        runbook_rules=document.runbook_rules,
        prometheus=None
        if prometheus is None
        else ExternalPrometheus(
            url=prometheus.url, token_file=_path(prometheus.token_file), origin=places.origin(prometheus)
        ),
        heartbeat=None
        if heartbeat is None
        else Heartbeat(url=heartbeat.url, interval_ms=parse_interval(heartbeat.interval)),
        traces=None if traces is None else Traces(endpoint=traces.endpoint, ratio=traces.percent / 100),
        budget_alerts_end_within_s=None
        if document.budget_alerts_end_within is None
        else parse_seconds(document.budget_alerts_end_within),
        state_limit_bytes=None if document.state_limit is None else parse_size(document.state_limit),
    )


def _scrape_job(document: ScrapeDocument, places: Places) -> ScrapeJob:
    return ScrapeJob(
        name=document.name,
        targets=tuple(map(parse_address, document.targets)),
        labels=tuple(sorted(document.labels.items())),
        path=document.path,
        scheme=document.scheme.value,
        interval_ms=None if document.interval is None else parse_interval(document.interval),
        timeout_ms=None if document.timeout is None else parse_duration(document.timeout),
        honor_labels=document.honor_labels,
        sample_limit=document.sample_limit,
        body_limit_bytes=parse_size(document.body_limit),
        token_file=_path(document.token_file),
        origin=places.origin(document),
    )


def api_probe(document: ApiProbeDocument | None, places: Places) -> ApiProbe | None:
    if document is None:
        return None
    origin = places.origin(document)
    check = HealthCheck(
        path=document.path,
        status=200 if document.status is None else document.status,
        contains=document.contains,
        max_latency_ms=_milliseconds(document.max_latency),
        interval_ms=parse_interval(document.interval),
        timeout_ms=parse_duration(document.timeout),
        down_after=document.down_after,
        up_after=document.up_after,
        origin=origin,
    )
    return ApiProbe(check=check, user=None if document.user is None else UserName(document.user), origin=origin)


def health_check(document: HealthDocument | None, places: Places) -> HealthCheck | None:
    if document is None:
        return None
    wanted = document.json
    return HealthCheck(
        kind=document.type,
        path=document.path or "/",
        status=200 if document.status is None else document.status,
        contains=document.contains,
        json=None if wanted is None else JsonValue(path=wanted.path, value=_as_json(wanted.equals)),
        max_latency_ms=_milliseconds(document.max_latency),
        min_certificate_days=document.min_certificate_days,
        verify_certificate=document.verify_certificate,
        grpc_service=document.grpc_service or "",
        dns_name=document.dns_name or "",
        command=tuple(document.command),
        interval_ms=parse_interval(document.interval),
        timeout_ms=parse_duration(document.timeout),
        down_after=document.down_after,
        up_after=document.up_after,
        origin=places.origin(document),
    )


def _as_json(written: str) -> str:
    """`3`, `true` and `"3"` are meant as JSON; any other word as a text."""
    try:
        json.loads(written)
    except ValueError:
        return json.dumps(written)
    return written


def _milliseconds(duration: str | None) -> int | None:
    return None if duration is None else parse_duration(duration)


def _path(name: str | None) -> Path | None:
    return None if name is None else Path(name)
