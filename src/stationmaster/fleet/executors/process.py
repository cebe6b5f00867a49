"""Runs instances as processes of this machine that outlive the control plane and are found again by their environment.

Every process carries the platform's state folder and its own name in its environment: a control plane that starts
after a crash adopts what it finds, and no file can say otherwise.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from stationmaster.config import INSTANCE_VARIABLE, STATE_VARIABLE, StateDir
from stationmaster.core.command import NOT_RUNNABLE, CommandResult
from stationmaster.core.problem import PlatformError
from stationmaster.fleet.executor import Running
from stationmaster.fleet.inventory import Launch
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE

_OUTPUT_HEAD, _OUTPUT_TAIL = 16_384, 16_384
_LOG_LIMIT_BYTES = 10_000_000
_POLL_S = 0.02
_SETTLED_AFTER_S = 5.0


class ProcessExecutor:
    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._root = str(state.root.resolve())
        self._children: dict[int, tuple[str, subprocess.Popen[bytes]]] = {}
        self._names: dict[psutil.Process, str | None] = {}

    async def seen(self) -> Mapping[str, Running]:
        self._reap()
        processes = list(psutil.process_iter())
        names = {each: self._names[each] if each in self._names else self._name_of(each) for each in processes}
        self._names = {each: name for each, name in names.items() if name is not None or _settled(each)}
        found = {}
        for process, name in names.items():
            if name is not None and _alive(process):
                started = datetime.fromtimestamp(process.create_time(), UTC)
                found[name] = Running(name=name, pid=process.pid, started_at=started)
        return found

    async def start(self, launch: Launch) -> Running:
        running = (await self.seen()).get(launch.name)
        if running is not None:
            return running
        child = self._spawn(launch)
        self._children[child.pid] = (launch.name, child)
        return Running(name=launch.name, pid=child.pid, started_at=datetime.now(UTC))

    async def stop(self, name: str, *, grace_s: float) -> bool:
        running = (await self.seen()).get(name)
        if running is None:
            return False
        _signal_group(running.pid, signal.SIGTERM)
        if not await self._gone(name, grace_s):
            _signal_group(running.pid, signal.SIGKILL)
            await self._gone(name, 5.0)
        return True

    async def kill(self, name: str) -> bool:
        running = (await self.seen()).get(name)
        if running is None:
            return False
        _signal_group(running.pid, signal.SIGKILL)
        await self._gone(name, 5.0)
        return True

    async def logs(self, name: str, *, tail: int) -> str:
        return await asyncio.to_thread(_tail, self.log_file(name), tail)

    async def run_command(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=_without_secrets(),
                start_new_session=True,
            )
        except OSError as error:
            return CommandResult(exit_status=None, output=f"{NOT_RUNNABLE}: {argv[0]}: {error.strerror}")
        return await _result(process, timeout_s)

    def log_file(self, name: str) -> Path:
        return self._state.logs / f"{name}.log"

    def _spawn(self, launch: Launch) -> subprocess.Popen[bytes]:
        log = self.log_file(launch.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        inherited = dict(os.environ) if launch.opens_secrets else _without_secrets()
        environment = {**inherited, STATE_VARIABLE: self._root, INSTANCE_VARIABLE: launch.name}
        try:
            with log.open("ab") as output:
                return subprocess.Popen(
                    launch.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            message = f"{launch.name} cannot be started: {launch.argv[0]}: {error.strerror}"
            with suppress(OSError), log.open("a", encoding="utf-8") as output:
                output.write(f"{message}\n")
            raise PlatformError(
                "not-startable", message, hint="check the service's command in the platform YAML", status=503
            ) from error

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
            if os.getsid(process.pid) != process.pid:
                return None
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


def _without_secrets() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in (KEY_VARIABLE, COMMAND_VARIABLE)}


def _settled(process: psutil.Process) -> bool:
    """Whether the process has its final environment: one that is about to execute its program shows none, or its
    parent's."""
    try:
        return time.time() - process.create_time() > _SETTLED_AFTER_S
    except psutil.Error:
        return False


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


async def _result(process: asyncio.subprocess.Process, timeout_s: float) -> CommandResult:
    kept = bytearray()
    tail = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            await _collect(process, kept, tail)
            status: int | None = await process.wait()
    except TimeoutError:
        _signal_group(process.pid, signal.SIGKILL)
        await process.wait()
        status = None
        tail += f"\n(stopped: no end after {timeout_s:g} s)".encode()
    return CommandResult(exit_status=status, output=(kept + tail).decode("utf-8", "replace"))


async def _collect(process: asyncio.subprocess.Process, head: bytearray, tail: bytearray) -> None:
    """Reads to the end of the output and keeps its head and its tail."""
    if process.stdout is None:
        return
    while chunk := await process.stdout.read(65_536):
        room = max(0, _OUTPUT_HEAD - len(head))
        head += chunk[:room]
        tail += chunk[room:]
        if len(tail) > 2 * _OUTPUT_TAIL:
            del tail[:-_OUTPUT_TAIL]


def _tail(path: Path, lines: int) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - 262_144))
        return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-lines:])
