"""Keeps the declared processes alive and restarts one when it is told to."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import structlog

from stationmaster.core.command import CommandResult
from stationmaster.core.facts import FaultInjected, InstanceRestarted
from stationmaster.core.problem import PlatformError
from stationmaster.fleet import store
from stationmaster.fleet.executor import Executor, Running
from stationmaster.fleet.inventory import Launch
from stationmaster.fleet.reconcile import Crashes, missing, surplus
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("fleet")

_TICK_S = 0.25
_GRACE_S = 10.0


class Fleet:
    def __init__(self, database: Database, executor: Executor, declared: tuple[Launch, ...]) -> None:
        self._database = database
        self._executor = executor
        self._declared = {launch.name: launch for launch in declared}
        self._crashes: dict[str, Crashes] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.processes: Cell[Mapping[str, Running]] = Cell({})

    @property
    def declared(self) -> tuple[Launch, ...]:
        return tuple(self._declared.values())

    async def run(self) -> None:
        """Starts what is missing, for ever."""
        while True:
            await self.tick()
            await asyncio.sleep(_TICK_S)

    async def tick(self) -> None:
        alive = await self._executor.seen()
        self.processes.set(alive)
        launched = await self.launched()
        for name in surplus(self.declared, alive.keys()):
            await self._executor.stop(name, grace_s=_GRACE_S)
            log.info("instance stopped, no longer declared", instance=name)
        due = missing(self.declared, alive.keys(), launched.keys(), self._crashes, now=utc_now())
        for launch in due:
            try:
                await self._start(launch)
            except PlatformError as error:
                # A command that cannot be run is a mistake of one service; the others start all the same.
                log.error("instance cannot be started", instance=launch.name, problem=error.message, hint=error.hint)

    async def launched(self) -> Mapping[str, datetime]:
        """When each process was started last, by name, as far as this boot goes."""
        async with self._database.read() as connection:
            return await store.launched(connection)

    async def restart(self, name: str, *, by: str, why: str, incident: int | None = None) -> Running:
        """Ends the process, if it lives, and starts it; the fact names who asked and why."""
        launch = self._find(name)
        async with self._turns[name]:
            await self._executor.stop(name, grace_s=_GRACE_S)
            running = await self._executor.start(launch)
        fact = InstanceRestarted(at=utc_now(), instance=name, by=by, why=why, incident=incident)
        async with self._database.write() as connection:
            await store.record_launch(connection, name, fact.at)
            await outbox.append(connection, fact)
        log.info("instance restarted", instance=name, pid=running.pid, by=by, incident=incident)
        return running

    async def stop_all(self) -> None:
        """Ends every process of the platform and forgets that it was started."""
        alive = await self._executor.seen()
        await asyncio.gather(*(self._executor.stop(name, grace_s=_GRACE_S) for name in alive))
        async with self._database.write() as connection:
            await store.forget_launches(connection)

    async def inject_kill(self, name: str, *, drill: str) -> bool:
        """Ends the process as a crash would, for a drill; the fact says that it was done on purpose."""
        self._find(name)
        async with self._database.write() as connection:
            await outbox.append(connection, FaultInjected(at=utc_now(), drill=drill, instance=name, fault="kill"))
        return await self._executor.kill(name)

    async def logs(self, name: str, *, tail: int = 50) -> str:
        return await self._executor.logs(self._find(name).name, tail=tail)

    async def run_command(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        return await self._executor.run_command(self._find(name).name, argv, timeout_s=timeout_s)

    def _find(self, name: str) -> Launch:
        try:
            return self._declared[name]
        except KeyError:
            known = ", ".join(sorted(self._declared))
            raise PlatformError(
                "unknown-instance", f"there is no instance {name!r} here", hint=f"known are {known}", status=404
            ) from None

    async def _start(self, launch: Launch) -> None:
        async with self._turns[launch.name]:
            self._crashes[launch.name] = self._crashes.get(launch.name, Crashes()).started(utc_now())
            running = await self._executor.start(launch)
        async with self._database.write() as connection:
            await store.record_launch(connection, launch.name, running.started_at)
        log.info("instance started", instance=launch.name, pid=running.pid)
