"""Versions are deployed, taken back and remembered over a control plane that is gone; services are scaled."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from stationmaster.config import StateDir
from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, Instance, PlatformSpec, Service, Supervision
from stationmaster.fleet.deploy import Phase, Terms
from stationmaster.fleet.deploys import Deploys, Rooms
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.fleet.inventory import launches
from stationmaster.fleet.loop import Fleet
from stationmaster.fleet.orders import Orders, Wish
from stationmaster.fleet.version import Program, pinned
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.fleet.test_fleet import Requests

LIMIT_S = 20.0
QUICK = Terms(within_s=1.5, bake_s=0.3)
PATIENT = Terms(within_s=20, bake_s=0.3)
NAMES = ("a", "b", "c")
ROOT = Path(__file__).parents[2]


def command(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import time; print({text!r}, '{{instance}}', flush=True); time.sleep(60)")


def service(text: str = "first", *, supervision: Supervision = Supervision.RESTART) -> Service:
    instances = tuple(
        Instance(
            name=InstanceName(name),
            service=ServiceName("api"),
            region="eu",
            address=Address(host="127.0.0.1", port=9000 + at),
        )
        for at, name in enumerate(NAMES)
    )
    return Service(
        name=ServiceName("api"), port=9000, command=command(text), supervision=supervision, instances=instances
    )


@dataclass
class World:
    """One control plane after the other over the same store and the same processes."""

    database: Database
    executor: ProcessExecutor
    requests: Requests
    spec: PlatformSpec

    async def control(self) -> "Control":
        made = Control(self)
        await made.deploys.start()
        return made


class Control:
    def __init__(self, world: World) -> None:
        self.world = world
        pins: Cell[Mapping[str, Program]] = Cell({})
        wanted = lambda: launches(replace(world.spec, services=pinned(world.spec.services, pins.value)))  # noqa: E731
        self.fleet = Fleet(world.database, world.executor, wanted, world.requests)
        self.deploys = Deploys(
            Rooms(
                database=world.database,
                fleet=self.fleet,
                services=lambda: world.spec.services,
                wanted=wanted,
                pins=pins,
            )
        )
        self.orders = Orders(self.deploys)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Control"]:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self.fleet.run()), loop.create_task(self.deploys.run())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                while not condition():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{what}: {self.deploys.courses} {await self.versions()}") from None

    async def until_phase(self, phase: Phase) -> None:
        def reached() -> bool:
            course = self.deploys.courses.get("api")
            return course is not None and course.phase is phase

        await self.until(reached, f"phase {phase.value}")

    async def until_good(self) -> None:
        """Makes the first version good without the minute that it would take."""
        await self.until_phase(Phase.BAKING)
        async with self.deploys.turn:
            course = self.deploys.courses["api"]
            self.deploys.courses["api"] = replace(course, terms=QUICK)
        await self.until_phase(Phase.GOOD)

    async def versions(self) -> dict[str, int | None]:
        return dict((await self.orders.standing("api")).running)


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    executor = ProcessExecutor(StateDir(tmp_path))
    spec = PlatformSpec(environment="test", services=(service(),))
    yield World(database=database, executor=executor, requests=Requests(), spec=spec)
    for name in await executor.seen():
        await executor.kill(name)
    await executor.seen()


async def test_a_version_is_deployed_one_by_one_and_is_good_after_its_time(world: World, database: Database) -> None:
    async with (await world.control()).running() as control:
        await control.until_good()
        wish = Wish(command=command("second"), env={"COLOUR": "blue"})
        planned = await control.orders.deploy("api", wish, QUICK, by="ada", why="faster", dry_run=True)
        assert (planned.before, planned.version, planned.new, planned.restarts) == (1, 2, True, NAMES)
        assert planned.changes[-1] == "env COLOUR: (none) -> blue"
        assert set((await control.versions()).values()) == {1}
        await control.orders.deploy("api", wish, QUICK, by="ada", why="faster")
        with pytest.raises(PlatformError) as refused:
            await control.orders.deploy("api", Wish(number=1), QUICK, by="ada", why="no")
        assert refused.value.code == "deploy-under-way"
        await control.until_phase(Phase.GOOD)
        assert await control.versions() == dict.fromkeys(NAMES, 2)
        assert world.requests.most_away == 1
        assert [each for each in world.requests.calls if each.startswith("withdraw")] == [
            f"withdraw {n}" for n in NAMES
        ]
        assert "second a" in await world.executor.logs("a", tail=3)
        with pytest.raises(PlatformError) as refused:
            await control.orders.deploy("api", Wish(number=2), QUICK, by="ada", why="no")
        assert refused.value.code == "already-deployed"
    async with database.read() as connection:
        told = [(each.who, each.action) for _, each in await changes(connection, Asked(kind="service"))]
    assert told == [("ada", "deploy")]


@pytest.mark.parametrize("supervision", list(Supervision))
async def test_a_version_that_cannot_start_stops_at_the_first_instance_and_is_taken_back(
    world: World, supervision: Supervision
) -> None:
    world.spec = replace(world.spec, services=(service(supervision=supervision),))
    async with (await world.control()).running() as control:
        await control.until_good()
        before = {name: each.pid for name, each in (await world.executor.seen()).items()}
        await control.orders.deploy("api", Wish(command=("/no/such/program",)), QUICK, by="ada", why="new")
        await control.until_phase(Phase.ROLLED_BACK)
        course = control.deploys.courses["api"]
        assert (course.version, course.failed) == (1, 2)
        assert "/no/such/program" in course.told
        await control.until(lambda: not world.requests.away, "all take requests again")
        assert await control.versions() == dict.fromkeys(NAMES, 1)
        after = {name: each.pid for name, each in (await world.executor.seen()).items()}
        assert {name for name in NAMES if before[name] != after[name]} == {"a"}


async def test_a_version_that_is_not_well_is_taken_back_and_one_that_never_was_good_is_no_way_back(
    world: World,
) -> None:
    async with (await world.control()).running() as control:
        await control.until_good()
        world.requests.well["a"] = True
        await control.orders.deploy("api", Wish(command=command("ill")), QUICK, by="ada", why="new")
        await control.until(lambda: "withdraw a" in world.requests.calls, "the first is taken")
        world.requests.well["a"] = False
        await control.until_phase(Phase.ROLLING_BACK)
        assert "a is not well after 1.5 s" in control.deploys.courses["api"].told
        world.requests.well["a"] = True
        await control.until_phase(Phase.ROLLED_BACK)
        assert await control.versions() == dict.fromkeys(NAMES, 1)
        with pytest.raises(PlatformError) as refused:
            await control.orders.rollback("api", QUICK, by="ada", why="no")
        assert refused.value.code == "no-good-version"


async def test_people_take_a_version_back_to_the_last_good_one(world: World) -> None:
    async with (await world.control()).running() as control:
        await control.until_good()
        await control.orders.deploy("api", Wish(command=command("second")), QUICK, by="ada", why="new")
        await control.until_phase(Phase.GOOD)
        planned = await control.orders.rollback("api", QUICK, by="ada", why="slow", dry_run=True)
        assert (planned.before, planned.version) == (2, 1)
        await control.orders.rollback("api", QUICK, by="ada", why="slow")
        await control.until_phase(Phase.ROLLED_BACK)
        assert await control.versions() == dict.fromkeys(NAMES, 1)


async def test_another_declaration_ends_what_was_ordered(world: World) -> None:
    async with (await world.control()).running() as control:
        await control.until_good()
        await control.orders.deploy("api", Wish(env={"A": "b"}), QUICK, by="ada", why="new")
        await control.until_phase(Phase.GOOD)
        world.spec = replace(world.spec, services=(service("declared"),))
        await control.until(lambda: control.deploys.courses["api"].version == 3, "the declaration is taken up")
        await control.until_phase(Phase.BAKING)
        assert await control.versions() == dict.fromkeys(NAMES, 3)
        world.spec = replace(world.spec, services=())
        await control.until(lambda: not control.deploys.courses, "nothing is left of it")


@pytest.mark.parametrize("cut_after", ["withdraw a", "restore a", "withdraw b", "withdraw c"])
@pytest.mark.parametrize("good", [True, False])
async def test_a_control_plane_that_is_cut_off_in_the_middle_leaves_no_two_versions(
    world: World, cut_after: str, *, good: bool
) -> None:
    async with (await world.control()).running() as control:
        await control.until_good()
        wish = Wish(command=command("second"))
        await control.orders.deploy("api", wish, PATIENT if good else QUICK, by="ada", why="new")
        await control.until(lambda: cut_after in world.requests.calls, cut_after)
    world.requests.well["c"] = good
    async with (await world.control()).running() as control:
        if good:
            await control.until_phase(Phase.GOOD)
            assert await control.versions() == dict.fromkeys(NAMES, 2)
            return
        await control.until_phase(Phase.ROLLING_BACK)
        world.requests.well["c"] = True
        await control.until_phase(Phase.ROLLED_BACK)
        assert await control.versions() == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("supervision", list(Supervision))
async def test_fewer_instances_run_over_restarts_until_more_are_wanted(world: World, supervision: Supervision) -> None:
    world.spec = replace(world.spec, services=(service(supervision=supervision),))
    async with (await world.control()).running() as control:
        await control.until_phase(Phase.BAKING)
        planned = await control.orders.scale("api", 1, by="ada", why="night", dry_run=True)
        assert (planned.stops, planned.starts) == (("b", "c"), ())
        await control.orders.scale("api", 1, by="ada", why="night")
        await control.until(lambda: set(control.fleet.processes.value) == {"a"}, "one runs")
        with pytest.raises(PlatformError, match="api is scaled to 1: night") as refused:
            await control.fleet.start("b", by="ada", why="?")
        assert refused.value.code == "scaled-down"
    async with (await world.control()).running() as control:
        await control.until(lambda: set(control.fleet.held.value) == {"b", "c"}, "it is remembered")
        assert set(await world.executor.seen()) == {"a"}
        await control.fleet.stop("a", by="bob", why="disk")
        await control.until(lambda: set(control.fleet.processes.value) == {"b"}, "another one runs in its place")
        with pytest.raises(PlatformError, match="api has 3 declared instances"):
            await control.orders.scale("api", 4, by="ada", why="day")
        await control.orders.scale("api", 3, by="ada", why="day")
        await control.until(lambda: set(control.fleet.processes.value) == {"b", "c"}, "all but the held one run")
        await control.fleet.start("a", by="bob", why="done")
        await control.until(lambda: not world.requests.away and len(control.fleet.processes.value) == 3, "all serve")


async def test_a_deployment_outlives_kill_minus_nine_at_any_moment(world: World, tmp_path: Path) -> None:
    async with (await world.control()).running() as control:
        await control.until_good()
    argv = (sys.executable, "-m", "tests.fleet.deploying", str(tmp_path), "second")
    for wait_s in (0.0, 0.15, 0.4, 0.8):
        process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            assert await process.stdout.readline() == b"ordered\n"
        await asyncio.sleep(wait_s)  # the moment of the kill is what the test varies
        process.kill()
        await process.wait()
    async with (await world.control()).running() as control:
        await control.until_phase(Phase.GOOD)
        assert control.deploys.courses["api"].version == 2
        assert await control.versions() == dict.fromkeys(NAMES, 2)
        assert len(await world.executor.seen()) == len(NAMES)
