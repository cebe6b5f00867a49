"""Moves services to versions: takes orders, keeps what came of them, goes on where a control plane was cut off."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.spec import Service
from stationmaster.fleet import store, version_store
from stationmaster.fleet.deploy import Course, Phase, Seen, Source, Terms, next_course
from stationmaster.fleet.inventory import Launch, group_of
from stationmaster.fleet.loop import BY, Fleet
from stationmaster.fleet.reconcile import build_of
from stationmaster.fleet.rollout import Build, Standing
from stationmaster.fleet.version import Program, Version, last_good, program_of
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("fleet")

_TICK_S = 0.25
_MOVING = frozenset({Phase.ROLLING, Phase.ROLLING_BACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """`services` are those that are declared; `wanted` what has to run for them, with `pins` in place of what is
    declared."""

    database: Database
    fleet: Fleet
    services: Callable[[], Sequence[Service]]
    wanted: Callable[[], Iterable[Launch]]
    pins: Cell[Mapping[str, Program]]


class Deploys:
    """`start` before the fleet runs: what an order wants holds from the first process on."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.versions: dict[str, dict[int, Version]] = {}
        self.courses: dict[str, Course] = {}
        self.turn = asyncio.Lock()

    async def start(self) -> None:
        async with self.rooms.database.read() as connection:
            self.versions = await version_store.all_versions(connection)
            self.courses = await version_store.all_courses(connection)
        self._show()

    async def run(self) -> None:
        while True:
            await self.tick()
            await asyncio.sleep(_TICK_S)

    async def tick(self) -> None:
        """Takes up what is declared anew, and moves every deployment that is under way."""
        async with self.turn:
            services = {each.name: each for each in self.rooms.services() if each.command}
            await self._forget(set(self.courses) - set(services))
            for service in services.values():
                await self._take_up(service)
            moving = [each for each in self.courses.values() if each.phase not in (Phase.GOOD, Phase.ROLLED_BACK)]
            seen = await self.seen() if moving else {}
            for course in moving:
                await self._move(course, seen.get(course.service, ()))

    def troubles(self) -> Sequence[str]:
        """Deployments that need somebody, in words."""
        return tuple(_trouble(each) for each in self.courses.values() if each.phase is Phase.STUCK)

    async def seen(self) -> Mapping[str, Sequence[Seen]]:
        """Every instance that is to run, by service."""
        fleet = self.rooms.fleet
        async with self.rooms.database.read() as connection:
            launched = await store.launched(connection)
        found: dict[str, list[Seen]] = {}
        services = {group_of(each.name): each.name for each in self.rooms.services()}
        for launch in self.rooms.wanted():
            if launch.group not in services or launch.name in fleet.held.value:
                continue
            last = launched.get(launch.name)
            build = build_of(launch, last.digest if last else None, lives=launch.name in fleet.processes.value)
            up = last is not None and build is not Build.GONE
            one = Seen(
                name=launch.name,
                build=build,
                standing=fleet.traffic.standing(launch.name, last.at) if last and up else Standing.DOWN,
                started_at=last.at if last else None,
                problem=fleet.problems.value.get(launch.name, ""),
            )
            found.setdefault(services[launch.group], []).append(one)
        return found

    async def begin(self, course: Course, version: Version | None, *changes: Change) -> None:
        """Keeps an order, in one transaction, before anything follows from it; `version` where it is a new one. Called
        in the caller's `turn`."""
        async with self.rooms.database.write() as connection:
            if version is not None:
                await version_store.add_version(connection, version)
            await version_store.save_course(connection, course)
            await record(connection, *changes)
        if version is not None:
            self.versions.setdefault(course.service, {})[version.number] = version
        self.courses[course.service] = course
        self.rooms.fleet.calm(group_of(course.service))
        self._show()

    def known(self, service: str, program: Program) -> Version | None:
        """The version that is this very program."""
        versions = self.versions.get(service, {}).values()
        return next((each for each in versions if each.program == program), None)

    def new_version(self, service: str, program: Program, *, by: str, why: str) -> Version:
        number = max(self.versions.get(service, {}), default=0) + 1
        return Version(service=service, number=number, program=program, at=utc_now(), by=by, why=why)

    async def _forget(self, gone: set[str]) -> None:
        for service in gone:
            async with self.rooms.database.write() as connection:
                await version_store.forget_service(connection, service)
            self.courses.pop(service, None)
            self.versions.pop(service, None)
            self._show()

    async def _take_up(self, service: Service) -> None:
        """A declaration that is new, or another one than when the last order was given, is what is wanted now."""
        program, course = program_of(service), self.courses.get(service.name)
        if course is not None and course.declared == program.fingerprint:
            return
        known = self.known(service.name, program)
        version = known or self.new_version(service.name, program, by=BY, why="declared")
        begun = Course(
            service=service.name,
            version=version.number,
            source=Source.DECLARED,
            phase=Phase.ROLLING,
            since=utc_now(),
            declared=program.fingerprint,
            by=BY,
            why="declared",
            terms=Terms(),
        )
        await self.begin(begun, None if known else version)

    async def _move(self, course: Course, seen: Sequence[Seen]) -> None:
        versions = self.versions.get(course.service, {})
        now = utc_now()
        moved = next_course(course, seen, back_to=last_good(versions, besides=course.version), now=now)
        if moved == course:
            return
        async with self.rooms.database.write() as connection:
            await self._keep(connection, course, moved)
        if moved.phase is Phase.GOOD:
            versions[moved.version] = replace(versions[moved.version], good_at=now)
        self.courses[course.service] = moved
        if moved.version != course.version:
            self.rooms.fleet.calm(group_of(course.service))
        self._show()
        if moved.phase is not course.phase:
            log.info(
                "deployment", service=moved.service, version=moved.version, phase=moved.phase.value, why=moved.told
            )

    async def _keep(self, connection: AsyncConnection, before: Course, moved: Course) -> None:
        await version_store.save_course(connection, moved)
        if moved.phase is Phase.GOOD:
            await version_store.mark_good(connection, moved.service, moved.version, moved.since)
        if moved.phase is not before.phase and moved.phase in (Phase.ROLLING_BACK, Phase.STUCK):
            await record(connection, change_of(replace(moved, by=BY), moved.phase.value, before=before))

    def _show(self) -> None:
        """What is ordered runs in place of what is declared; the fleet starts what is dead where something moves."""
        ordered = [each for each in self.courses.values() if each.source is Source.ORDERED]
        self.rooms.pins.set({each.service: self.versions[each.service][each.version].program for each in ordered})
        moving = [each for each in ordered if each.phase in _MOVING]
        self.rooms.fleet.moving = frozenset(group_of(each.service) for each in moving)


def change_of(course: Course, action: str, *, before: Course | None) -> Change:
    """For the audit trail."""
    return Change(
        at=utc_now(),
        who=course.by,
        action=action,
        kind="service",
        name=course.service,
        before={"version": before.version} if before else None,
        after={"version": course.version, "why": course.told or course.why},
    )


def _trouble(course: Course) -> str:
    what = f"service {course.service}: version {course.version} stands still: {course.told}"
    return f"{what}; mend the declaration, or `stationmaster service rollback {course.service}`"
