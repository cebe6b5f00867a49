"""Runs instances as processes of this machine that outlive the control plane and are found again by their environment.

Every process carries the platform's state folder and its own name in its environment: a control plane that starts
after a crash adopts what it finds, and no file can say otherwise.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from stationmaster.config import INSTANCE_VARIABLE, STATE_VARIABLE, StateDir
from stationmaster.core.command import NOT_RUNNABLE, CommandResult
from stationmaster.core.problem import PlatformError
from stationmaster.fleet.executor import Running, Usage
from stationmaster.fleet.executors.commands import run_here, signal_group, without_secrets
from stationmaster.fleet.executors.log_files import LIMIT_BYTES, LogFiles
from stationmaster.fleet.inventory import Launch

_POLL_S = 0.02
_KILLED_WITHIN_S = 5.0
_SETTLED_AFTER_S = 5.0


class ProcessExecutor:
    def __init__(self, state: StateDir, *, log_limit_bytes: int = LIMIT_BYTES) -> None:
        self._files = LogFiles(state.logs, limit_bytes=log_limit_bytes)
        self._root = str(state.root.resolve())
        self._children: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
        self._names: dict[psutil.Process, str | None] = {}

    async def seen(self) -> Mapping[str, Running]:
        found: dict[str, Running] = {}
        for name, process, started in self._leaders():
            # Of several of one name, which one instance can leave behind, the first one is the instance.
            if name not in found or started < found[name].started_at:
                found[name] = Running(name=name, pid=process.pid, started_at=started)
        self._files.bound(found)
        return found

    async def start(self, launch: Launch) -> Running:
        running = (await self.seen()).get(launch.name)
        if running is not None:
            return running
        child = self._spawn(launch)
        self._children[child.pid] = (launch.name, child)
        return Running(name=launch.name, pid=child.pid, started_at=datetime.now(UTC))

    async def stop(self, name: str, *, grace_s: float) -> bool:
        frozen = any(bears == name and _is_frozen(process) for bears, process, _ in self._leaders())
        lived = self._signal(name, signal.SIGKILL if frozen else signal.SIGTERM)
        if lived and not await self._gone(name, grace_s):
            self._signal(name, signal.SIGKILL)
        await self._sweep(name)
        return lived

    async def kill(self, name: str) -> bool:
        lived = self._signal(name, signal.SIGKILL)
        await self._sweep(name)
        return lived

    async def forget(self, name: str) -> None:
        """A process leaves nothing but its log."""

    async def logs(self, name: str, *, tail: int) -> str:
        return await asyncio.to_thread(self._files.tail, name, tail)

    def follow(self, name: str, *, tail: int) -> AsyncGenerator[str, None]:
        return self._files.follow(name, tail)

    async def exec(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        running = (await self.seen()).get(name)
        try:
            process = psutil.Process(running.pid) if running else None
            environment, directory = (process.environ(), process.cwd()) if process else ({}, "")
        except (psutil.Error, OSError):
            process = None
        if process is None:
            return CommandResult(exit_status=None, output=f"{NOT_RUNNABLE}: {name} does not live")
        # The instance's name stays away: the command is not the instance.
        own = {key: value for key, value in environment.items() if key != INSTANCE_VARIABLE}
        return await run_here(argv, timeout_s=timeout_s, env=without_secrets(own), directory=directory)

    async def usage(self, name: str) -> Usage | None:
        uses = [each for process in self._all_of(name) if (each := _use(process)) is not None]
        if not uses:
            return None
        return Usage(
            cpu_s=sum(cpu_s for cpu_s, _ in uses),
            memory_bytes=sum(memory_bytes for _, memory_bytes in uses),
            processes=len(uses),
        )

    async def close(self) -> None:
        """Nothing is open."""

    def log_file(self, name: str) -> Path:
        return self._files.path(name)

    def _spawn(self, launch: Launch) -> subprocess.Popen[bytes]:
        inherited = dict(os.environ) if launch.opens_secrets else without_secrets()
        own = {STATE_VARIABLE: self._root, INSTANCE_VARIABLE: launch.name}
        try:
            with self._files.ready(launch.name).open("ab") as output:
                return subprocess.Popen(
                    launch.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**inherited, **dict(launch.env), **own},
                    cwd=launch.directory or None,
                    start_new_session=True,
                )
        except (OSError, ValueError) as error:
            message = f"{launch.name} cannot be started: {_reason(launch, error)}"
            with suppress(OSError):
                self._files.write(launch.name, f"{message}\n")
            raise PlatformError(
                "not-startable", message, hint="check the service's command in the platform YAML", status=503
            ) from error

    def _leaders(self) -> Iterator[tuple[str, psutil.Process, datetime]]:
        """Live session leaders that bear a name of this platform."""
        self._reap()
        processes = list(psutil.process_iter())
        names = {each: self._names[each] if each in self._names else self._name_of(each) for each in processes}
        self._names = {each: name for each, name in names.items() if name is not None or _settled(each)}
        for process, name in names.items():
            if name is not None and _alive(process):
                yield name, process, datetime.fromtimestamp(process.create_time(), UTC)

    def _all_of(self, name: str) -> list[psutil.Process]:
        """Every live process that bears the name, whatever session it made for itself, and the children of all."""
        own = {process for bears, process, _ in self._leaders() if bears == name}
        for process in psutil.process_iter():
            if process not in own and self._bears(process) == name:
                own.add(process)
        for process in list(own):
            with suppress(psutil.Error):
                own.update(process.children(recursive=True))
        return [each for each in own if _alive(each)]

    def _signal(self, name: str, number: signal.Signals) -> bool:
        """Signals the instance with its group; says whether it lives."""
        found = [process for bears, process, _ in self._leaders() if bears == name]
        for process in found:
            signal_group(process.pid, number)
        return bool(found)

    async def _sweep(self, name: str) -> None:
        """Ends whatever the instance has left behind, in whatever session."""
        deadline = time.monotonic() + _KILLED_WITHIN_S
        while (left := self._all_of(name)) and time.monotonic() < deadline:
            for process in left:
                with suppress(psutil.Error):
                    process.kill()
            await asyncio.sleep(_POLL_S)

    def _reap(self) -> None:
        for pid, (_, child) in list(self._children.items()):
            if child.poll() is not None:
                del self._children[pid]

    def _name_of(self, process: psutil.Process) -> str | None:
        """The name that the process bears in this platform; None for any other process and for a child of ours.

        What this very process started is known: in the moment of its start it shows no environment yet.
        """
        if process.pid in self._children:
            return self._children[process.pid][0]
        try:
            return self._bears(process) if os.getsid(process.pid) == process.pid else None
        except OSError:
            return None

    def _bears(self, process: psutil.Process) -> str | None:
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            return None
        return environment.get(INSTANCE_VARIABLE) if environment.get(STATE_VARIABLE) == self._root else None

    async def _gone(self, name: str, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while name in await self.seen():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_S)
        return True


def _reason(launch: Launch, error: OSError | ValueError) -> str:
    """Says whether it is the program or the folder that is not there."""
    if not isinstance(error, OSError):
        return f"{launch.argv[0]}: {error}"
    missing = launch.directory if launch.directory and error.filename == launch.directory else launch.argv[0]
    return f"{missing}: {error.strerror}"


def _use(process: psutil.Process) -> tuple[float, int] | None:
    try:
        with process.oneshot():
            times = process.cpu_times()
            return times.user + times.system, process.memory_info().rss
    except psutil.Error:
        return None


def _settled(process: psutil.Process) -> bool:
    """Whether the process has its final environment: one that is about to execute its program shows none, or its
    parent's."""
    try:
        return time.time() - process.create_time() > _SETTLED_AFTER_S
    except psutil.Error:
        return False


def _is_frozen(process: psutil.Process) -> bool:
    """One that is stopped (SIGSTOP) hears of nothing before it goes on: only SIGKILL ends it."""
    try:
        return process.status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
