"""Runs a command inside a container: bounded output, a time limit, no secret of the instance."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from aiodocker.execs import Exec

from stationmaster.core.command import NOT_RUNNABLE, CommandResult
from stationmaster.fleet.executors.container import container_name
from stationmaster.fleet.executors.containers import Containers
from stationmaster.fleet.executors.output import Kept, too_late
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE

_REFUSED = "OCI runtime exec failed"
_ASKED_WITHIN_S = 10.0


async def exec_in(containers: Containers, name: str, argv: tuple[str, ...], timeout_s: float) -> CommandResult:
    shown = await containers.show(name)
    if shown is None or not shown.live:
        return CommandResult(exit_status=None, output=f"{NOT_RUNNABLE}: {name} does not live")
    kept = Kept()
    async with containers.engine.asked(f"no command can run in {name}", within_s=timeout_s + _ASKED_WITHIN_S) as docker:
        container = docker.containers.container(container_name(name))
        made = await container.exec(list(argv), environment=_emptied(shown.env))
        try:
            async with asyncio.timeout(timeout_s):
                await _collect(made, kept)
        except TimeoutError:
            ended = await _killed(made)
            left = "" if ended else "; it could not be ended from here and may go on in its container"
            return CommandResult(exit_status=None, output=too_late(kept.text(), timeout_s) + left)
        status = (await made.inspect())["ExitCode"]
    if kept.text().startswith(_REFUSED):
        return CommandResult(exit_status=None, output=f"{NOT_RUNNABLE}: {argv[0]}: {kept.text().strip()}")
    return CommandResult(exit_status=status, output=kept.text())


def _emptied(env: tuple[str, ...]) -> Mapping[str, str]:
    """A command has the container's environment; what opens secrets is emptied in it."""
    names = {each.partition("=")[0] for each in env}
    return {name: "" for name in (KEY_VARIABLE, COMMAND_VARIABLE) if name in names}


async def _collect(made: Exec, kept: Kept) -> None:
    async with made.start() as stream:
        while (message := await stream.read_out()) is not None:
            kept.add(message.data)


async def _killed(made: Exec) -> bool:
    """An engine cannot end what it executes; where it runs on this machine, we can: each command leads a session."""
    shown = await made.inspect()
    if not shown["Running"]:
        return True
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(shown["Pid"], signal.SIGKILL)
        return True
    return False
