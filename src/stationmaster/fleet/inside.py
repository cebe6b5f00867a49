"""Looks inside of instances: follows their logs, runs commands in their surroundings, measures them."""

from collections.abc import AsyncGenerator, Callable

from stationmaster.core.command import CommandResult
from stationmaster.fleet.executor import Executor, Usage
from stationmaster.runtime.audit import Change, record
from stationmaster.runtime.db import Database, utc_now


class Inside:
    """`find` answers with the name of a declared instance, or refuses it (`unknown-instance`)."""

    def __init__(self, database: Database, executor: Executor, find: Callable[[str], str]) -> None:
        self._database = database
        self._executor = executor
        self._find = find

    def follow(self, name: str, *, tail: int) -> AsyncGenerator[str, None]:
        """Refuses at once, not when it is read."""
        return self._executor.follow(self._find(name), tail=tail)

    async def exec(self, name: str, argv: tuple[str, ...], *, timeout_s: float) -> CommandResult:
        return await self._executor.exec(self._find(name), argv, timeout_s=timeout_s)

    async def note_exec(self, name: str, argv: tuple[str, ...], *, by: str, why: str) -> None:
        """A command inside of an instance can change anything: who asked stands in the audit trail before it runs."""
        after = {"argv": list(argv), "why": why}
        change = Change(at=utc_now(), who=by, action="exec", kind="instance", name=self._find(name), after=after)
        async with self._database.write() as connection:
            await record(connection, change)

    async def usage(self, name: str) -> Usage | None:
        return await self._executor.usage(self._find(name))

    async def close(self) -> None:
        await self._executor.close()
