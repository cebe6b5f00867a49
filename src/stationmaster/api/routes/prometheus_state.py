"""Prometheus' HTTP API: rules, alerts, targets, and what answers."""

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from litestar import Controller, MediaType, Response, get

from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.routes.prometheus import READ, Answer, answered, desk_of, success
from stationmaster.api.wire_prometheus import (
    NEVER,
    AlertingRuleSaid,
    BuildSaid,
    GroupSaid,
    GroupsSaid,
    ProblemSaid,
    RecordingRuleSaid,
    RuleSaid,
    RuntimeSaid,
    SaidAlert,
    SaidAlerts,
    TargetSaid,
    TargetsSaid,
)
from stationmaster.core.problem import Diagnostic
from stationmaster.core.rules import AlertingRule, RecordingRule
from stationmaster.monitor.query.asked import Asked, invalid, quoted
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.expressions import span_text
from stationmaster.monitor.query.numbers import scientific
from stationmaster.monitor.query.told import AlertTold, GroupTold, RuleTold, TargetTold
from stationmaster.runtime.db import utc_now

_STATES = ("firing", "pending")
"""The first that any alert of a rule has is the rule's state."""


class PrometheusStateRoutes(Controller):
    path = "/prometheus"
    tags = ("prometheus",)
    opt = READ

    @get("/api/v1/rules", summary="Rules, by group, with their alerts")
    async def rules(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _rules)

    @get("/api/v1/alerts", summary="Alerts that are pending or firing")
    async def alerts(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _alerts)

    @get("/api/v1/targets", summary="What is scraped, and how the last scrape went")
    async def targets(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _targets)

    @get("/api/v1/status/buildinfo", summary="What answers queries")
    async def build(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _build)

    @get("/api/v1/status/runtimeinfo", summary="The process that answers")
    async def runtime(self, platform: GivenPlatform) -> Answer:
        retention = desk_of(platform).told.retention()
        return success(_runtime(platform.started_at, retention))

    @get("/api/v1/status/flags", summary="Settings, in the words of Prometheus' flags")
    async def flags(self, platform: GivenPlatform) -> Answer:
        return success(desk_of(platform).told.flags())

    @get("/-/healthy", media_type=MediaType.TEXT, summary="For `promtool check healthy`")
    async def healthy(self) -> str:
        return "Prometheus Server is Healthy.\n"

    @get("/-/ready", media_type=MediaType.TEXT, summary="For `promtool check ready`")
    async def ready(self, platform: GivenPlatform) -> Response[str]:
        desk_of(platform)
        return Response("Prometheus Server is Ready.\n", media_type=MediaType.TEXT)


async def _rules(desk: QueryDesk, asked: Asked) -> Answer:
    kind = asked.text("type").lower()
    if kind not in ("", "alert", "record"):
        raise invalid("type", f"not supported value {quoted(kind)}")
    wanted = _wanted(asked, kind)
    without_alerts = asked.text("exclude_alerts") in ("1", "t", "T", "true", "TRUE", "True")
    narrowed = any(asked.every(name) for name in ("rule_name[]", "rule_group[]", "file[]"))
    groups = [
        _group(each, [rule for rule in each.rules if wanted(rule)], without_alerts)
        for each in desk.told.groups()
        if _among(each.group.name, asked.every("rule_group[]")) and _among(each.group.file, asked.every("file[]"))
    ]
    problems = list(map(_problem, desk.told.problems())) or msgspec.UNSET
    return success(GroupsSaid(groups=[each for each in groups if each.rules or not narrowed], problems=problems))


def _problem(each: Diagnostic) -> ProblemSaid:
    return ProblemSaid(
        file=each.origin.file,
        line=each.origin.line,
        column=each.origin.column,
        severity=each.severity.value,
        code=each.code,
        message=each.message,
        hint=each.hint,
    )


def _wanted(asked: Asked, kind: str) -> Callable[[RuleTold], bool]:
    names = asked.every("rule_name[]")

    def wanted(told: RuleTold) -> bool:
        alerting = isinstance(told.rule, AlertingRule)
        return _among(told.rule.name, names) and (not kind or alerting is (kind == "alert"))

    return wanted


def _among(name: str, names: Iterable[str]) -> bool:
    """No names at all mean every one."""
    asked = frozenset(names)
    return not asked or name in asked


def _group(told: GroupTold, rules: list[RuleTold], without_alerts: bool) -> GroupSaid:
    return GroupSaid(
        name=told.group.name,
        file=told.group.file,
        rules=[_rule(each, told.group.labels, without_alerts) for each in rules],
        interval=told.interval_ms / 1000,
        limit=told.group.limit,
        evaluation_time=told.evaluation_s,
        last_evaluation=told.last_evaluation or NEVER,
    )


def _rule(told: RuleTold, labels: Mapping[str, str], without_alerts: bool) -> RuleSaid:
    rule = told.rule
    error = told.last_error or msgspec.UNSET
    ours = {**labels, **rule.labels}
    if isinstance(rule, RecordingRule):
        return RecordingRuleSaid(
            name=rule.name,
            query=rule.expr,
            labels=ours or msgspec.UNSET,
            health=told.health,
            last_error=error,
            evaluation_time=told.evaluation_s,
            last_evaluation=told.last_evaluation or NEVER,
        )
    return AlertingRuleSaid(
        state=_state(told.alerts),
        name=rule.name,
        query=rule.expr,
        duration=rule.for_ms / 1000,
        keep_firing_for=rule.keep_firing_ms / 1000,
        labels=ours,
        annotations=rule.annotations,
        alerts=msgspec.UNSET if without_alerts else list(map(_alert, told.alerts)),
        health=told.health,
        last_error=error,
        evaluation_time=told.evaluation_s,
        last_evaluation=told.last_evaluation or NEVER,
    )


def _state(alerts: Iterable[AlertTold]) -> str:
    states = {each.state for each in alerts}
    return next((each for each in _STATES if each in states), "inactive")


def _alert(told: AlertTold) -> SaidAlert:
    return SaidAlert(
        labels=dict(told.labels),
        annotations=told.annotations,
        state=told.state,
        active_at=told.active_at,
        value=scientific(told.value),
        keep_firing_since=told.keep_firing_since or msgspec.UNSET,
    )


async def _alerts(desk: QueryDesk, _asked: Asked) -> Answer:
    return success(SaidAlerts(alerts=list(map(_alert, _all_alerts(desk.told.groups())))))


def _all_alerts(groups: Iterable[GroupTold]) -> Iterator[AlertTold]:
    for group in groups:
        for rule in group.rules:
            yield from rule.alerts


async def _targets(desk: QueryDesk, asked: Asked) -> Answer:
    state, pool = asked.text("state").lower(), asked.text("scrapePool")
    shown = desk.told.targets() if state in ("", "any", "active") else ()
    return success(TargetsSaid(active_targets=[_target(each) for each in shown if pool in ("", each.job)]))


def _target(told: TargetTold) -> TargetSaid:
    return TargetSaid(
        discovered_labels=told.labels if told.discovered_labels is None else told.discovered_labels,
        labels=told.labels,
        scrape_pool=told.job,
        scrape_url=told.url,
        global_url=told.url,
        last_error=told.last_error,
        last_scrape=told.last_scrape or NEVER,
        last_scrape_duration=told.last_duration_s,
        health=told.health,
        scrape_interval=span_text(told.interval_ms),
        scrape_timeout=span_text(told.timeout_ms),
    )


async def _build(desk: QueryDesk, _asked: Asked) -> Answer:
    build = await desk.ask(lambda queries, _terms: queries.build())
    return success(
        BuildSaid(
            version=build.version,
            revision=build.revision,
            branch=build.branch,
            build_user=build.user,
            build_date=build.date,
            go_version=build.runtime,
        )
    )


def _runtime(started_at: datetime, retention: str) -> RuntimeSaid:
    return RuntimeSaid(
        start_time=started_at,
        cwd=str(Path.cwd()),
        hostname=socket.gethostname(),
        server_time=utc_now(),
        reload_config_success=True,
        last_config_time=started_at,
        corruption_count=0,
        goroutine_count=threading.active_count(),
        gomaxprocs=os.cpu_count() or 1,
        storage_retention=retention,
    )
