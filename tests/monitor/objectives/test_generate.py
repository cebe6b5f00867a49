"""What is generated for an objective: names, labels, texts, and what is said of latencies that no bucket ends at."""

from dataclasses import replace

import pytest

from stationmaster.core.names import ApiName, VirtualHostName
from stationmaster.core.problem import Severity
from stationmaster.core.rules import AlertingRule, RecordingRule
from stationmaster.core.spec import Address, PlatformSpec, Target, VirtualHost
from stationmaster.monitor.alerting.export import rule_file
from stationmaster.monitor.alerting.rule_file import read_rules
from stationmaster.monitor.objectives.explain import explain
from stationmaster.monitor.objectives.generate import generate
from stationmaster.monitor.objectives.indicator import bucket_of
from stationmaster.monitor.objectives.watched import watched_of
from stationmaster.monitor.promql.engine import parse
from tests.monitor.objectives.declared import BOUNDS_S, ORIGIN, objective, platform


def test_every_window_of_the_workbook_and_the_whole_one_is_recorded() -> None:
    generated = generate(platform(objective()), BOUNDS_S)
    names = [rule.name for group in generated.groups for rule in group.rules if isinstance(rule, RecordingRule)]
    for window in ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"):
        assert f"slo:sli_error:ratio_rate{window}" in names
    assert len(names) == len(set(names))


def test_rules_and_alerts_carry_the_labels_and_the_line_of_their_objective() -> None:
    labels = {
        "api": "pets",
        "service": "petstore",
        "environment": "production",
        "objective": "availability-99.9-30d",
    }
    rules = [rule for group in generate(platform(objective()), BOUNDS_S).groups for rule in group.rules]
    assert all(labels.items() <= rule.labels.items() for rule in rules)
    assert all(rule.origin == ORIGIN for rule in rules)
    alerts = [rule for rule in rules if isinstance(rule, AlertingRule)]
    told = [(rule.labels["severity"], rule.labels["window"]) for rule in alerts]
    assert told == [("critical", "1h"), ("critical", "6h"), ("warning", "1d"), ("warning", "3d")]
    assert all("API pets in production" in rule.annotations["summary"] for rule in alerts)


def test_the_engine_takes_every_expression() -> None:
    spec = platform(objective(), objective(99, 7, latency_ms=300), objective(50, 1, latency_ms=1000))
    rules = [rule for group in generate(spec, BOUNDS_S).groups for rule in group.rules]
    assert len(rules) > 40
    for rule in rules:
        parse(rule.expr)


def test_groups_have_names_of_their_own_and_an_objective_said_twice_counts_once() -> None:
    spec = platform(objective(), objective(), objective(99, 7), objective(99, 7, latency_ms=300))
    groups = generate(spec, BOUNDS_S).groups
    assert len({group.name for group in groups}) == len(groups) == 6


@pytest.mark.parametrize(
    ("latency_ms", "bound_s", "exact"),
    [(250, 0.25, True), (300, 0.25, False), (1000, 1.0, True), (60_000, 10.0, False), (4, None, False)],
)
def test_a_latency_is_measured_by_the_next_lower_bound(latency_ms: int, bound_s: float | None, exact: bool) -> None:
    found = bucket_of(latency_ms, BOUNDS_S)
    assert (found.bound_s, found.exact) == (bound_s, exact)


def test_a_latency_between_two_bounds_is_told_with_its_line() -> None:
    (problem,) = generate(platform(objective(99, 7, latency_ms=300)), BOUNDS_S).diagnostics
    assert (problem.code, problem.severity, problem.origin) == ("objective-rounded", Severity.WARNING, ORIGIN)
    assert "'99% under 300ms over 7d' of the API pets is watched at 250ms" in problem.message
    assert "250, 500" in problem.hint


def test_a_latency_below_every_bound_is_refused_and_the_rest_is_generated() -> None:
    spec = platform(objective(99, 7, latency_ms=2), objective())
    generated = generate(spec, BOUNDS_S)
    assert [problem.code for problem in generated.diagnostics] == ["objective-unmeasured"]
    assert {group.name for group in generated.groups} == {
        "pets/availability-99.9-30d",
        "pets/availability-99.9-30d/long",
    }


def test_the_bound_is_found_in_either_way_to_write_it() -> None:
    rules = [
        rule.expr
        for group in generate(platform(objective(99, 7, latency_ms=1000)), BOUNDS_S).groups
        for rule in group.rules
    ]
    assert any(r'le=~"1|1\\.0"' in expr for expr in rules)


def test_the_service_is_the_one_behind_the_virtual_host_else_the_virtual_host() -> None:
    spec = platform(objective())
    assert [each.service for each in watched_of(spec)] == ["petstore"]
    strange = VirtualHost(
        name=VirtualHostName("mixed"),
        targets=(*spec.virtual_hosts[0].targets, Target(address=Address(host="10.0.0.9", port=80))),
    )
    assert [each.service for each in watched_of(_behind(spec, strange))] == ["mixed"]
    empty = VirtualHost(name=VirtualHostName("empty"))
    assert [each.service for each in watched_of(_behind(spec, empty))] == ["empty"]
    redirect = replace(spec, apis=(replace(spec.apis[0], virtual_host=None),))
    assert [each.service for each in watched_of(redirect)] == ["gateway"]


def test_an_explanation_says_what_counts_and_when_somebody_is_told() -> None:
    (watched,) = watched_of(platform(objective(99, 7, latency_ms=300)))
    explained = explain(watched, BOUNDS_S)
    assert explained.line == "99% under 300ms over 7d"
    assert "takes longer than 250 ms, the next time below 300 ms" in explained.words[0]
    assert (
        "of 100 requests one may be bad; a total outage uses the budget of 7 days up in 101 minutes" in explained.words
    )
    first = explained.levels[0]
    assert (first.long, first.short, first.factor) == ("1h", "5m", 3.36)
    assert first.failing == pytest.approx(0.0336)
    assert first.budget_percent == pytest.approx(2)
    assert first.outage_told_s == pytest.approx(121, abs=1)


def _behind(spec: PlatformSpec, host: VirtualHost) -> PlatformSpec:
    api = replace(spec.apis[0], name=ApiName("pets"), virtual_host=host.name)
    return replace(spec, virtual_hosts=(host,), apis=(api,))


def test_the_platforms_own_reader_of_rule_files_takes_what_is_exported() -> None:
    groups = generate(platform(objective(), objective(99, 7, latency_ms=250)), BOUNDS_S).groups
    read = read_rules(rule_file(groups), "objectives.yaml")
    assert not read.diagnostics
    told = [(rule.name, rule.expr) for group in read.groups for rule in group.rules]
    assert told == [(rule.name, rule.expr) for group in groups for rule in group.rules]
