"""Rules that read nothing any more: whom they are told of, and of whom they are not."""

import pytest

from stationmaster.core.rules import AlertingRule, RecordingRule, RuleGroup
from stationmaster.monitor.alerting.asking import OwnAsk
from stationmaster.monitor.alerting.no_data import MISSING_METRIC, MetricsWatch, no_data_group
from stationmaster.monitor.alerting.reads import Reading, readings_of
from stationmaster.monitor.promql.engine import parse
from stationmaster.monitor.promql.results import Fault, QueryError, Result
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.series.store import SeriesStore

MINUTE = 60_000
LONG = 10 * MINUTE


def rules(*exprs: str) -> tuple[RuleGroup, ...]:
    made = tuple(AlertingRule(name=f"R{number}", expr=expr) for number, expr in enumerate(exprs))
    return (RuleGroup(name="g", file="f", rules=made),)


class World:
    def __init__(self) -> None:
        self.samples = SeriesStore()
        self.ask = OwnAsk(self.samples)
        self.watch = MetricsWatch()

    def write(self, at_ms: int, *series: Labels) -> None:
        for labels in series:
            self.samples.append(str(labels), at_ms, {self.samples.table.intern(labels): 1.0})

    def look(self, at_ms: int) -> None:
        self.watch.look(self.ask, at_ms, 1000)

    def missing(self, *down: str) -> dict[str, dict[str, str]]:
        found = self.watch.missing(frozenset(down))
        return {dict(labels)["rule"]: dict(labels) for labels in found}


def series(name: str, job: str = "node", instance: str = "a:1") -> Labels:
    return (("__name__", name), ("instance", instance), ("job", job))


@pytest.mark.parametrize(
    ("expr", "readings"),
    [
        ("up == 0", set()),
        ("rate(x[5m]) / sum(y{job='a', code=~'5..'}) > 0.1", {Reading("x"), Reading("y", "a")}),
        ("absent(x) or absent_over_time(y[5m])", set()),
        ("x unless on (job) y", {Reading("x")}),
        ("max_over_time(deriv(rate(x[1m])[5m:1m])[1h:5m]) > -(y)", {Reading("x"), Reading("y")}),
        ("{__name__=~'x.*'} > 1", set()),
        ("histogram_quantile(0.9, sum by (le) (x_bucket)) > scalar(y)", {Reading("x_bucket"), Reading("y")}),
        ("topk(scalar(k), x)", {Reading("x")}),
        ("not ( promql", set()),
        ("vector(1)", set()),
    ],
)
def test_what_a_rule_reads(expr: str, readings: set[Reading]) -> None:
    assert readings_of(expr) == readings


@pytest.mark.parametrize("reading", [Reading("x"), Reading("x", 'a"b\\c\n')])
def test_a_reading_can_be_asked_for(reading: Reading) -> None:
    ((*matchers,),) = parse(f"count({reading.selector})").selectors
    assert {each.name: each.value for each in matchers}.get("job", "") == reading.job


def test_a_rule_whose_metrics_are_gone_is_told_with_job_and_instance_and_since_when() -> None:
    here = World()
    here.watch.follow(rules("x > 1", "y > 1", "never_seen > 1"))
    here.write(0, series("x"), series("y"))
    here.look(MINUTE)
    assert here.missing() == {}
    here.write(LONG, series("y"))
    here.look(LONG)
    told = here.missing()["R0"]
    assert told == {
        "__name__": MISSING_METRIC,
        "rule": "R0",
        "rule_group": "g",
        "metric": "x",
        "job": "node",
        "instance": "a:1",
    }
    assert list(here.watch.missing().values()) == [MINUTE / 1000]
    here.write(LONG + MINUTE, series("x"))
    here.look(LONG + MINUTE)
    assert here.missing() == {}


def test_a_rule_that_still_reads_something_is_not_told() -> None:
    here = World()
    here.watch.follow(rules("x / y > 1"))
    here.write(0, series("x"), series("y"))
    here.look(MINUTE)
    here.write(LONG, series("y"))
    here.look(LONG)
    assert here.missing() == {}


def test_a_condition_that_finds_nothing_is_good_health_while_the_metric_is_there() -> None:
    here = World()
    here.watch.follow(rules('x{code="500"} > 1', 'x{job="other"} > 1'))
    here.write(0, series("x"), series("x", "other"))
    here.look(MINUTE)
    here.write(LONG, series("x"))
    here.look(LONG)
    assert list(here.missing()) == ["R1"]


def test_metrics_of_a_job_that_is_down_are_told_by_that_alone() -> None:
    here = World()
    here.watch.follow(rules("x > 1", "y > 1"))
    here.write(0, series("x"), series("y", "other"))
    here.look(MINUTE)
    here.look(LONG)
    assert list(here.missing()) == ["R0", "R1"]
    assert list(here.missing("node")) == ["R1"]


def test_of_several_jobs_and_instances_none_is_named() -> None:
    here = World()
    here.watch.follow(rules("x > 1"))
    here.write(0, series("x"), series("x", instance="b:1"), series("x", "other", "c:1"))
    here.look(MINUTE)
    here.look(LONG)
    told = here.missing()["R0"]
    assert "job" not in told
    assert "instance" not in told


def test_what_cannot_be_asked_counts_as_it_did_before() -> None:
    here = World()
    here.watch.follow(rules("x > 1"))
    here.write(0, series("x"))
    here.look(MINUTE)

    def broken(_query: str, _at_ms: int, _timeout_ms: int) -> Result:
        raise QueryError(Fault.UNAVAILABLE, "away")

    here.watch.look(broken, LONG, 1000)
    assert here.missing() == {}


def test_what_is_missing_is_looked_for_at_every_call_so_that_it_ends_at_once() -> None:
    here = World()
    here.watch.follow(rules("x > 1"))
    here.write(0, series("x"))
    here.look(MINUTE)
    here.look(LONG)
    assert list(here.missing()) == ["R0"]
    here.write(LONG + 1000, series("x"))
    here.look(LONG + 2000)
    assert here.missing() == {}


def test_metrics_of_a_job_that_is_no_longer_declared_are_not_missed() -> None:
    here = World()
    here.watch.follow(rules("x > 1", "y > 1"))
    here.write(0, series("x"), series("y", "other"))
    here.look(MINUTE)
    here.look(LONG)
    here.watch.forget({"node"})
    assert list(here.missing()) == ["R1"]


def test_what_was_missing_before_a_restart_is_missing_after_it() -> None:
    here = World()
    here.watch.follow(rules("x > 1"))
    labels = {"alertname": "MetricsMissing", "rule": "R0", "rule_group": "g", "metric": "x", "job": "node"}
    here.watch.resume({tuple(sorted(labels.items())): 12.5})
    assert here.missing() == {}
    here.look(LONG)
    assert here.missing()["R0"]["job"] == "node"
    assert list(here.watch.missing().values()) == [12.5]


def test_it_looks_once_a_minute_and_at_once_when_rules_change() -> None:
    here = World()
    asked: list[int] = []

    def counting(query: str, at_ms: int, timeout_ms: int) -> Result:
        asked.append(at_ms)
        return here.ask(query, at_ms, timeout_ms)

    here.watch.follow(rules("x > 1"))
    for at_ms in (0, 15_000, 59_999, 60_000, 70_000, 10_000):
        here.watch.look(counting, at_ms, 1000)
    assert asked == [0, 60_000, 10_000]
    here.watch.follow(rules("x > 2"))
    here.watch.look(counting, 11_000, 1000)
    assert asked[-1] == 11_000


def test_recording_rules_and_our_own_group_are_not_watched() -> None:
    here = World()
    group = RuleGroup(name="g", file="f", rules=(RecordingRule(name="r", expr="x"),))
    here.watch.follow((group, no_data_group(15_000, ())))
    here.write(0, series("x"))
    here.look(MINUTE)
    here.look(LONG)
    assert here.missing() == {}


@pytest.mark.parametrize("targets", [(), (series("up")[1:],)])
def test_the_rules_of_the_group_are_sound(targets: tuple[Labels, ...]) -> None:
    group = no_data_group(15_000, targets)
    for rule in group.rules:
        parse(rule.expr)
    assert "> 45" in group.rules[0].expr
    assert "> 300" in no_data_group(600_000, targets).rules[0].expr
