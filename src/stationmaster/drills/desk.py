"""Makes faults on purpose, keeps them standing as long as asked, and takes every one of them back."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from stationmaster.core.drills import OVER_AT_ONCE, Fault
from stationmaster.core.facts import FaultInjected
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.drills import store
from stationmaster.drills.bounds import refuse_unless_allowed
from stationmaster.drills.schedule import due
from stationmaster.drills.store import Injected, Reported
from stationmaster.runtime import audit, outbox
from stationmaster.runtime.audit import Change
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("drills")

_TICK_S = 0.25
_LOOK_EVERY_S = 30.0
_UNDONE_WITHIN_S = 30.0


Start = Callable[[str], Awaitable[None]]


class Breaker(Protocol):
    """What breaks things and mends them again; each raises PlatformError."""

    def begin(self, fault: Fault) -> Awaitable[None]: ...

    def again(self, fault: Fault) -> Awaitable[None]:
        """Breaks it once more where somebody has mended it."""
        ...

    def undo(self, fault: Fault) -> Awaitable[str]:
        """Says what was done; may come when there is nothing to take back any more."""
        ...


@dataclass(slots=True, kw_only=True)
class Drills:
    """`run` takes back what is over, for ever; what stood when the process began is taken back at once."""

    database: Database
    declared: Callable[[], PlatformSpec]
    breaker: Breaker
    now: Callable[[], datetime] = utc_now
    _standing: dict[str, Injected] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def standing(self) -> Sequence[Injected]:
        return tuple(self._standing.values())

    async def run(self) -> None:
        await self._load()
        while True:
            await self.tick()
            await asyncio.sleep(_TICK_S)

    async def run_schedule(self, start: Start) -> None:
        """Runs declared drills when they are due, one at a time, for ever; `start` runs one to its end."""
        began_at = self.now()
        tried: dict[str, datetime] = {}
        """One that ends without a report is not begun over and over."""
        while True:
            policy = self.declared().drills
            last = {each.drill: each.ended_at for each in reversed(await self.reports(limit=1000))}
            last |= {each: at for each, at in tried.items() if each not in last or last[each] < at}
            name = due(policy.schedule, last, began_at, self.now()) if policy.allowed else ""
            if name:
                log.info("drill begins by its schedule", drill=name)
                await start(name)
                tried[name] = self.now()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def tick(self) -> None:
        for each in tuple(self._standing.values()):
            if each.ends_at <= self.now():
                await self._take_back(each, "its time is over")
            elif each.fault.sticky:
                await self._again(each)

    async def inject(self, fault: Fault, *, drill: str, for_s: float, by: str) -> Injected:
        """The row stands before the fault is made: whatever dies in between, it is taken back.

        Raises PlatformError of `refuse_unless_allowed`, and of whoever makes it.
        """
        async with self._turn:
            standing = [each.fault for each in self._standing.values()]
            refuse_unless_allowed(fault, self.declared(), standing, for_s)
            at = self.now()
            over = fault.kind in OVER_AT_ONCE
            made = Injected(
                id=str(uuid.uuid4()),
                drill=drill,
                fault=fault,
                by=by,
                began_at=at,
                ends_at=at + timedelta(seconds=for_s),
                undone_at=at if over else None,
            )
            await self._write(made)
            if not over:
                self._standing[made.id] = made
            try:
                await self.breaker.begin(fault)
            except PlatformError as error:
                await self._undo(made, f"it could not be made: {error.message}")
                raise
        log.info("fault injected", drill=drill, kind=fault.kind.value, of=fault.of, by=by)
        return made

    async def take_back(self, number: str, *, by: str) -> Injected:
        """Raises PlatformError `unknown-fault`."""
        found = self._standing.get(number)
        if found is None:
            hint = "`drill faults` shows what stands"
            raise PlatformError("unknown-fault", f"no fault {number[:60]!r} stands", hint=hint, status=404)
        return await self._take_back(found, f"taken back by {by}")

    async def take_back_all(self, *, drill: str, by: str) -> Sequence[Injected]:
        """All of a drill, or all there are."""
        found = [each for each in self._standing.values() if drill in ("", each.drill)]
        return [await self._take_back(each, f"taken back by {by}") for each in found]

    async def latest(self, limit: int = 50) -> Sequence[Injected]:
        async with self.database.read() as connection:
            return await store.latest(connection, limit)

    async def keep_report(
        self, *, drill: str, runbook: str, by: str, began_at: datetime, body: Mapping[str, Any]
    ) -> str:
        made = Reported(
            id=str(uuid.uuid4()),
            drill=drill,
            runbook=runbook,
            by=by,
            began_at=began_at,
            ended_at=self.now(),
            passed=bool(body.get("passed")),
            body=dict(body),
        )
        async with self.database.write() as connection:
            await store.report(connection, made)
        return made.id

    async def reports(self, *, drill: str = "", limit: int = 50) -> Sequence[Reported]:
        async with self.database.read() as connection:
            return await store.reported(connection, drill=drill, limit=limit)

    async def _load(self) -> None:
        """A process that has just begun does not know what it did: everything is taken back."""
        async with self.database.read() as connection:
            found = await store.standing(connection)
        for each in found:
            if each.id not in self._standing:
                self._standing[each.id] = replace(each, ends_at=self.now())

    async def _write(self, made: Injected) -> None:
        fact = FaultInjected(at=made.began_at, drill=made.drill, instance=made.fault.of, fault=made.fault.kind.value)
        after = {"of": made.fault.of, "fault": made.fault.kind.value, "until": made.ends_at.isoformat()}
        change = Change(at=made.began_at, who=made.by, action="inject", kind="fault", name=made.drill, after=after)
        async with self.database.write() as connection:
            await store.write(connection, made)
            await outbox.append(connection, fact)
            await audit.record(connection, change)

    async def _again(self, made: Injected) -> None:
        """Not while it is taken back: whoever mends the process then is not somebody else."""
        try:
            async with self._turn:
                if made.id in self._standing:
                    await self.breaker.again(made.fault)
        except PlatformError as error:
            log.warning("fault does not stand again", of=made.fault.of, why=error.message)

    async def _take_back(self, made: Injected, why: str) -> Injected:
        async with self._turn:
            return await self._undo(made, why) if made.id in self._standing else made

    async def _undo(self, made: Injected, why: str) -> Injected:
        """What cannot be taken back now is tried at every tick: it stays standing."""
        try:
            async with asyncio.timeout(_UNDONE_WITHIN_S):
                done = await self.breaker.undo(made.fault)
        except (PlatformError, TimeoutError) as error:
            if isinstance(error, PlatformError) and error.code == "unknown-instance":
                return await self._over(made, f"{why}; it is declared no longer")
            log.error("fault is not taken back", of=made.fault.of, why=str(error))
            self._standing[made.id] = replace(made, ends_at=self.now())
            return made
        return await self._over(made, f"{why}; {done}" if done else why)

    async def _over(self, made: Injected, detail: str) -> Injected:
        at = self.now()
        async with self.database.write() as connection:
            await store.end(connection, made.id, at, detail)
        self._standing.pop(made.id, None)
        log.info("fault taken back", drill=made.drill, of=made.fault.of, why=detail)
        return replace(made, undone_at=at, detail=detail)
