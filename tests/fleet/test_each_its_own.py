"""A fleet with processes and containers at once: each service has its own executor, and may change it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.config import StateDir
from stationmaster.core.spec import ExecutorKind
from stationmaster.fleet.executors.docker import DockerExecutor
from stationmaster.fleet.executors.each_its_own import EachItsOwn
from stationmaster.fleet.executors.engine import Engine
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.fleet.inventory import Launch
from stationmaster.fleet.loop import Fleet
from stationmaster.runtime.db import Database
from tests.fleet.contract import SLEEPER, launch
from tests.fleet.engine_rig import IMAGE, TestEngine, mounts, running_engine
from tests.fleet.test_fleet import Requests, World


@pytest.fixture(scope="module")
def engine() -> Iterator[TestEngine]:
    with running_engine() as running:
        yield running


def both(state: StateDir, url: str, wanted: dict[str, Launch]) -> EachItsOwn:
    return EachItsOwn(
        {
            ExecutorKind.PROCESS: ProcessExecutor(state),
            ExecutorKind.DOCKER: DockerExecutor(state, Engine(url), lambda: "lab"),
        },
        lambda name: wanted[name].executor if name in wanted else None,
    )


@pytest.fixture
async def world(database: Database, engine: TestEngine, tmp_path: Path) -> AsyncIterator[World]:
    wanted: dict[str, Launch] = {}
    requests = Requests()
    executor = both(StateDir(tmp_path), engine.url, wanted)
    yield World(
        fleet=Fleet(database, executor, wanted.values, requests),
        executor=executor,  # type: ignore[arg-type]  # the world asks nothing of it that other executors have not
        requests=requests,
        wanted=wanted,
    )
    for name in await executor.seen():
        await executor.kill(name)
    await executor.seen()
    await executor.close()
    engine.remove_containers()


def contained(name: str) -> Launch:
    return replace(launch(name, SLEEPER), executor=ExecutorKind.DOCKER, image=IMAGE, mounts=mounts())


def names_on(engine: TestEngine, *, dead: bool = False) -> set[str]:
    with engine.client() as client:
        found = client.get("/containers/json", params={"all": "1" if dead else "0"}).raise_for_status().json()
    return {each["Names"][0].removeprefix("/") for each in found}


async def until_runs(world: World, engine: TestEngine, *, processes: set[str], containers: set[str]) -> None:
    async with asyncio.timeout(30):
        while True:
            seen = set(await world.executor.seen())
            if seen == processes | containers and names_on(engine) == containers:
                return
            await asyncio.sleep(0.05)


async def test_a_service_moves_from_processes_to_containers_and_back_without_a_request(
    world: World, engine: TestEngine
) -> None:
    world.declare(launch("shop", SLEEPER), contained("api"))
    async with world.running():
        await until_runs(world, engine, processes={"shop"}, containers={"api"})
        world.declare(launch("shop", SLEEPER), launch("api", SLEEPER))
        await until_runs(world, engine, processes={"shop", "api"}, containers=set())
        world.declare(contained("shop"), launch("api", SLEEPER))
        await until_runs(world, engine, processes={"api"}, containers={"shop"})
    moved = [call for call in world.requests.calls if call.startswith("withdraw")]
    assert moved == ["withdraw api", "withdraw shop"]


async def test_the_fleet_starts_a_dead_container_again_and_takes_away_what_is_no_longer_declared(
    world: World, engine: TestEngine
) -> None:
    world.declare(contained("api"))
    async with world.running():
        await until_runs(world, engine, processes=set(), containers={"api"})
        first = (await world.pids())["api"]
        with engine.client() as client:
            client.post("/containers/api/kill").raise_for_status()
        async with asyncio.timeout(20):
            while (await world.pids()).get("api", first) == first:
                await asyncio.sleep(0.05)
        world.declare()
        async with asyncio.timeout(20):
            while names_on(engine, dead=True):
                await asyncio.sleep(0.05)
        assert "up" in await world.executor.logs("api", tail=5)


async def test_an_image_that_is_missing_keeps_nothing_else_from_starting_and_is_told(
    world: World, engine: TestEngine
) -> None:
    world.declare(replace(contained("api"), image="nobody/has-it:7", group="service api"), launch("shop", SLEEPER))
    async with world.running():
        await until_runs(world, engine, processes={"shop"}, containers=set())
        async with asyncio.timeout(20):
            while "api" not in world.fleet.problems.value:
                await asyncio.sleep(0.05)
        assert "No such image: nobody/has-it:7; images are never pulled" in world.fleet.problems.value["api"]


async def test_containers_of_an_engine_that_falls_silent_are_not_taken_for_dead(
    engine: TestEngine, tmp_path: Path
) -> None:
    wanted = {"api": contained("api"), "shop": launch("shop", SLEEPER)}
    link = tmp_path / "engine.sock"
    link.symlink_to(engine.socket)
    executor = both(StateDir(tmp_path), f"unix://{link}", wanted)
    for each in wanted.values():
        await executor.start(each)
    assert set(await executor.seen()) == {"api", "shop"}
    await executor.close()
    link.unlink()
    assert set(await executor.seen()) == {"api", "shop"}
    assert str(link) in executor.silent[ExecutorKind.DOCKER]
    link.symlink_to(engine.socket)
    assert await executor.kill("api") is True
    assert set(await executor.seen()) == {"shop"}
    assert executor.silent == {}
    await executor.kill("shop")
    await executor.seen()
    await executor.close()
    engine.remove_containers()
