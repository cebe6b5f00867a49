"""The process of a gateway node: runs Envoy as its child, relays its configuration, drains it before it stops.

Run as `python -m stationmaster.gateway.agent`; what it imports is kept small, because it stands beside every node.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address
from stationmaster.gateway.admin import drain
from stationmaster.gateway.envoy.relay import Relay
from stationmaster.gateway.program import argv
from stationmaster.gateway.record import Record
from stationmaster.runtime import log as logs

log = structlog.get_logger("gateway.agent")

_BOOTSTRAP, _SOCKET = Path("bootstrap.json"), Path("xds.sock")
_RECORD, _PID = Path("acknowledged.db"), Path("envoy.pid")
"""In the node's folder, which is the working folder."""
_DRAIN_WITHIN_S = 6.0
_END_WITHIN_S = 2.0
_FIRST_DELAY_S, _LONGEST_DELAY_S, _CALM_S = 0.05, 5.0, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    node: str
    control: Address
    admin: Address
    concurrency: int

    async def run(self) -> None:
        """Keeps Envoy alive until SIGTERM or SIGINT; then drains and ends it."""
        ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ending.set)
        await asyncio.to_thread(end_left_over)
        record = Record(_RECORD)
        try:
            async with Relay(control=self.control, record=record).serving(_SOCKET):
                await self._keep(ending)
        finally:
            record.close()

    async def _keep(self, ending: asyncio.Event) -> None:
        stopping = asyncio.create_task(ending.wait())
        delay_s = _FIRST_DELAY_S
        while not ending.is_set():
            started = time.monotonic()
            envoy = await self._start()
            died = asyncio.create_task(envoy.wait())
            await asyncio.wait([died, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not died.done():
                await self._end(envoy)
                return
            log.error("envoy ended by itself and is started again", node=self.node, status=envoy.returncode)
            delay_s = _FIRST_DELAY_S if time.monotonic() - started > _CALM_S else min(delay_s * 2, _LONGEST_DELAY_S)
            await asyncio.wait([stopping], timeout=delay_s)

    async def _start(self) -> asyncio.subprocess.Process:
        """In a process group of its own: a signal to the agent's group must not end Envoy before it is drained."""
        command = (*with_parent(), *argv(_BOOTSTRAP, concurrency=self.concurrency))
        envoy = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, process_group=0)
        _note_pid(envoy.pid)
        log.info("envoy started", node=self.node, pid=envoy.pid)
        return envoy

    async def _end(self, envoy: asyncio.subprocess.Process) -> None:
        started = time.monotonic()
        idle = await drain(self.admin, limit_s=_DRAIN_WITHIN_S)
        drained_s = round(time.monotonic() - started, 2)
        with suppress(ProcessLookupError):
            envoy.terminate()
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                await envoy.wait()
        except TimeoutError:
            envoy.kill()
            await envoy.wait()
        _note_pid(None)
        log.info("node stopped", node=self.node, idle=idle, drained_s=drained_s)


def with_parent() -> tuple[str, ...]:
    """The words before a command that is to end when this process does, however that comes about."""
    program = shutil.which("setpriv") if sys.platform == "linux" else None
    return (program, "--pdeathsig", "KILL", "--") if program else ()


def _note_pid(pid: int | None) -> None:
    if pid is None:
        _PID.unlink(missing_ok=True)
    else:
        _PID.write_text(f"{pid}\n", "utf-8")


def end_left_over() -> None:
    """Ends an Envoy of an earlier agent that was killed, where the system has not done that."""
    try:
        process = psutil.Process(int(_PID.read_text()))
        if str(_BOOTSTRAP) not in process.cmdline() or process.cwd() != str(Path.cwd()):
            return
        process.kill()
        process.wait(_END_WITHIN_S)
        log.warning("envoy of an earlier agent was still there", pid=process.pid)
    except (OSError, ValueError, psutil.Error):
        return
    finally:
        _PID.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logs.configure(json_lines=True)
    os.umask(0o077)
    try:
        os.chdir(options.folder)
        agent = Agent(node=options.node, control=options.control, admin=options.admin, concurrency=options.concurrency)
        asyncio.run(agent.run())
    except PlatformError as error:
        log.error(error.message, code=error.code, hint=error.hint)
        return 1
    except OSError as error:
        log.error("node cannot be run", node=options.node, problem=str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stationmaster.gateway.agent", description="Runs one gateway node.")
    parser.add_argument("--node", required=True)
    parser.add_argument("--control", required=True, type=_address, help="HOST:PORT of the xDS server")
    parser.add_argument("--admin", required=True, type=_address, help="HOST:PORT of the node's administration")
    parser.add_argument("--folder", required=True, type=Path, help="holds bootstrap.json and the record")
    parser.add_argument("--concurrency", type=int, default=1)
    return parser


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host=host.strip("[]"), port=int(port))


if __name__ == "__main__":
    sys.exit(main())
