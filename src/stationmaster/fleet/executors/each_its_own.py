"""Runs every instance by the executor of its service, and finds it wherever it lives."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

import structlog

from stationmaster.core.command import CommandResult
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import ExecutorKind
from stationmaster.fleet.executor import Executor, Running, Usage
from stationmaster.fleet.inventory import Launch

log = structlog.get_logger("fleet")


class EachItsOwn:
    """`declared` says by which executor an instance is to run; None for a name that is not declared."""

    def __init__(
        self, executors: Mapping[ExecutorKind, Executor], declared: Callable[[str], ExecutorKind | None]
    ) -> None:
        self._executors = executors
        self._declared = declared
        self._last: dict[ExecutorKind, Mapping[str, Running]] = {}
        self.silent: dict[ExecutorKind, str] = {}
        """Executors that could not be asked, and why."""

    async def seen(self) -> Mapping[str, Running]:
        """What cannot be asked now counts as it was seen last: who does not answer has not died."""
        found: dict[str, Running] = {}
        for kind in self._executors:
            found.update({name: each for name, each in (await self._seen_by(kind)).items() if name not in found})
        return found

    async def start(self, launch: Launch) -> Running:
        for kind in self._executors:
            running = (await self._seen_by(kind)).get(launch.name)
            if running is not None and kind is not launch.executor:
                return running
        return await self._executors[launch.executor].start(launch)

    async def stop(self, name: str, *, grace_s: float) -> bool:
        stops = [executor.stop(name, grace_s=grace_s) for executor in await self._holding(name)]
        return any(await asyncio.gather(*stops))

    async def kill(self, name: str) -> bool:
        return any([await executor.kill(name) for executor in await self._holding(name)])

    async def forget(self, name: str) -> None:
        for executor in self._executors.values():
            await executor.forget(name)

    async def logs(self, name: str, *, tail: int) -> str:
        return await (await self._of(name)).logs(name, tail=tail)

    async def follow(self, name: str, *, tail: int) -> AsyncGenerator[str, None]:
        async with aclosing((await self._of(name)).follow(name, tail=tail)) as texts:
            async for text in texts:
                yield text

    async def exec(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        return await (await self._of(name)).exec(name, argv, timeout_s=timeout_s)

    async def usage(self, name: str) -> Usage | None:
        return await (await self._of(name)).usage(name)

    async def close(self) -> None:
        for executor in self._executors.values():
            await executor.close()

    async def _seen_by(self, kind: ExecutorKind) -> Mapping[str, Running]:
        try:
            self._last[kind] = await self._executors[kind].seen()
        except PlatformError as error:
            if self.silent.get(kind) != error.message:
                log.error("executor cannot be asked", executor=kind.value, why=error.message)
            self.silent[kind] = error.message
        else:
            self.silent.pop(kind, None)
        return self._last.get(kind, {})

    async def _holding(self, name: str) -> list[Executor]:
        return [executor for kind, executor in self._executors.items() if name in await self._seen_by(kind)]

    async def _of(self, name: str) -> Executor:
        """Where it lives; else where it is declared to."""
        declared = self._declared(name)
        if declared is not None and name in self._last.get(declared, {}):
            return self._executors[declared]
        living = await self._holding(name)
        return living[0] if living else self._executors[declared or ExecutorKind.PROCESS]
