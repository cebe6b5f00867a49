"""Objectives over REST: how their error budgets stand, and what is computed for them."""

from typing import Annotated, TypeAlias

from litestar import Controller, get
from litestar.params import PathParameter

from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_objectives import (
    BurnLevel,
    ObjectiveExplanation,
    ObjectiveExplanations,
    ObjectiveList,
    ObjectiveProblem,
    ObjectiveRule,
    ObjectiveStatus,
)
from stationmaster.core.problem import Diagnostic, PlatformError
from stationmaster.core.rules import AlertingRule, Rule
from stationmaster.monitor.objectives.budget import Budget
from stationmaster.monitor.objectives.desk import Objectives
from stationmaster.monitor.objectives.explain import ExplainedLevel, Explanation
from stationmaster.monitor.objectives.watched import line_of
from stationmaster.platform import Platform

ApiInPath: TypeAlias = Annotated[str, PathParameter(max_length=255, description="The name of an API.")]


class ObjectiveRoutes(Controller):
    path = "/api/v1/objectives"
    tags = ("objectives",)

    @get(summary="Every objective with its error budget")
    async def list_all(self, platform: GivenPlatform) -> ObjectiveList:
        objectives = _objectives_of(platform)
        standing = await objectives.standing()
        return ObjectiveList(
            environment=platform.spec.environment,
            objectives=tuple(map(_status, standing)),
            problems=tuple(map(_problem, objectives.rules().diagnostics)),
        )

    @get("/{api:str}", summary="What is computed for the objectives of an API, and when somebody is told")
    async def explain(self, platform: GivenPlatform, api: ApiInPath) -> ObjectiveExplanations:
        objectives = _objectives_of(platform)
        explained = objectives.explained(api)
        return ObjectiveExplanations(
            api=api,
            explained=tuple(map(_explanation, explained)),
            problems=tuple(map(_problem, objectives.problems(api))),
        )


def _objectives_of(platform: Platform) -> Objectives:
    if platform.objectives is None:
        hint = "ask the control plane of the platform"
        raise PlatformError("no-monitor", "nothing is monitored here", hint=hint, status=503)
    return platform.objectives


def _status(budget: Budget) -> ObjectiveStatus:
    return ObjectiveStatus(
        api=budget.watched.api,
        service=budget.watched.service,
        objective=budget.watched.name,
        line=line_of(budget.watched.objective),
        standing=budget.standing.value,
        good=budget.good,
        budget_left=budget.left,
        burn_rate=budget.burn_rate,
        empty_in_s=budget.empty_in_s,
    )


def _explanation(explained: Explanation) -> ObjectiveExplanation:
    origin = explained.watched.objective.origin
    return ObjectiveExplanation(
        objective=explained.watched.name,
        line=explained.line,
        file=origin.file,
        at_line=origin.line,
        words=explained.words,
        levels=tuple(map(_level, explained.levels)),
        rules=tuple(map(_rule, explained.rules)),
    )


def _level(level: ExplainedLevel) -> BurnLevel:
    return BurnLevel(
        severity=level.urgency.value,
        long_window=level.long,
        short_window=level.short,
        burn_rate=level.factor,
        failing=level.failing,
        budget_percent=level.budget_percent,
        outage_told_s=level.outage_told_s,
        expr=level.expr,
    )


def _rule(rule: Rule) -> ObjectiveRule:
    alerts = isinstance(rule, AlertingRule)
    return ObjectiveRule(record="" if alerts else rule.name, alert=rule.name if alerts else "", expr=rule.expr)


def _problem(problem: Diagnostic) -> ObjectiveProblem:
    return ObjectiveProblem(
        code=problem.code,
        severity=problem.severity.value,
        file=problem.origin.file,
        line=problem.origin.line,
        message=problem.message,
        hint=problem.hint,
    )
