"""Runs a program that says by its exit status whether an instance is well."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from stationmaster.core.spec import Address, HealthCheck
from stationmaster.monitor.answer import Fault, ProbeAnswer
from stationmaster.monitor.probes.connecting import Progress, timed
from stationmaster.monitor.probes.verdict import Verdict, told
from stationmaster.runtime.db import utc_now
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE

_MOST_OUTPUT_BYTES = 4096
_LEFT_OPEN_S = 0.2
"""How long after its end the output of a program may stay open: something that it started may hold it for ever."""
_GONE_WITHIN_S = 1.0


async def probe(address: Address, check: HealthCheck, clock: Callable[[], datetime] = utc_now) -> ProbeAnswer:
    """As `http.probe`; the program gets no input, and what it started ends with it."""
    return await timed(partial(_run, check), address.host, check, clock)


async def _run(check: HealthCheck, progress: Progress) -> Verdict:
    if not check.command:
        return Verdict(False, "no command is declared")
    loop = asyncio.get_running_loop()
    try:
        transport, output = await loop.subprocess_exec(
            _Output,
            *check.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_without_secrets(),
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError) as error:
        why = (error.strerror or "").lower() if isinstance(error, OSError) else str(error)
        return Verdict(False, f"{told(check.command[0])} cannot be started: {why}", fault=Fault.BROKEN)
    progress.connected = True
    try:
        await asyncio.wait([output.exited])  # which, unlike an await, leaves it open when the time is up
        await asyncio.wait([output.closed], timeout=_LEFT_OPEN_S)
        return _judge(transport.get_returncode(), bytes(output.kept))
    finally:
        await _end(transport, output)


async def _end(transport: asyncio.SubprocessTransport, output: "_Output") -> None:
    """Nothing of the program's group is left, whether it has ended by itself or not."""
    if not (output.exited.done() and output.closed.done()):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        await asyncio.wait([output.exited], timeout=_GONE_WITHIN_S)
    transport.close()


class _Output(asyncio.SubprocessProtocol):
    """What a program says until its end, as far as it is kept."""

    def __init__(self) -> None:
        self.kept = bytearray()
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.kept += data[: _MOST_OUTPUT_BYTES - len(self.kept)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)


def _judge(status: int | None, output: bytes) -> Verdict:
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    said = f": {told(lines[0].strip(), 160)}" if lines else ""
    if status == 0:
        return Verdict(True, f"exit 0{said}")
    if status is not None and status < 0:
        with suppress(ValueError):
            return Verdict(False, f"ended by {signal.Signals(-status).name}{said}")
    return Verdict(False, f"exit {status}{said}")


def _without_secrets() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in (KEY_VARIABLE, COMMAND_VARIABLE)}
