"""Runs for alerts that join an incident: one for each, bounded, and never two of one runbook for one instance."""

from dataclasses import replace

from stationmaster.core.facts import (
    AlertJoined,
    EscalationAsked,
    Fact,
    IncidentOpened,
    RunDeclined,
    RunEnded,
    RunStarted,
)
from stationmaster.core.names import InstanceName
from stationmaster.runbooks.loop import CONSUMER, MOST_AT_ONCE, Runbooks
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.run import Finish, Outcome
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database
from tests.runbooks.test_loop import OPENED, facts, room, tell
from tests.runbooks.world import MOMENT, OWN, World, alert, inventory, loaded, spec


def joins(instance: str, *, incident: int = 1, worked: bool = True) -> AlertJoined:
    return AlertJoined(at=MOMENT, incident=incident, alert=alert(instance), why="the same service", worked=worked)


async def told(database: Database, *what: Fact, runbooks: tuple[Runbook, ...] = ()) -> tuple[Runbooks, list[Fact]]:
    built = room(database, World(), runbooks or [loaded(OWN)])
    for fact in what:
        await tell(database, fact)
    await outbox.drain(database, CONSUMER, built.handle)
    return built, [fact for fact in await facts(database) if fact not in what]


async def test_every_alert_that_joins_has_a_run_of_its_own(database: Database) -> None:
    built, found = await told(database, OPENED, joins("key-us-east"), joins("key-eu-de"))
    started = [(fact.run, fact.fingerprint) for fact in found if isinstance(fact, RunStarted)]
    assert started == [("run-1", "f-key-us-south"), ("run-1-2", "f-key-us-east"), ("run-1-3", "f-key-eu-de")]
    plans = [run.plan.instance for run in await built.open_runs() if run.plan is not None]
    assert sorted(plans) == ["key-eu-de", "key-us-east", "key-us-south"]


async def test_what_only_follows_has_no_run(database: Database) -> None:
    _, found = await told(database, OPENED, joins("key-us-east", worked=False))
    assert [type(fact) for fact in found] == [RunStarted]


async def test_for_a_joined_alert_without_a_runbook_nobody_is_asked_twice(database: Database) -> None:
    joined = replace(joins("elsewhere"), alert=alert("elsewhere", alertname="Unheard", service="nobody"))
    _, found = await told(database, OPENED, joined)
    (declined,) = [fact for fact in found if isinstance(fact, RunDeclined)]
    assert declined.fingerprint == "f-elsewhere"
    assert not [fact for fact in found if isinstance(fact, EscalationAsked)]


async def test_a_runbook_is_not_worked_twice_for_an_instance_at_once_and_can_be_afterwards(database: Database) -> None:
    again = replace(joins("key-us-south"), incident=2)
    built, found = await told(database, OPENED, again)
    (declined,) = [fact for fact in found if isinstance(fact, RunDeclined)]
    assert declined.why.endswith("is worked there already, as run-1")
    (run,) = await built.open_runs()
    await built._end(run, Finish(outcome=Outcome.CURED, why="well"))
    (ended,) = [fact for fact in await facts(database) if isinstance(fact, RunEnded)]
    assert ended.fingerprint == "f-key-us-south"
    await told(database, replace(again, incident=3))
    assert [each.id for each in await built.open_runs()] == ["run-3"]


async def test_so_many_runs_of_one_incident_are_under_way_and_no_more(database: Database) -> None:
    places = inventory()
    keys = places.services[0]
    many = tuple(replace(keys.instances[0], name=InstanceName(f"key-{number}")) for number in range(MOST_AT_ONCE + 1))
    wide = replace(spec(), services=(replace(keys, instances=many),))
    narrow = room(database, World(), [loaded(OWN)])
    built = replace(narrow, unattended=replace(narrow.unattended, spec=lambda: wide))
    await tell(database, IncidentOpened(at=MOMENT, incident=1, title="x", alert=alert("key-0")))
    for number in range(1, MOST_AT_ONCE + 1):
        await tell(database, joins(f"key-{number}"))
    await outbox.drain(database, CONSUMER, built.handle)
    assert len(await built.open_runs()) == MOST_AT_ONCE
    (declined,) = [fact for fact in await facts(database) if isinstance(fact, RunDeclined)]
    assert (declined.why, declined.fingerprint) == ("10 runs of this incident are under way already", "f-key-10")
