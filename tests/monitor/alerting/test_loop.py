"""The loop with the real engine and store: facts once a transition, over restarts, failures and changed rules."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy.exc import OperationalError

from stationmaster.core.facts import AlertFired, AlertRecovered, Fact
from stationmaster.core.monitoring import Monitoring
from stationmaster.core.problem import Origin
from stationmaster.core.rules import AlertingRule, RecordingRule, RuleGroup
from stationmaster.monitor import store as alerts
from stationmaster.monitor.alerting import store
from stationmaster.monitor.alerting.asking import OwnAsk
from stationmaster.monitor.alerting.changes import Change
from stationmaster.monitor.alerting.loop import Alerting, Surround
from stationmaster.monitor.promql.results import Fault, QueryError, Result
from stationmaster.monitor.promql.samples import Labels, LabelTable
from stationmaster.monitor.series.store import Appended, SeriesStore
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_since

LIMIT_S = 20.0
INTERVAL_MS = 100
MONITORING = Monitoring(evaluation_interval_ms=INTERVAL_MS, scrape_interval_ms=INTERVAL_MS)
DOWN = AlertingRule(
    name="InstanceDown",
    expr="up == 0",
    labels={"severity": "page"},
    annotations={"summary": "{{ $labels.instance }} is down", "url": "http://{{ $labels.instance }}/healthz"},
    origin=Origin(file="rules/one.yml", line=7),
)
API: Labels = (("__name__", "up"), ("instance", "a:80"), ("job", "api"))


def group(*rules: AlertingRule | RecordingRule, name: str = "g") -> RuleGroup:
    return RuleGroup(name=name, file="rules/one.yml", rules=rules)


@dataclass
class World:
    """Samples that a test writes, and a clock that it can set."""

    database: Database
    groups: Cell[tuple[RuleGroup, ...]]
    samples: SeriesStore = field(default_factory=SeriesStore)
    ahead_ms: int = 0
    broken: str = ""
    targets: Sequence[Labels] = ()
    hold: float = 0.0
    monitoring: Monitoring = MONITORING

    def __post_init__(self) -> None:
        self.own = OwnAsk(self.samples)

    def wall(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def ask(self, query: str, at_ms: int, timeout_ms: int) -> Result:
        if self.hold:
            time.sleep(self.hold)
        if self.broken in (query, "*"):
            raise QueryError(Fault.EXECUTION, "the test broke it")
        return self.own(query, at_ms, timeout_ms)

    def write(self, labels: Labels, value: float, *, stream: str = "test") -> None:
        self.samples.append(stream, self.wall(), {self.samples.table.intern(labels): value})

    def end(self, *, stream: str = "test") -> None:
        self.samples.end(stream, self.wall())

    def alerting(self) -> Alerting:
        surround = Surround(
            ask=self.ask,
            recorder=self.samples,
            monitoring=lambda: self.monitoring,
            targets=lambda: self.targets,
            external_labels=lambda: {"environment": "lab"},
            rewind=self.samples.rewind,
            wall=self.wall,
        )
        return Alerting(self.database, self.groups, surround)

    async def facts(self) -> list[Fact]:
        return await facts_since(self.database, datetime(2000, 1, 1, tzinfo=UTC))

    async def told(self, name: str) -> list[str]:
        """fired and recovered of one alert, in their order."""
        return [
            {AlertFired: "fired", AlertRecovered: "recovered"}[type(fact)]
            for fact in await self.facts()
            if isinstance(fact, AlertFired | AlertRecovered) and fact.alert.name == name
        ]

    async def fired(self, name: str) -> AlertFired:
        return next(fact for fact in await self.facts() if isinstance(fact, AlertFired) and fact.alert.name == name)

    async def until_told(self, name: str, expected: Sequence[str]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while await self.told(name) != list(expected):
                await asyncio.sleep(0.02)


def world(database: Database, *groups: RuleGroup) -> World:
    return World(database, Cell(tuple(groups)))


@asynccontextmanager
async def running(alerting: Alerting) -> AsyncIterator[Alerting]:
    task = asyncio.get_running_loop().create_task(alerting.run())
    try:
        yield alerting
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.02)


async def cycles(alerting: Alerting, count: int) -> None:
    """Waits until every group was evaluated so often again."""
    for _ in range(count):
        seen = {told.group.name: told.last_evaluation for told in alerting.told()}
        async with asyncio.timeout(LIMIT_S):
            while any(told.last_evaluation == seen[told.group.name] for told in alerting.told()):
                await asyncio.sleep(0.02)


async def test_an_alert_fires_and_recovers_as_facts_with_all_that_is_to_be_said(database: Database) -> None:
    here = world(database, group(DOWN))
    here.write(API, 0)
    async with running(here.alerting()):
        await here.until_told("InstanceDown", ["fired"])
        async with database.read() as connection:
            (firing,) = [each for each in await alerts.firing_alerts(connection) if each.name == "InstanceDown"]
        assert firing.labels == {
            "alertname": "InstanceDown",
            "severity": "page",
            "instance": "a:80",
            "job": "api",
            "environment": "lab",
        }
        assert (firing.summary, firing.url) == ("a:80 is down", "http://a:80/healthz")
        assert firing.rule == "rules/one.yml:7"
        here.write(API, 1)
        await here.until_told("InstanceDown", ["fired", "recovered"])
    fired = await here.fired("InstanceDown")
    assert fired.alert.annotations["summary"] == "a:80 is down"
    assert "up == 0 gives 0" in fired.evidence
    async with database.read() as connection:
        assert not [row for rows in (await store.kept_alerts(connection)).values() for row in rows]


async def test_for_goes_on_over_a_restart(database: Database) -> None:
    here = world(database, group(replace(DOWN, for_ms=1200)))
    here.write(API, 0)
    alerting = here.alerting()
    async with running(alerting):
        await until(lambda: alerting.told() and alerting.told()[0].rules[0].alerts)
        began = alerting.told()[0].rules[0].alerts[0].active_at
    again = here.alerting()
    async with running(again):
        await until(lambda: again.told() and again.told()[0].rules[0].alerts)
        assert again.told()[0].rules[0].alerts[0].active_at == began
        await here.until_told("InstanceDown", ["fired"])
    assert 1.2 <= (datetime.now(UTC) - began).total_seconds() < LIMIT_S


async def test_that_a_target_is_not_scraped_counts_anew_after_a_restart(database: Database) -> None:
    """Nobody scraped it while the process was down."""
    here = world(database)
    here.monitoring = replace(MONITORING, scrape_interval_ms=60_000)
    here.targets = (tuple((name, value) for name, value in API if name != "__name__"),)
    alerting = here.alerting()
    async with running(alerting):
        await until(lambda: alerting.told() and alerting.told()[0].rules[0].alerts)
    here.ahead_ms = 10 * 60_000
    again = here.alerting()
    async with running(again):
        await until(lambda: again.told() and again.told()[0].last_evaluation)
        (alert,) = again.told()[0].rules[0].alerts
        assert (alert.state, here.wall() / 1000 - alert.active_at.timestamp() < 60) == ("pending", True)
    assert await here.told("ScrapeTargetDown") == []


async def test_what_fired_before_a_restart_does_not_fire_again_and_can_recover(database: Database) -> None:
    here = world(database, group(DOWN))
    here.write(API, 0)
    async with running(here.alerting()):
        await here.until_told("InstanceDown", ["fired"])
    again = here.alerting()
    async with running(again):
        await until(lambda: again.told() and again.told()[0].last_evaluation)
        await cycles(again, 2)
        assert await here.told("InstanceDown") == ["fired"]
        here.write(API, 1)
        await here.until_told("InstanceDown", ["fired", "recovered"])


async def test_alerts_of_a_rule_that_is_gone_end_also_when_it_went_while_nobody_looked(database: Database) -> None:
    here = world(database, group(DOWN, replace(DOWN, name="Other")))
    here.write(API, 0)
    async with running(here.alerting()):
        await here.until_told("InstanceDown", ["fired"])
        await here.until_told("Other", ["fired"])
        here.groups.set((group(replace(DOWN, name="Other")),))
        await here.until_told("InstanceDown", ["fired", "recovered"])
        assert await here.told("Other") == ["fired"]
    here.groups.set(())
    async with running(here.alerting()):
        await here.until_told("Other", ["fired", "recovered"])
    last = [fact for fact in await here.facts() if isinstance(fact, AlertRecovered)][-1]
    assert last.evidence == "the rule that gave it is no longer there"


async def test_a_changed_rule_goes_on_with_the_alerts_that_it_has(database: Database) -> None:
    here = world(database, group(DOWN))
    here.write(API, 0)
    async with running(here.alerting()) as alerting:
        await here.until_told("InstanceDown", ["fired"])
        here.groups.set((group(replace(DOWN, expr="up < 1", annotations={"summary": "anew"})),))
        await until(lambda: alerting.told()[0].rules[0].rule.expr == "up < 1")
        await cycles(alerting, 2)
        assert alerting.told()[0].rules[0].alerts[0].annotations == {"summary": "anew"}
        assert await here.told("InstanceDown") == ["fired"]


async def test_two_rules_that_give_one_alert_fire_it_once_and_it_recovers_with_the_last(database: Database) -> None:
    here = world(database, group(DOWN, name="one"), group(replace(DOWN, expr="up < 2"), name="two"))
    here.write(API, 0)
    async with running(here.alerting()) as alerting:
        await until(lambda: sum(len(rule.alerts) for told in alerting.told()[:2] for rule in told.rules) == 2)
        here.write(API, 1)
        await until(lambda: not alerting.told()[0].rules[0].alerts)
        await cycles(alerting, 1)
        assert await here.told("InstanceDown") == ["fired"]
        here.write(API, 2)
        await here.until_told("InstanceDown", ["fired", "recovered"])


async def test_rules_of_a_group_see_what_those_before_them_recorded(database: Database) -> None:
    rules = (
        RecordingRule(name="job:up:sum", expr="sum by (job) (up)"),
        AlertingRule(name="Empty", expr="job:up:sum == 0"),
        RecordingRule(name="alerts:count", expr='count(ALERTS{alertname="Empty"})'),
        AlertingRule(name="Counted", expr="alerts:count > 0"),
    )
    here = world(database, replace(group(*rules), interval_ms=1000))
    here.write(API, 0)
    async with running(here.alerting()):
        await here.until_told("Counted", ["fired"])
    facts = [fact for fact in await here.facts() if isinstance(fact, AlertFired)]
    moments = {fact.alert.name: fact.at for fact in facts}
    assert moments["Empty"] == moments["Counted"]


async def test_a_rule_that_fails_keeps_its_alerts_and_is_told_after_three_times(database: Database) -> None:
    here = world(database, group(DOWN, replace(DOWN, name="Well", expr="up < 1")))
    here.write(API, 0)
    async with running(here.alerting()) as alerting:
        await here.until_told("InstanceDown", ["fired"])
        here.broken = "up == 0"
        await here.until_told("RuleEvaluationFailing", ["fired"])
        assert await here.told("InstanceDown") == ["fired"]
        failing, well = alerting.told()[0].rules
        assert (failing.health, failing.last_error) == ("err", "the test broke it")
        assert (well.health, well.last_error) == ("ok", "")
        here.broken = ""
        await here.until_told("RuleEvaluationFailing", ["fired", "recovered"])
        assert await here.told("InstanceDown") == ["fired"]
    fact = await here.fired("RuleEvaluationFailing")
    assert "the test broke it" in fact.alert.summary
    assert fact.alert.rule == "rules/one.yml:7"


async def test_that_a_rule_fails_is_told_once_over_a_restart(database: Database) -> None:
    here = world(database, group(DOWN))
    here.broken = "up == 0"
    async with running(here.alerting()):
        await here.until_told("RuleEvaluationFailing", ["fired"])
    again = here.alerting()
    async with running(again):
        await until(lambda: again.told() and again.told()[0].last_evaluation)
        await cycles(again, 5)
        assert await here.told("RuleEvaluationFailing") == ["fired"]
        here.broken = ""
        await here.until_told("RuleEvaluationFailing", ["fired", "recovered"])


async def test_when_all_rules_of_a_group_fail_one_alert_tells_of_it(database: Database) -> None:
    rules = [replace(DOWN, name=f"Rule{number}") for number in range(5)]
    here = world(database, group(*rules))
    here.broken = "up == 0"
    async with running(here.alerting()) as alerting:
        await here.until_told("RuleEvaluationFailing", ["fired"])
        await cycles(alerting, 3)
        assert "None of the 5 rules of group g" in (await here.fired("RuleEvaluationFailing")).alert.summary
        here.broken = ""
        await here.until_told("RuleEvaluationFailing", ["fired", "recovered"])


async def test_a_clock_that_is_set_back_ends_no_alert_and_shortens_no_for(database: Database) -> None:
    here = world(database, group(DOWN, replace(DOWN, name="Later", for_ms=2000)))
    here.write(API, 0)
    async with running(here.alerting()) as alerting:
        await here.until_told("InstanceDown", ["fired"])
        began = time.monotonic()
        here.ahead_ms = -3_600_000
        here.samples.rewind(here.wall())
        here.write(API, 0)
        await cycles(alerting, 3)
        assert await here.told("InstanceDown") == ["fired"]
        await here.until_told("Later", ["fired"])
        assert 1.0 < time.monotonic() - began < 5.0
        here.write(API, 1)
        await here.until_told("InstanceDown", ["fired", "recovered"])


async def test_a_clock_that_is_set_forward_shortens_no_for(database: Database) -> None:
    here = world(database, group(replace(DOWN, for_ms=3_600_000)))
    here.write(API, 0)
    async with running(here.alerting()) as alerting:
        await until(lambda: alerting.told() and alerting.told()[0].rules[0].alerts)
        here.ahead_ms = 7_200_000
        here.write(API, 0)
        await cycles(alerting, 3)
        (alert,) = alerting.told()[0].rules[0].alerts
        assert alert.state == "pending"
        assert await here.told("InstanceDown") == []


async def test_cycles_that_take_too_long_are_left_out_and_counted(database: Database) -> None:
    here = world(database, group(DOWN))
    here.hold = 0.25
    async with running(here.alerting()) as alerting:
        await until(lambda: alerting.missed >= 2)


async def test_it_is_alive_while_rules_are_evaluated_and_not_while_all_of_them_fail(database: Database) -> None:
    here = world(database, group(DOWN))
    alerting = here.alerting()
    assert not alerting.alive()
    async with running(alerting):
        await until(alerting.alive)
        here.broken = "*"
        await until(lambda: not alerting.alive())
        here.broken = ""
        await until(alerting.alive)


async def test_a_target_that_is_not_scraped_any_more_is_told_with_its_job_and_instance(database: Database) -> None:
    here = world(database, group(AlertingRule(name="Idle", expr="vector(0) > 1")))
    target = tuple((name, value) for name, value in API if name != "__name__")
    here.targets = (target,)
    async with running(here.alerting()):
        await here.until_told("ScrapeTargetDown", ["fired"])
        here.write(API, 1)
        await here.until_told("ScrapeTargetDown", ["fired", "recovered"])
        # Nobody scrapes any more: the newest sample grows old.
        await here.until_told("ScrapeTargetDown", ["fired", "recovered", "fired"])
        here.write(API, 1)
        await here.until_told("ScrapeTargetDown", ["fired", "recovered"] * 2)
        here.write(API, 0)
        await here.until_told("ScrapeTargetDown", [*["fired", "recovered"] * 2, "fired"])
    fact = await here.fired("ScrapeTargetDown")
    assert fact.alert.labels["job"] == "api"
    assert fact.alert.labels["instance"] == "a:80"
    assert "job api, instance a:80" in fact.alert.summary
    assert "in lab" in fact.alert.summary


async def test_a_rule_that_reads_nothing_any_more_is_told_also_after_a_restart(database: Database) -> None:
    here = world(database, group(AlertingRule(name="Busy", expr="requests > 100")))
    requests = (("__name__", "requests"), *API[1:])
    here.write(requests, 1)
    alerting = here.alerting()
    async with running(alerting):
        await until(lambda: alerting.metrics.seen)
        here.end()
        await here.until_told("MetricsMissing", ["fired"])
    again = here.alerting()
    async with running(again):
        await until(lambda: again.told() and again.told()[-1].last_evaluation)
        await cycles(again, 8)
        assert await here.told("MetricsMissing") == ["fired"]
        here.write(requests, 2)
        await here.until_told("MetricsMissing", ["fired", "recovered"])
    fact = await here.fired("MetricsMissing")
    assert (
        "Rule Busy reads nothing any more: requests of job api, instance a:80, is gone since 20" in fact.alert.summary
    )


async def test_a_job_that_is_taken_out_of_the_declaration_is_not_missed(database: Database) -> None:
    here = world(database, group(AlertingRule(name="Busy", expr="requests > 100")))
    target = tuple((name, value) for name, value in API if name != "__name__")
    here.targets = (target,)
    here.write(API, 1)
    here.write((("__name__", "requests"), *API[1:]), 1, stream="requests")
    alerting = here.alerting()
    async with running(alerting):
        await until(lambda: alerting.metrics.seen)
        here.targets = ()
        here.end()
        here.end(stream="requests")
        await until(lambda: not alerting.metrics.seen)
        await cycles(alerting, 8)
        assert await here.told("MetricsMissing") == []


async def test_what_could_not_be_written_is_written_by_the_next_evaluation(database: Database) -> None:
    here = world(database, group(DOWN))
    alerting = here.alerting()
    write, fails = alerting.book.write, [3]

    async def failing(changes: Sequence[Change]) -> None:
        if changes and fails[0]:
            fails[0] -= 1
            raise OperationalError("INSERT", None, Exception("disk is full"))
        await write(changes)

    alerting.book.write = failing  # type: ignore[method-assign] # a disk that is full for a while
    here.write(API, 0)
    async with running(alerting):
        await here.until_told("InstanceDown", ["fired"])
        assert fails == [0]


class NoRecorder:
    """Where nothing can be written."""

    table = LabelTable()

    def append(self, stream: str, at_ms: int, values: Mapping[int, float]) -> Appended:
        return Appended(refused=len(values), why="the disk is full")

    def end(self, stream: str, at_ms: int) -> None:
        """Nothing was written."""


async def test_samples_that_are_refused_are_told_and_alerts_go_on(database: Database) -> None:
    here = world(database, group(DOWN))
    here.write(API, 0)
    alerting = here.alerting()
    alerting.surround = replace(alerting.surround, recorder=NoRecorder())
    async with running(alerting):
        await here.until_told("InstanceDown", ["fired"])
        await cycles(alerting, 1)
        assert "the disk is full" in alerting.told()[0].rules[0].last_error
        assert alerting.told()[0].rules[0].health == "ok"


async def test_many_alerts_at_once_leave_the_database_to_others_in_between(database: Database) -> None:
    there = world(database, group(AlertingRule(name="Many", expr="m > 0")))
    table = there.samples.table
    there.samples.append(
        "test", there.wall(), {table.intern((("__name__", "m"), ("n", str(n)))): 1.0 for n in range(450)}
    )
    before = database.committed.count
    async with running(there.alerting()):
        await there.until_told("Many", ["fired"] * 450)
    assert database.committed.count - before >= 5
    async with running(there.alerting()) as again:
        await cycles(again, 2)
        there.end()
        await there.until_told("Many", ["fired"] * 450 + ["recovered"] * 450)


async def test_rules_that_read_many_metrics_do_not_keep_the_no_data_alerts_waiting(database: Database) -> None:
    """Whoever answers takes 50 ms for each of 200 metrics, ten seconds for one look at all of them."""
    here = world(database, group(AlertingRule(name="Wide", expr=" or ".join(f"m{n}" for n in range(200)))))
    target = tuple((name, value) for name, value in API if name != "__name__")
    here.targets = (target,)
    here.hold = 0.05
    alerting = here.alerting()
    async with running(alerting):
        began = time.monotonic()
        await until(lambda: any(told.group.name == "no-data" and told.last_evaluation for told in alerting.told()))
        assert time.monotonic() - began < 5
