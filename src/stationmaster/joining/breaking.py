"""Breaks what runs, on purpose, and mends it: the fleet and the gateway as drills see them."""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import psutil
import structlog

from stationmaster.core.drills import OF_APIS, OF_PROCESSES, OVER_AT_ONCE, FaultKind
from stationmaster.core.drills import Fault as Broken
from stationmaster.core.policy import Fault
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.drills.filler import Filler
from stationmaster.fleet.inventory import own_program
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway import self_signed
from stationmaster.gateway.loop import Gateway
from stationmaster.keys.signing import KeySet, SigningAlgorithm, make_signing_key
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now

log = structlog.get_logger("drills")

BY = "drill"
_SCHEDULE, _STAND_IN = "drill schedule", "stand-in"
_EXPIRED_SINCE = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class PlatformBreaker:
    fleet: Fleet
    gateway: Gateway
    declared: Cell[PlatformSpec]
    filler: Filler
    astray: Cell[frozenset[str]] = field(default_factory=lambda: Cell(frozenset()))
    """Whose metrics are asked for where nobody tells them."""
    _frozen: dict[str, int] = field(default_factory=dict)
    """Process ids of what hangs, by name."""
    _stand_ins: dict[str, int] = field(default_factory=dict)

    async def begin(self, fault: Broken) -> None:
        if fault.kind in OF_APIS:
            await self._set({**self.gateway.faults.value, fault.of: _at_nodes(fault)})
            return
        begin: dict[FaultKind, Callable[[Broken], Awaitable[None]]] = {
            FaultKind.KILL: self._kill,
            FaultKind.HANG: self._hang,
            FaultKind.EXPIRED_CERTIFICATE: self._show_expired,
            FaultKind.BAD_ROTATION: self._rotate_wrongly,
            FaultKind.METRICS_GONE: self._lose_metrics,
            FaultKind.DISK_FULL: self._fill,
            FaultKind.CONTROL_KILL: _kill_self,
        }
        await begin.get(fault.kind, self._stand_in)(fault)

    async def again(self, fault: Broken) -> None:
        """A process that somebody restarted is broken once more; what lives on is left as it is."""
        if fault.kind not in OF_PROCESSES or fault.kind in OVER_AT_ONCE:
            return
        running = self.fleet.processes.value.get(fault.of)
        known = self._frozen if fault.kind is FaultKind.HANG else self._stand_ins
        if running is not None and running.pid != known.get(fault.of):
            await self.begin(fault)

    async def undo(self, fault: Broken) -> str:
        if fault.kind in OF_APIS:
            kept = {name: each for name, each in self.gateway.faults.value.items() if name != fault.of}
            await self._set(kept)
            return "gateway nodes pass everything on"
        if fault.kind in OVER_AT_ONCE:
            return ""
        undo: dict[FaultKind, Callable[[], Awaitable[str]]] = {
            FaultKind.HANG: partial(self._thaw, fault.of),
            FaultKind.EXPIRED_CERTIFICATE: self._show_right,
            FaultKind.BAD_ROTATION: self._know_right,
            FaultKind.METRICS_GONE: partial(self._find_metrics, fault.of),
            FaultKind.DISK_FULL: self._give_back,
        }
        return await undo.get(fault.kind, partial(self._leave, fault.of))()

    async def _set(self, faults: dict[str, Fault]) -> None:
        await self.gateway.set_faults(faults)

    async def _kill(self, fault: Broken) -> None:
        if not await self.fleet.crash(fault.of):
            raise _not_running(fault.of)

    async def _hang(self, fault: Broken) -> None:
        running = self.fleet.processes.value.get(fault.of)
        if running is None or not await self.fleet.signal(fault.of, signal.SIGSTOP):
            raise _not_running(fault.of)
        self._frozen[fault.of] = running.pid

    async def _thaw(self, name: str) -> str:
        """A process that was restarted meanwhile hangs no more; another SIGCONT does it no harm."""
        self._frozen.pop(name, None)
        return "it goes on" if await self.fleet.signal(name, signal.SIGCONT) else "it was gone"

    async def _show_expired(self, _fault: Broken) -> None:
        spec = self.declared.value
        if not any(node.listen_tls for node in spec.nodes):
            hint = "declare `listen_tls` of a gateway node"
            raise PlatformError("no-certificate", "no gateway node has a TLS entrance", hint=hint, status=409)
        made_at = utc_now() - self_signed.LIFETIME - _EXPIRED_SINCE
        expired = await asyncio.to_thread(self_signed.make, self_signed.names_of(spec), made_at)
        await self.gateway.set_wrong(replace(self.gateway.wrong, certificate=expired))

    async def _show_right(self) -> str:
        await self.gateway.set_wrong(replace(self.gateway.wrong, certificate=None))
        return "entrances show their own certificate again"

    async def _rotate_wrongly(self, _fault: Broken) -> None:
        algorithm = SigningAlgorithm(self.declared.value.tokens.algorithm)
        made = await asyncio.to_thread(make_signing_key, algorithm, utc_now())
        await self.gateway.set_wrong(replace(self.gateway.wrong, jwks=KeySet((made,)).jwks))

    async def _know_right(self) -> str:
        await self.gateway.set_wrong(replace(self.gateway.wrong, jwks=None))
        return "gateway nodes know the key that signs"

    async def _lose_metrics(self, fault: Broken) -> None:
        self.astray.set(self.astray.value | {fault.of})

    async def _find_metrics(self, name: str) -> str:
        self.astray.set(self.astray.value - {name})
        return "its metrics are asked for where they are told"

    async def _fill(self, _fault: Broken) -> None:
        taken = await asyncio.to_thread(self.filler.fill, self.declared.value.monitoring.state_limit_bytes)
        log.info("room taken", bytes=taken)

    async def _give_back(self) -> str:
        given = await asyncio.to_thread(self.filler.give_back)
        return "the room is given back" if given else "the room had been given back"

    async def _stand_in(self, fault: Broken) -> None:
        address = next(
            (
                each.address
                for service in self.declared.value.services
                for each in service.instances
                if each.name == fault.of
            ),
            None,
        )
        if address is None:
            hint = "kill it, or hang it"
            raise PlatformError("no-stand-in", f"nothing can stand in for {fault.of}: it is no instance", hint=hint)
        argv = own_program(
            _STAND_IN,
            f"--listen={address}",
            f"--kind={fault.kind.value}",
            f"--delay-ms={fault.delay_ms}",
            f"--status={fault.status}",
        )
        await self.fleet.impersonate(fault.of, argv)
        self._stand_ins[fault.of] = (await self.fleet.alive(fault.of)) or 0

    async def _leave(self, name: str) -> str:
        """The stand-in goes. Where somebody has restarted the process before, that is left alone: also by a new control
        plane, which does not know what an earlier one had started, and looks."""
        self._stand_ins.pop(name, None)
        pid = await self.fleet.alive(name)
        if pid is not None and not await asyncio.to_thread(_stands_in, pid):
            return "it had been restarted"
        await self.fleet.restart(name, by=BY, why="the fault is over")
        return "it was restarted"


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """Runs a drill as a person would, by the command line, in a process of its own that outlives this one."""

    env: Callable[[str], Mapping[str, str]]
    let_go: Callable[[str], None]
    """Hears when it needs what it was lent no longer."""

    async def __call__(self, name: str) -> None:
        try:
            await self._ended(name)
        finally:
            self.let_go(_SCHEDULE)

    async def _ended(self, name: str) -> None:
        argv = own_program("drill", "run", name, "--json")
        process = await asyncio.create_subprocess_exec(
            *argv,
            env={**self.env(_SCHEDULE)},
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )
        log.info("scheduled drill ended", drill=name, status=await process.wait())


def _at_nodes(fault: Broken) -> Fault:
    if fault.kind is FaultKind.DELAY:
        return Fault(delay_ms=fault.delay_ms, delay_percent=fault.percent)
    return Fault(abort_status=fault.status, abort_percent=fault.percent)


async def _kill_self(_fault: Broken) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stands_in(pid: int) -> bool:
    with suppress(psutil.Error):
        return _STAND_IN in psutil.Process(pid).cmdline()
    return False


def _not_running(name: str) -> PlatformError:
    return PlatformError("not-running", f"{name} is not running", hint="`instance list` shows what runs", status=409)
