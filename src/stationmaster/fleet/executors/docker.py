"""Runs instances as containers of a Docker engine, which are found again by their labels.

A container bears the name of its instance. It stays where it is when it has ended, so that its log can be read and the
same container started again; it is made anew when what is declared has changed.
"""

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

from stationmaster.config import StateDir
from stationmaster.core.command import CommandResult
from stationmaster.core.problem import PlatformError
from stationmaster.fleet.executor import Running, Usage
from stationmaster.fleet.executors.container import Owner, container_config, container_name, moment, never_began
from stationmaster.fleet.executors.container_exec import exec_in
from stationmaster.fleet.executors.container_log import written
from stationmaster.fleet.executors.containers import Containers
from stationmaster.fleet.executors.engine import Engine
from stationmaster.fleet.executors.log_files import LogFiles
from stationmaster.fleet.inventory import Launch
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE

_POLL_S = 0.03
_BEGINS_WITHIN_S = 5.0
_KILLED_WITHIN_S = 10.0
_KEPT_LINES = 1000
_LOOK_EVERY_S = 0.3
_NOT_EXECUTED = "[FATAL tini"
"""How the container's init says that it could not execute the program."""


class DockerExecutor:
    """`environment` names the declared environment, for a label. An engine that nobody asked to run anything, and that
    is not there or has nothing of this platform, is left alone."""

    def __init__(self, state: StateDir, engine: Engine, environment: Callable[[], str] = str) -> None:
        self._root = str(state.root.resolve())
        self._engine = engine
        self._containers = Containers(engine, self._root)
        self._environment = environment
        self._files = LogFiles(state.logs)
        self._starts: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._needed: bool | None = None

    async def seen(self) -> Mapping[str, Running]:
        if self._needed is None:
            self._needed = await self._has_some()
        return await self._containers.seen() if self._needed else {}

    async def start(self, launch: Launch) -> Running:
        self._needed = True
        async with self._starts[launch.name]:
            running = (await self.seen()).get(launch.name)
            if running is not None:
                return running
            try:
                return await self._start(launch)
            except PlatformError as error:
                with suppress(OSError):
                    await asyncio.to_thread(self._files.write, launch.name, f"{error.message}\n")
                raise

    async def stop(self, name: str, *, grace_s: float) -> bool:
        if name not in await self.seen():
            return False
        await self._containers.signal(name, "SIGTERM")
        if not await self._containers.gone(name, grace_s):
            await self._end(name)
        return True

    async def kill(self, name: str) -> bool:
        if name not in await self.seen():
            return False
        await self._end(name)
        return True

    async def forget(self, name: str) -> None:
        shown = await self._containers.show(name) if self._needed else None
        if shown is not None and not shown.live:
            await self._remove(name)

    async def logs(self, name: str, *, tail: int) -> str:
        """What containers before this one wrote is read from the file in which their end is kept."""
        shown = await self._containers.show(name) if self._needed else None
        lines = await self._containers.lines(name, tail) if shown is not None else []
        if len(lines) < tail:
            before = await asyncio.to_thread(self._files.tail, name, tail - len(lines))
            lines = [*before.splitlines(), *lines]
        return "\n".join(lines)

    async def follow(self, name: str, *, tail: int) -> AsyncGenerator[str, None]:
        followed: Running | None = None
        begins = {"tail": str(tail)}
        if name not in await self.seen():
            yield await self.logs(name, tail=tail) + "\n"
            begins = {}
        while True:
            running = (await self.seen()).get(name)
            if running is not None and running != followed:
                since = {"since": f"{running.started_at.timestamp():.6f}"}
                async with aclosing(
                    written(self._engine, name, since if followed is not None else begins or since)
                ) as texts:
                    async for text in texts:
                        yield text
                followed = running
            await asyncio.sleep(_LOOK_EVERY_S)

    async def exec(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        return await exec_in(self._containers, name, argv, timeout_s)

    async def usage(self, name: str) -> Usage | None:
        if name not in await self.seen():
            return None
        rows = (await self._containers.processes(name)).get("Processes") or ()
        async with self._engine.asked(f"{name} cannot be measured") as docker:
            stats = await docker.containers.container(container_name(name)).stats(stream=False)
        return _usage(stats[0], len(rows)) if stats else None

    async def close(self) -> None:
        await self._engine.close()

    async def _has_some(self) -> bool:
        """Whether this platform has containers on the engine, running now; False where no engine can be asked."""
        if not self._engine.may_be_there:
            return False
        try:
            return bool(await self._containers.seen())
        except PlatformError:
            return False

    async def _start(self, launch: Launch) -> Running:
        shown = await self._containers.show(launch.name)
        if shown is not None and shown.digest != launch.digest:
            await self._remove(launch.name)
            shown = None
        if shown is None:
            owner = Owner(root=self._root, environment=self._environment())
            await self._containers.create(launch.name, container_config(launch, owner, _secrets()))
        await self._containers.start(launch.name)
        return await self._begun(launch.name)

    async def _begun(self, name: str) -> Running:
        """Waits until the container's init has become the program, or has said why it could not."""
        deadline = time.monotonic() + _BEGINS_WITHIN_S
        while True:
            shown = await self._containers.show(name)
            if shown is None or not shown.live:
                await self._refuse_unexecuted(name)
            elif never_began(await self._containers.processes(name), shown.pid) and time.monotonic() < deadline:
                await asyncio.sleep(_POLL_S)
                continue
            pid, started = (shown.pid, shown.started_at) if shown is not None else (0, "1970-01-01T00:00:00Z")
            return Running(name=name, pid=pid, started_at=moment(started))

    async def _refuse_unexecuted(self, name: str) -> None:
        last = (await self._containers.lines(name, 1) or [""])[-1]
        if last.startswith(_NOT_EXECUTED):
            message = f"{name} cannot be started: {last.partition('] ')[2]}"
            hint = "check the service's command in the platform YAML, and what its image holds"
            raise PlatformError("not-startable", message, hint=hint, status=503)

    async def _end(self, name: str) -> None:
        await self._containers.signal(name, "SIGKILL")
        await self._containers.gone(name, _KILLED_WITHIN_S)

    async def _remove(self, name: str) -> None:
        """Takes the container away; the end of its log is kept."""
        lines = await self._containers.lines(name, _KEPT_LINES)
        if lines:
            await asyncio.to_thread(self._files.write, name, "\n".join(lines) + "\n")
        await self._containers.remove(name)


def _secrets() -> dict[str, str]:
    return {name: os.environ[name] for name in (KEY_VARIABLE, COMMAND_VARIABLE) if name in os.environ}


def _usage(stats: Mapping[str, Any], processes: int) -> Usage:
    """From the engine's numbers; memory without what the kernel could drop at once."""
    memory = stats["memory_stats"]
    droppable = memory.get("stats", {}).get("inactive_file", 0)
    return Usage(
        cpu_s=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
        memory_bytes=max(0, memory.get("usage", 0) - droppable),
        processes=stats.get("pids_stats", {}).get("current", processes),
    )
