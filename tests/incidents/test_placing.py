"""Alerts on their way into incidents, through the real store: joined, held back, followed, and whom they bring."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.core.facts import (
    Alert,
    AlertJoined,
    Fact,
    IncidentOpened,
    IncidentResolved,
    InstanceQuiet,
    InstanceRestarted,
    RunDeclined,
    RunEnded,
    RunStarted,
)
from stationmaster.core.response import (
    EscalationPolicy,
    IncidentSettings,
    Inhibition,
    LabelMatch,
    Level,
    PolicyName,
    Route,
    Urgency,
)
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import linked
from stationmaster.incidents.escalate import Move
from stationmaster.incidents.moves import history
from stationmaster.incidents.silences import Silence
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.grouping import Ground, alert, declared, down, silence
from tests.incidents.world import ONCE, World, person, responder


@pytest.fixture
def ground(database: Database) -> Ground:
    return Ground(database)


def joined(facts: list[Fact]) -> list[tuple[int, str, bool]]:
    return [(each.incident, each.alert.name, each.worked) for each in facts if isinstance(each, AlertJoined)]


def opened(facts: list[Fact]) -> list[int]:
    return [each.incident for each in facts if isinstance(each, IncidentOpened)]


async def texts(ground: Ground, kind: str, number: int = 1) -> list[str]:
    found = await ground.incidents.find(number)
    assert found is not None
    return [each.text for each in found[1] if each.kind == kind]


async def test_instances_of_a_region_are_one_incident_and_each_is_told_quiet_by_itself(ground: Ground) -> None:
    one, two = down("keys", "eu"), replace(down("keys", "eu"), fingerprint="second")
    two = replace(two, labels={**two.labels, "instance": "keys-eu-2"})
    facts = await ground.fires(one, two)
    assert (opened(facts), joined(facts)) == ([1], [(1, "ServiceInstanceDown", True)])
    declined = [RunDeclined(at=ground.now, incident=1, why="none", fingerprint=each.fingerprint) for each in (one, two)]
    assert await ground.tell(*declined)
    facts = await ground.recovers(two)
    assert [each.instance for each in facts if isinstance(each, InstanceQuiet)] == ["keys-eu-2"]
    assert not [each for each in facts if isinstance(each, IncidentResolved)]
    facts = await ground.recovers(one)
    assert [each.instance for each in facts if isinstance(each, InstanceQuiet)] == ["keys-eu"]
    assert [each.incident for each in facts if isinstance(each, IncidentResolved)] == [1]


async def test_an_instance_is_quiet_only_when_its_run_has_ended_too(ground: Ground) -> None:
    one = down("keys", "eu")
    await ground.fires(one)
    key = one.fingerprint
    await ground.tell(RunStarted(at=ground.now, incident=1, run="r", runbook="b", why="w", fingerprint=key))
    assert not [each for each in await ground.recovers(one) if isinstance(each, InstanceQuiet | IncidentResolved)]
    facts = await ground.tell(RunEnded(at=ground.now, incident=1, run="r", outcome="cured", detail="", fingerprint=key))
    assert [type(each).__name__ for each in facts[1:]] == ["InstanceQuiet", "IncidentResolved"]


async def test_runs_that_name_no_alert_are_those_of_all(ground: Ground) -> None:
    await ground.fires(down("keys", "eu"), alert("ServiceDown", service="keys"))
    await ground.recovers(down("keys", "eu"), alert("ServiceDown", service="keys"))
    assert await ground.open_numbers() == [1]
    await ground.tell(RunEnded(at=ground.now, incident=1, run="r", outcome="cured", detail=""))
    assert await ground.open_numbers() == []


async def test_what_comes_after_the_window_opens_an_incident_of_its_own(ground: Ground) -> None:
    await ground.fires(alert("Slow", service="keys"))
    for seconds in (200, 200, 200):
        ground.passes(seconds)
        facts = await ground.fires(alert(f"Slow{seconds}{ground.now:%M}", service="keys"))
        assert opened(facts) == []
    ground.passes(301)
    assert opened(await ground.fires(alert("Later", service="keys"))) == [2]


async def test_a_derived_alert_follows_and_nobody_works_on_it(ground: Ground) -> None:
    await ground.fires(down("orders", "eu"))
    facts = await ground.fires(alert("UpstreamErrors", api="shop"))
    assert (opened(facts), joined(facts)) == ([], [(1, "UpstreamErrors", False)])
    rows = {each.fingerprint: each.worked for each in await ground.rows()}
    assert rows[alert("UpstreamErrors", api="shop").fingerprint] is False
    assert await ground.incidents.inhibited() == {
        alert("UpstreamErrors", api="shop").fingerprint: down("orders", "eu").fingerprint
    }
    assert "it follows from ServiceInstanceDown: orders-eu (orders, eu)" in (await texts(ground, "alert.joined"))[0]
    await ground.recovers(down("orders", "eu"))
    assert await ground.incidents.inhibited() == {}


async def test_declared_inhibitions_are_found_by_any_label(database: Database) -> None:
    rule = Inhibition(
        source=(LabelMatch(name="kind", value="(flood|fire)", is_regex=True), LabelMatch(name="site", value="a")),
        target=(LabelMatch(name="alertname", value="Wet"),),
        equal=("room", "environment"),
    )
    ground = Ground(database, declared(IncidentSettings(inhibitions=(rule,), group_by=("...",))))
    await ground.fires(
        alert("Flood", kind="flood", site="a", room="1"), alert("Flood", kind="flood", site="b", room="2")
    )
    assert joined(await ground.fires(alert("Wet", room="1"))) == [(1, "Wet", False)]
    assert opened(await ground.fires(alert("Wet", room="2"))) == [3]


async def test_a_silenced_alert_opens_nothing_and_is_placed_when_its_silence_is_over(ground: Ground) -> None:
    ground.silences = (silence("s1", 600, ground.now, service="keys"),)
    assert opened(await ground.fires(alert("Slow", service="keys"), alert("Gone", service="keys"))) == []
    await ground.recovers(alert("Gone", service="keys"))
    assert await ground.held() == {alert("Slow", service="keys").fingerprint}
    ground.passes(599)
    assert await ground.incidents.release() == 0
    ground.passes(1)
    assert await ground.incidents.release() == 1
    assert opened(await ground.settle()) == [1]
    assert "was silenced until now" in (await texts(ground, "alert.fired"))[0]
    assert await ground.held() == set()


async def test_of_several_silences_the_last_one_counts(ground: Ground) -> None:
    ground.silences = (
        silence("s1", 60, ground.now, service="keys"),
        silence("s2", 600, ground.now, alertname="Slow"),
    )
    await ground.fires(alert("Slow", service="keys"))
    ground.passes(61)
    assert await ground.incidents.release() == 0
    ground.silences = (silence("s1", 60, ground.now, service="orders"),)
    assert await ground.incidents.release() == 1


async def test_a_held_alert_that_fires_when_nothing_silences_it_any_more_is_held_no_longer(ground: Ground) -> None:
    ground.silences = (silence("s1", 60, ground.now, service="keys"),)
    await ground.fires(alert("Slow", service="keys"))
    ground.passes(61)
    assert opened(await ground.fires(alert("Slow", service="keys"))) == [1]
    assert await ground.held() == set()
    assert await ground.incidents.release() == 0


async def test_an_edited_silence_lets_go_within_a_second(ground: Ground) -> None:
    live: Cell[tuple[Silence, ...]] = Cell((silence("s1", 600, ground.now, service="keys"),))
    ground.silences = live.value
    await ground.fires(alert("Slow", service="keys"))
    task = asyncio.ensure_future(ground.incidents.keep_released(live))
    try:
        begun_s = time.monotonic()
        ground.silences = ()
        live.set(())
        async with asyncio.timeout(5):
            while await ground.held():
                await asyncio.sleep(0.01)
        assert time.monotonic() - begun_s < 1
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert opened(await ground.settle()) == [1]


async def test_what_fires_in_an_incident_goes_there_although_it_is_silenced(ground: Ground) -> None:
    await ground.fires(alert("Slow", service="keys"))
    ground.silences = (silence("s1", 600, ground.now, service="keys"),)
    await ground.fires(alert("Slow", service="keys"))
    assert await ground.held() == set()


async def test_restarts_of_other_instances_do_not_count_against_one(ground: Ground) -> None:
    eu, us = down("keys", "eu"), down("keys", "us")
    ground.spec = declared(IncidentSettings(group_by=("service",)))
    ground.restart()
    await ground.fires(eu, us)

    def restarted(name: str) -> InstanceRestarted:
        return InstanceRestarted(at=ground.now, instance=name, by="runbook", why="down", incident=1)

    async def failed() -> int:
        (incident,) = await ground.incidents.all()
        async with ground.database.read() as connection:
            moves = (await history(connection, incident)).moves
        return sum(each.move is Move.RESTART_FAILED for each in moves)

    await ground.tell(restarted("keys-eu"), restarted("keys-us"))
    assert await failed() == 0
    await ground.tell(restarted("keys-us"))
    assert await failed() == 1


def led(policy: str, **labels: str) -> Route:
    return Route(
        matches=tuple(LabelMatch(name=name, value=value) for name, value in labels.items()), policy=PolicyName(policy)
    )


def answered() -> PlatformSpec:
    """Alerts of the team `db` lead to another policy, those of the team `none` to nobody."""
    policies = tuple(
        EscalationPolicy(
            name=PolicyName(name),
            levels=(Level(targets=(person(first),)), Level(targets=(person("chief"),), after_s=900)),
        )
        for name, first in (("web", "engineer"), ("db", "dba"))
    )
    silent = replace(led("web", team="none"), policy=None)
    settings = IncidentSettings(policy=PolicyName("web"), routes=(silent, led("db", team="db")))
    people = tuple(responder(name, ONCE) for name in ("engineer", "dba", "chief"))
    return replace(declared(settings), responders=people, escalation_policies=policies)


async def fires(world: World, *alerts: Alert) -> None:
    seconds = timedelta(seconds=world.running_s)
    assert seconds >= timedelta()
    ground = Ground(world.database, world.declared.value, now=world.now)
    ground.incidents = world.incidents
    await ground.fires(*alerts)
    await world.tick()


async def test_a_graver_alert_raises_the_severity_and_a_lesser_one_does_not_lower_it(database: Database) -> None:
    world = World(database, Cell(answered()))
    await fires(world, alert("A", service="keys", severity="warning"))
    await fires(world, alert("B", service="keys", severity="critical"), alert("C", service="keys", severity="info"))
    (incident,) = await world.incidents.all()
    assert (incident.severity, incident.urgency) == ("critical", Urgency.HIGH)
    assert await world.lines("incident.severity") == ["severity is critical now: that of B, which joined"]
    assert world.paged == [(0, "engineer"), (0, "engineer")], "the second one because it is urgent now"


async def test_who_else_would_have_been_paged_is_told_once(database: Database) -> None:
    world = World(database, Cell(answered()))
    await fires(world, alert("A", service="keys"))
    await world.incidents.acts.acknowledge(1, by="engineer")
    world.passes(60)
    await fires(world, alert("B", service="keys", team="db"), alert("C", service="keys", team="db"))
    await world.until(5)
    assert world.paged == [(0, "engineer"), (1, "dba")]
    (told,) = await world.lines("incident.told")
    assert told == "the first level of db is told, dba by mail: B joined #1, which is led by web"
    (incident,) = await world.incidents.all()
    assert incident.policy is not None
    assert incident.policy.name == "web"


async def test_an_incident_that_paged_nobody_is_led_by_the_first_policy_that_joins(database: Database) -> None:
    world = World(database, Cell(answered()))
    await fires(world, alert("A", service="keys", team="none"))
    await world.until(20)
    assert world.paged == []
    await fires(world, alert("A", service="keys", team="none"))
    await fires(world, alert("B", service="keys", team="db"))
    await world.until(40)
    assert world.paged == [(20, "dba"), (35, "chief")]


async def test_what_only_follows_pages_nobody_although_it_is_graver(database: Database) -> None:
    world = World(database, Cell(answered()))
    cause = replace(down("orders", "eu"), labels={**down("orders", "eu").labels, "severity": "warning"})
    await fires(world, cause, alert("UpstreamErrors", api="shop", team="db", severity="critical"))
    assert world.paged == [(0, "engineer")]
    (incident,) = await world.incidents.all()
    assert incident.severity == "warning"


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT 1 FROM incident_alert WHERE fingerprint = 'x'", "ix_incident_alert_fingerprint"),
        ("SELECT 1 FROM incident_alert WHERE instance = 'x'", "ix_incident_alert_instance"),
        ("SELECT 1 FROM incident_alert WHERE address = 'x'", "ix_incident_alert_address"),
        ("SELECT 1 FROM incident_alert WHERE firing = 1 AND name IN ('a', 'b')", "ix_incident_alert_firing_name"),
        ("SELECT 1 FROM incident_alert WHERE incident = 1 AND firing = 1", "ix_incident_alert_incident_firing"),
        ("SELECT 1 FROM incident_alert WHERE worked_for = 1", "ix_incident_alert_worked_for"),
        ("SELECT 1 FROM incident_group WHERE name = 'a' AND value = 'b' AND last_at > 3", "ix_incident_group"),
    ],
)
async def test_what_places_an_alert_is_found_by_an_index(database: Database, query: str, index: str) -> None:
    """However many incidents are open."""
    async with database.read() as connection:
        plan = [str(row) for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    assert any(index in row for row in plan), plan


async def test_open_incidents_about_an_instance_or_an_address(ground: Ground) -> None:
    await ground.fires(replace(down("keys", "eu"), url="http://127.0.0.1:8000/healthz?x=1"), down("orders", "eu"))
    async with ground.database.read() as connection:
        assert await linked.open_about(connection, instance="keys-eu") == (1,)
        assert await linked.open_about(connection, address="127.0.0.1:8000") == (1,)
        assert await linked.open_about(connection, address="127.0.0.1:800") == ()
        assert await linked.open_about(connection) == ()
