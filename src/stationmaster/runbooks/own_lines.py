"""Does at once, inside the control plane, what a run's command lines of `stm` ask for the instance that it is about."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stationmaster.core.command import CommandResult
from stationmaster.core.names import InstanceName, VirtualHostName
from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.bind import BoundTarget
from stationmaster.runbooks.commands.local import Ending, Order, Ran, Runner
from stationmaster.runbooks.perform import Perform

_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnLines:
    """A runner that starts no process for what `perform` can do; `otherwise` runs everything else."""

    instance: InstanceName
    targets: tuple[BoundTarget, ...]
    perform: Perform
    why: str
    incident: int
    otherwise: Runner

    async def __call__(
        self, order: Order, seen: Callable[[str, bool], None], *, stop: asyncio.Event | None = None
    ) -> Ran:
        doing = self._doing(order.argv)
        if doing is None:
            return await self.otherwise(order, seen, stop=stop)
        began = time.monotonic()
        ending, result = await _ended(doing, order.timeout_s)
        seen(result.output, False)
        took_ms = round((time.monotonic() - began) * 1000)
        return Ran(
            ending=ending,
            exit_status=result.exit_status,
            output=result.output,
            printed=result.output,
            took_ms=took_ms,
        )

    def _doing(self, argv: tuple[str, ...]) -> Awaitable[CommandResult] | None:
        match argv:
            case ("stm", "instance", "restart", name) if name == self.instance:
                return self._restarted()
            case ("stm", "instance", "logs", name, "--tail", tail) if name == self.instance and tail.isdecimal():
                return self._logs(int(tail))
            case ("stm", "target", ("out" | "auto") as verb, host, address):
                target = self._target(host, address)
                return self._moved(target, verb) if target is not None else None
            case ("stm", "wait", of, "--for", ("out" | "in") as wanted, "--timeout", limit) if limit.endswith("s"):
                kind, _, named = of.partition("/")
                target = self._target(*named.partition("/")[::2]) if kind == "target" else None
                seconds = limit.removesuffix("s")
                return self._waited(target, wanted, float(seconds)) if target and seconds.isdecimal() else None
        return None

    def _target(self, host: str, address: str) -> BoundTarget | None:
        return next((each for each in self.targets if (each.virtual_host, str(each.address)) == (host, address)), None)

    async def _restarted(self) -> CommandResult:
        await self.perform.restart(self.instance, why=self.why, incident=self.incident)
        return CommandResult(exit_status=0, output=f"restarted {self.instance}\n")

    async def _logs(self, tail: int) -> CommandResult:
        return CommandResult(exit_status=0, output=await self.perform.logs(self.instance, tail=tail))

    async def _moved(self, target: BoundTarget, verb: str) -> CommandResult:
        host, address = VirtualHostName(target.virtual_host), target.address
        wanted = "out" if verb == "out" else "in"
        if await self._state(target) != wanted:
            change = self.perform.take_out if wanted == "out" else self.perform.put_back
            await change(host, address, why=self.why, incident=self.incident)
        return CommandResult(exit_status=0, output=f"{_where(target, wanted)}\n")

    async def _state(self, target: BoundTarget) -> str:
        out = await self.perform.target_is_out(VirtualHostName(target.virtual_host), target.address)
        return "out" if out else "in"

    async def _waited(self, target: BoundTarget, wanted: str, limit_s: float) -> CommandResult:
        until = time.monotonic() + limit_s
        while True:
            seen = await self._state(target)
            if seen == wanted or time.monotonic() >= until:
                return CommandResult(exit_status=0 if seen == wanted else 1, output=f"{_where(target, seen)}\n")
            await asyncio.sleep(_LOOK_EVERY_S)


async def _ended(doing: Awaitable[CommandResult], limit_s: float) -> tuple[Ending, CommandResult]:
    try:
        async with asyncio.timeout(limit_s):
            return Ending.EXITED, await doing
    except PlatformError as error:
        said = f"{error.message}; {error.hint}" if error.hint else error.message
        return Ending.EXITED, CommandResult(exit_status=1, output=f"{said}\n")
    except TimeoutError:
        return Ending.TIMED_OUT, CommandResult(exit_status=None, output=f"(stopped: no end after {limit_s:g} s)")


def _where(target: BoundTarget, state: str) -> str:
    return f"{target.address} {'is out of' if state == 'out' else 'takes traffic from'} {target.virtual_host}"
