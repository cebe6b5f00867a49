"""The fleet follows what is declared, live: new, removed and changed processes, and those that people stop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stationmaster.config import StateDir
from stationmaster.core.facts import InstanceRestarted
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Supervision
from stationmaster.fleet import loop
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.fleet.inventory import Launch
from stationmaster.fleet.loop import Fleet
from stationmaster.fleet.rollout import Standing
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_of
from tests.fleet.contract import SLEEPER, launch

BEFORE_ALL = datetime(2020, 1, 1, tzinfo=UTC)
LIMIT_S = 15.0


@dataclass
class Requests:
    """Stands for gateway and monitor: who takes requests, and who is well; remembers the order of all."""

    well: dict[str, bool] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    most_away: int = 0

    async def withdraw(self, name: str, *, why: str) -> None:
        self.calls.append(f"withdraw {name}")
        self.away.add(name)
        self.most_away = max(self.most_away, len(self.away))

    async def restore(self, name: str, *, why: str) -> None:
        self.calls.append(f"restore {name}")
        self.away.discard(name)

    async def withdrawn(self) -> Set[str]:
        return frozenset(self.away)

    def standing(self, name: str, since: datetime) -> Standing:
        return Standing.UP if self.well.get(name, True) else Standing.DOWN


@dataclass
class World:
    fleet: Fleet
    executor: ProcessExecutor
    requests: Requests
    wanted: dict[str, Launch]

    def declare(self, *launches: Launch) -> None:
        self.wanted.clear()
        self.wanted.update({each.name: each for each in launches})

    async def pids(self) -> dict[str, int]:
        return {name: each.pid for name, each in (await self.executor.seen()).items()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.get_running_loop().create_task(self.fleet.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    executor = ProcessExecutor(StateDir(tmp_path))
    wanted: dict[str, Launch] = {}
    requests = Requests()
    made = Fleet(database, executor, wanted.values, requests)
    yield World(fleet=made, executor=executor, requests=requests, wanted=wanted)
    for name in await executor.seen():
        await executor.kill(name)
    await executor.seen()


def of_group(name: str, *, version: int = 1) -> Launch:
    return replace(launch(name, SLEEPER), group="service echo", config=str(version))


async def until(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(0.02)


async def until_seen(world: World, *names: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while set(await world.executor.seen()) != set(names):
            await asyncio.sleep(0.02)


async def until_recorded(world: World, *names: str) -> None:
    """The store knows what they were started with."""
    async with asyncio.timeout(LIMIT_S):
        while set(await world.fleet.launched()) != set(names):
            await asyncio.sleep(0.02)


async def test_new_processes_start_and_removed_ones_take_no_requests_before_they_stop(world: World) -> None:
    world.declare(of_group("a"))
    async with world.running():
        await until_seen(world, "a")
        world.declare(of_group("a"), of_group("b"))
        await until_seen(world, "a", "b")
        world.declare(of_group("b"))
        await until_seen(world, "b")
    assert world.requests.calls == ["withdraw a"]


async def test_changed_ones_are_restarted_one_after_the_other_without_a_request(
    world: World, database: Database
) -> None:
    names = ("a", "b", "c")
    world.declare(*map(of_group, names))
    async with world.running():
        await until_seen(world, *names)
        before = await world.pids()
        world.declare(*(of_group(name, version=2) for name in names))
        await until(lambda: world.requests.calls[-1:] == ["restore c"], "all are replaced")
        after = await world.pids()
    assert all(before[name] != after[name] for name in names)
    assert world.requests.calls == [f"{verb} {name}" for name in names for verb in ("withdraw", "restore")]
    assert world.requests.most_away == 1
    facts = await facts_of(database, InstanceRestarted, BEFORE_ALL)
    assert [(fact.instance, fact.by) for fact in facts] == [(name, "fleet") for name in names]


async def test_one_that_does_not_become_well_stops_the_restart_and_is_told_and_goes_on_when_mended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_WELL_WITHIN_S", 0.2)
    world.declare(of_group("a"), of_group("b"))
    async with world.running():
        await until_seen(world, "a", "b")
        before = await world.pids()
        world.declare(of_group("a", version=2), of_group("b", version=2))
        await until(lambda: "withdraw a" in world.requests.calls, "the first is taken")
        world.requests.well["a"] = False
        await until(lambda: "service echo" in world.fleet.problems.value, "the problem is told")
        assert "a not well, b wait" in world.fleet.problems.value["service echo"]
        assert (await world.pids())["b"] == before["b"]
        assert world.requests.away == {"a"}
        world.declare(of_group("a", version=3), of_group("b", version=3))
        await until(lambda: world.requests.calls.count("withdraw a") == 2, "the mended one is taken first")
        world.requests.well["a"] = True
        await until(lambda: world.requests.calls[-1:] == ["restore b"], "both are replaced")
        await until(lambda: not world.fleet.problems.value, "the problem is gone")


async def test_a_new_control_plane_goes_on_with_a_restart_that_was_cut_off(world: World, database: Database) -> None:
    world.declare(of_group("a"), of_group("b"))
    async with world.running():
        await until_recorded(world, "a", "b")
    before = await world.pids()
    world.declare(of_group("a", version=2), of_group("b", version=2))
    world.requests.away.add("a")
    successor = Fleet(database, world.executor, world.wanted.values, world.requests)
    async with replace(world, fleet=successor).running():
        await until(lambda: world.requests.calls[-1:] == ["restore b"], "both are replaced")
    after = await world.pids()
    assert {name for name in after if after[name] == before[name]} == set()


async def test_what_was_started_by_an_older_version_is_adopted(world: World, database: Database) -> None:
    world.declare(of_group("a"))
    running = await world.executor.start(of_group("a"))
    async with world.running():
        await until(lambda: "a" in world.fleet.processes.value, "a is seen")
        world.declare(of_group("a", version=2))
        await until(lambda: world.requests.calls == ["withdraw a", "restore a"], "it follows what is declared")
    assert (await world.pids())["a"] != running.pid


@pytest.mark.parametrize("supervision", list(Supervision))
async def test_what_somebody_stops_stays_stopped_over_everything_until_it_is_started(
    world: World, database: Database, supervision: Supervision
) -> None:
    world.declare(replace(of_group("a"), supervision=supervision))
    async with world.running():
        await until_seen(world, "a")
        assert await world.fleet.stop("a", by="ada", why="maintenance") is True
        await until_seen(world)
        with pytest.raises(PlatformError, match="a was stopped by ada: maintenance") as refused:
            await world.fleet.restart("a", by="runbook", why="step 3", incident=1)
        assert refused.value.code == "instance-held"
    successor = replace(world, fleet=Fleet(database, world.executor, world.wanted.values, world.requests))
    async with successor.running():
        await until(lambda: "a" in successor.fleet.held.value, "the hold is known")
        jobs = await successor.fleet.tick()
        assert (jobs, await world.executor.seen()) == ((), {})
        await successor.fleet.start("a", by="ada", why="done")
        await until_seen(world, "a")
        await until(lambda: world.requests.calls == ["withdraw a", "restore a"], "it takes requests again")
    async with database.read() as connection:
        told = [
            (change.who, change.action, change.name) for _, change in await changes(connection, Asked(kind="instance"))
        ]
    assert told == [("ada", "start", "a"), ("ada", "stop", "a")]


async def test_a_hold_that_a_crash_cut_off_before_the_stop_is_carried_out(world: World, database: Database) -> None:
    world.declare(of_group("a"))
    async with world.running():
        await until_seen(world, "a")
    await world.fleet.stop("a", by="ada", why="maintenance")
    await world.executor.start(of_group("a"))
    async with world.running():
        await until_seen(world)


async def test_people_restart_without_losing_requests(world: World, database: Database) -> None:
    world.declare(of_group("a"))
    async with world.running():
        await until_seen(world, "a")
        before = await world.pids()
        running = await world.fleet.replace("a", by="ada", why="leaks memory")
        await until(lambda: world.requests.calls == ["withdraw a", "restore a"], "it takes requests again")
        assert await world.pids() == {"a": running.pid}
        assert running.pid != before["a"]
