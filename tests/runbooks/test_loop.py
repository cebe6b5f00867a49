"""A run goes from an opened incident to its end, whatever instruction the process dies at."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir

import pytest

from stationmaster.core.facts import (
    AlertRecovered,
    EscalationAsked,
    Fact,
    IncidentOpened,
    NoteAdded,
    RunDeclined,
    RunEnded,
    RunStarted,
    RunStepEnded,
)
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.loop import CONSUMER, Runbooks
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.unattended import Unattended
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now
from tests.runbooks.world import MOMENT, OWN, Crash, World, alert, crashing, loaded, spec

OPENED = IncidentOpened(at=MOMENT, incident=1, title="key-us-south is down", alert=alert())
LIMIT_S = 20.0


def room(
    database: Database,
    world: World,
    runbooks: Sequence[Runbook],
    *,
    now: Callable[[], datetime] = utc_now,
) -> Runbooks:
    unattended = Unattended(
        database=database,
        approvals=Approvals(database=database),
        spec=spec,
        env=lambda _run: {"PATH": "/usr/bin:/bin"},
        folder=Path(gettempdir()),
        now=now,
        perform=world,
        runner=world.runner,
    )
    return Runbooks(database=database, runbooks=lambda: runbooks, unattended=unattended, now=now)


async def tell(database: Database, fact: Fact) -> None:
    async with database.write() as connection:
        await outbox.append(connection, fact)


async def facts(database: Database) -> list[Fact]:
    return await outbox.facts_since(database, MOMENT - timedelta(days=1))


@asynccontextmanager
async def monitored(database: Database, world: World, handler: Runbooks) -> AsyncIterator[None]:
    """Hands facts to the room and says once that the alert recovered, when the service is up again."""

    async def watch() -> None:
        told = False
        while True:
            if world.up and not told:
                told = True
                await tell(database, AlertRecovered(at=utc_now(), alert=alert(), evidence="2 good answers"))
            await outbox.drain(database, CONSUMER, handler.handle)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def opened(database: Database, world: World, runbooks: Sequence[Runbook]) -> Runbooks:
    built = room(database, world, runbooks)
    await tell(database, OPENED)
    await outbox.drain(database, CONSUMER, built.handle)
    return built


async def worked(database: Database, world: World, runbooks: Sequence[Runbook]) -> list[Fact]:
    built = await opened(database, world, runbooks)
    async with asyncio.timeout(LIMIT_S), monitored(database, world, built):
        await built.work("run-1")
    return await facts(database)


def ended(found: Sequence[Fact]) -> list[str]:
    return [fact.outcome for fact in found if isinstance(fact, RunEnded)]


def verdicts(found: Sequence[Fact]) -> dict[str, str]:
    return {fact.step: fact.verdict for fact in found if isinstance(fact, RunStepEnded) and fact.verdict != "skipped"}


@pytest.fixture(params=["seed 001", "our own"])
def runbook(request: pytest.FixtureRequest) -> Runbook:
    if request.param == "our own":
        return loaded(OWN)
    folder: Path = request.getfixturevalue("seeds")
    return loaded(folder / "001_cd31a16594a6a172.txt")


async def test_a_dead_instance_is_cured(database: Database, runbook: Runbook) -> None:
    world = World()
    found = await worked(database, world, [runbook])
    assert ended(found) == ["cured"]
    assert world.changes == ["restart", "put_back"]
    assert (world.up, world.out) == (True, False)
    assert not [fact for fact in found if isinstance(fact, EscalationAsked)]
    assert [fact.runbook for fact in found if isinstance(fact, RunStarted)] == [runbook.title]


async def test_the_log_is_kept_with_the_incident(database: Database, runbook: Runbook) -> None:
    found = await worked(database, World(log="out of memory"), [runbook])
    assert any("out of memory" in fact.text for fact in found if isinstance(fact, NoteAdded))


async def test_what_self_healing_did_not_take_out_is_taken_out_with_a_note(
    database: Database, runbook: Runbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.runbooks.plan.platform.SELF_HEALING_S", 0.1)
    world = World(out=False)
    found = await worked(database, world, [runbook])
    assert world.changes == ["take_out", "restart", "put_back"]
    notes = [fact.text for fact in found if isinstance(fact, NoteAdded)]
    assert "manually removed target: 127.0.0.1:8888 is out of api_key_service" in notes


async def test_a_balancer_that_refuses_does_not_keep_the_instance_from_being_cured(
    database: Database, runbook: Runbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.runbooks.plan.platform.SELF_HEALING_S", 0.1)
    world = World(out=False, balancer_refuses=True)
    assert ended(await worked(database, world, [runbook])) == ["cured"]


async def test_a_restart_that_does_not_help_is_escalated(
    database: Database, runbook: Runbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(restart_helps=False)
    await opened(database, world, [runbook])
    late = room(database, world, [runbook], now=fast_clock())
    async with asyncio.timeout(LIMIT_S):
        await late.work("run-1")
    found = await facts(database)
    assert ended(found) == ["escalated"]
    assert [fact.level for fact in found if isinstance(fact, EscalationAsked)] == [2]
    assert world.changes == ["restart"]
    assert world.calls[-1] == "logs"


def fast_clock() -> "Clock":
    return Clock()


class Clock:
    """Every look at it finds it five seconds later."""

    def __init__(self) -> None:
        self.moment = utc_now()

    def __call__(self) -> datetime:
        self.moment += timedelta(seconds=5)
        return self.moment


async def test_a_log_with_a_dependency_error_is_not_answered_by_a_restart(database: Database, runbook: Runbook) -> None:
    world = World(log="2026-01-05 cipher error: no key")
    found = await worked(database, world, [runbook])
    assert ended(found) == ["escalated"]
    assert world.changes == []


async def test_without_curl_nothing_is_changed_and_somebody_is_asked(database: Database, runbook: Runbook) -> None:
    world = World(curl=False)
    found = await worked(database, world, [runbook])
    assert ended(found) == ["escalated"]
    assert world.changes == []
    details = [fact.detail for fact in found if isinstance(fact, RunStepEnded)]
    refused = [each for each in details if each.startswith("not runnable here: curl not found on PATH")]
    assert refused, details


async def test_an_instance_that_answers_is_not_restarted(database: Database, runbook: Runbook) -> None:
    world = World(up=True, out=False)
    found = await worked(database, world, [runbook])
    assert ended(found) == ["cured"]
    assert world.changes == []


async def test_one_incident_opens_one_run(database: Database) -> None:
    built = await opened(database, World(), [loaded(OWN)])
    async with database.write() as connection:
        await built.handle(connection, OPENED)
    assert len(await built.open_runs()) == 1


@pytest.mark.parametrize("which", ["none", "two"])
async def test_without_one_runbook_somebody_is_asked(database: Database, which: str) -> None:
    own = loaded(OWN)
    built = room(database, World(), {"none": [], "two": [own, own]}[which])
    await tell(database, IncidentOpened(at=MOMENT, incident=1, title="x", alert=alert()))
    await outbox.drain(database, CONSUMER, built.handle)
    found = await facts(database)
    assert [type(fact) for fact in found] == [IncidentOpened, RunDeclined, EscalationAsked]


async def test_a_destructive_command_waits_for_two_people(database: Database) -> None:
    text = (
        "---\nalert: ServiceInstanceDown\nservice: api_key_service\n---\n## Steps\n\n"
        "1. Clean up.\n   ```bash\n   rm -rf ./keys\n   ```\n"
    )
    world = World()
    built = await opened(database, world, [read_runbook(text, file="x.md").runbook])
    task = asyncio.create_task(built.work("run-1"))
    async with asyncio.timeout(LIMIT_S):
        while not (asked := await Approvals(database=database).open()):
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [(each.step, each.people) for each in asked] == [("1", 2)]
    assert world.calls == []


async def test_run_works_every_open_run_at_once(database: Database) -> None:
    own, world = loaded(OWN), World()
    built = await opened(database, world, [own])
    async with asyncio.timeout(LIMIT_S), monitored(database, world, built):
        task = asyncio.create_task(built.run())
        while await built.open_runs():
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert ended(await facts(database)) == ["cured"]


# Crashes

EFFECTS = ["curl", "logs", "restart", "put_back", "take_out"]


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_around_an_effect_loses_nothing_and_doubles_nothing(
    database: Database, runbook: Runbook, effect: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.runbooks.plan.platform.SELF_HEALING_S", 0.1)
    monkeypatch.setattr("stationmaster.runbooks.changing.PROBE_S", 0.1)
    world = World(out=effect != "take_out", **{f"crash_{moment}": effect})  # type: ignore[arg-type]
    built = await opened(database, world, [runbook])
    async with monitored(database, world, built):
        with pytest.raises(Crash):
            await asyncio.wait_for(built.work("run-1"), LIMIT_S)
        async with asyncio.timeout(LIMIT_S):
            await room(database, world, []).work("run-1")
    assert ended(await facts(database)) == ["cured"]
    assert len(world.changes) == len(set(world.changes))
    assert (world.up, world.out) == (True, False)


@pytest.mark.parametrize("after_commit", [False, True])
async def test_a_crash_at_any_write_loses_nothing_and_doubles_nothing(
    database: Database, tmp_path: Path, after_commit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stationmaster.runbooks.changing.PROBE_S", 0.1)
    own, world = loaded(OWN), World()
    built = await opened(database, world, [own])
    crashes = 0
    async with asyncio.timeout(2 * LIMIT_S), monitored(database, world, built):
        while await built.open_runs():
            # One step takes up to three writes: of four lives at least one gets further.
            doomed = room(crashing(database, at=crashes % 4 + 1, after_commit=after_commit), world, [])
            try:
                await doomed.work("run-1")
            except Crash:
                crashes += 1
    found = await facts(database)
    assert crashes > 8
    assert ended(found) == ["cured"]
    assert world.changes == ["restart", "put_back"]
    keys = [fact.step for fact in found if isinstance(fact, RunStepEnded)]
    assert len(keys) == len(set(keys))
