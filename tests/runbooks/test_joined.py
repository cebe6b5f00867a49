"""Runs for alerts that join an incident: one for each, bounded, and never two of one runbook for one instance."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.core.facts import (
    AlertJoined,
    AlertRecovered,
    EscalationAsked,
    Fact,
    IncidentOpened,
    NoteAdded,
    RunDeclined,
    RunEnded,
    RunStarted,
)
from stationmaster.core.names import InstanceName
from stationmaster.runbooks.loop import CONSUMER, Runbooks
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.run import Finish, Outcome
from stationmaster.runbooks.turns import MOST_AT_ONCE, OpenRun, turns
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
    built = await crowded(database, MOST_AT_ONCE + 1)
    found = await built.turns()
    assert (len(found.working), found.waiting) == (MOST_AT_ONCE, ("run-1-11",))
    assert not [fact for fact in await facts(database) if isinstance(fact, RunDeclined)]
    *others, last = [fact for fact in await facts(database) if isinstance(fact, RunStarted)]
    assert last.why.endswith("it waits: 10 runs of this incident are under way, and 1 of them have to end before it")
    assert not any("waits" in each.why for each in others)


async def test_a_run_that_waits_is_worked_when_one_has_ended_and_its_incident_tells_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for waits_for_recovery in ("run", "unattended"):
        monkeypatch.setattr(f"stationmaster.runbooks.{waits_for_recovery}.RECOVERY_LIMIT_S", 0.1)
    built = await crowded(database, MOST_AT_ONCE + 2)
    task = asyncio.create_task(built.run())
    try:
        async with asyncio.timeout(60):
            while await built.open_runs():
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    notes = [each.key for each in await facts(database) if isinstance(each, NoteAdded)]
    assert sorted(each for each in notes if each.endswith(":turn")) == ["run-1-11:turn", "run-1-12:turn"]
    ended = [each.run for each in await facts(database) if isinstance(each, RunEnded)]
    assert len(ended) == MOST_AT_ONCE + 2
    assert set(ended[-2:]) & {"run-1-11", "run-1-12"}


async def test_what_waits_is_not_worked_when_its_alert_has_recovered(database: Database) -> None:
    built = await crowded(database, MOST_AT_ONCE + 2)
    await tell(database, AlertRecovered(at=MOMENT + timedelta(minutes=1), alert=alert("key-10"), evidence="well"))
    await outbox.drain(database, CONSUMER, built.handle)
    found = await built.turns()
    assert (found.needless, found.waiting) == (("run-1-11",), ("run-1-12",))
    await built._end_unworked(found.needless)
    (ended,) = [each for each in await facts(database) if isinstance(each, RunEnded)]
    assert (ended.run, ended.outcome, ended.fingerprint) == ("run-1-11", "cured", "f-key-10")


async def test_an_alert_beyond_what_may_wait_has_to_be_looked_at(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.runbooks.loop.MOST_WAITING", 1)
    await crowded(database, MOST_AT_ONCE + 2)
    (declined,) = [fact for fact in await facts(database) if isinstance(fact, RunDeclined)]
    assert (declined.why, declined.fingerprint) == ("10 runs of this incident are under way, and 1 wait", "f-key-11")


async def crowded(database: Database, count: int) -> Runbooks:
    """An incident with so many alerts of as many instances."""
    keys = inventory().services[0]
    many = tuple(replace(keys.instances[0], name=InstanceName(f"key-{number}")) for number in range(count))
    wide = replace(spec(), services=(replace(keys, instances=many),))
    narrow = room(database, World(up=True, out=False), [loaded(OWN)])
    built = replace(narrow, unattended=replace(narrow.unattended, spec=lambda: wide))
    await tell(database, IncidentOpened(at=MOMENT, incident=1, title="x", alert=alert("key-0")))
    for number in range(1, count):
        await tell(database, joins(f"key-{number}"))
    await outbox.drain(database, CONSUMER, built.handle)
    return built


def test_each_incident_has_turns_of_its_own_and_the_oldest_run_is_next() -> None:
    def run(incident: int, number: int) -> OpenRun:
        return OpenRun(id=f"{incident}-{number}", incident=incident)

    full = [run(1, number) for number in range(MOST_AT_ONCE + 2)]
    found = turns([*full, run(2, 0)])
    assert found.waiting == (f"1-{MOST_AT_ONCE}", f"1-{MOST_AT_ONCE + 1}")
    assert found.working[-1] == "2-0"
    assert turns(full[1:]).waiting == (f"1-{MOST_AT_ONCE + 1}",)
