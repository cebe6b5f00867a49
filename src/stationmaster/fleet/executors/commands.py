"""Runs commands on this machine: nothing on their standard input, no secrets, a time limit, a bounded output."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from stationmaster.core.command import NOT_RUNNABLE, CommandResult
from stationmaster.fleet.executors.output import Kept, too_late
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE

_SECRET = frozenset({KEY_VARIABLE, COMMAND_VARIABLE})
_CHUNK_BYTES = 65_536


def without_secrets(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _SECRET}


async def run_here(
    argv: tuple[str, ...], *, timeout_s: float, env: Mapping[str, str] | None = None, directory: str | None = None
) -> CommandResult:
    """Without `env`, the command has the control plane's environment; what outlives the limit is killed, with all
    that it started in its session."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=without_secrets() if env is None else env,
            cwd=directory,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        return CommandResult(exit_status=None, output=f"{NOT_RUNNABLE}: {argv[0]}: {why}")
    return await _result(process, timeout_s)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signals all processes of the group that `pid` leads, if there are any."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


async def _result(process: asyncio.subprocess.Process, timeout_s: float) -> CommandResult:
    kept = Kept()
    try:
        async with asyncio.timeout(timeout_s):
            await _collect(process, kept)
            return CommandResult(exit_status=await process.wait(), output=kept.text())
    except TimeoutError:
        return CommandResult(exit_status=None, output=too_late(kept.text(), timeout_s))
    finally:
        if process.returncode is None:
            signal_group(process.pid, signal.SIGKILL)
            await process.wait()


async def _collect(process: asyncio.subprocess.Process, kept: Kept) -> None:
    if process.stdout is None:
        return
    while chunk := await process.stdout.read(_CHUNK_BYTES):
        kept.add(chunk)
