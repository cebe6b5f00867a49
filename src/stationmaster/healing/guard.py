"""Keeps every change of the platform inside its bounds: counts them as facts, lets one wait for another, and looks
afterwards whether callers fare worse."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from stationmaster.core.changes import ApiReading, ChangeBegan, ChangeEnded, ChangeWorsened
from stationmaster.core.facts import EscalationAsked, RunEnded
from stationmaster.core.spec import HealingPolicy, PlatformSpec
from stationmaster.healing.bounds import (
    SPAN,
    Allowed,
    Busy,
    Change,
    Done,
    Judged,
    Refused,
    Situation,
    busy,
    judge,
    revives,
)
from stationmaster.healing.decide import TargetView
from stationmaster.healing.touched import apis_of
from stationmaster.healing.worse import worsened
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("healing")

Measure = Callable[[Sequence[str], float], Awaitable[Sequence[ApiReading]]]
"""What callers of APIs got within the last seconds; what was not measured twice in that time is left out."""

LEVEL = 2
"""The operator is level 1."""
BASELINE = timedelta(seconds=60)
_LOOKED_BACK = timedelta(hours=12)
"""Runs are over by then."""


async def nobody_measures(_apis: Sequence[str], _within_s: float) -> Sequence[ApiReading]:
    return ()


async def no_node_is_asked() -> frozenset[str]:
    return frozenset()


def nothing_is_known_down() -> frozenset[str]:
    return frozenset()


@dataclass(slots=True, kw_only=True)
class Guard:
    """`spec` and `targets` are asked at every decision; `serving` names the gateway nodes that serve, `down` the
    instances that fail their check. `settled_s` is how long it takes until `measure` has seen a change."""

    database: Database
    spec: Callable[[], PlatformSpec]
    targets: Callable[[], Awaitable[Sequence[TargetView]]]
    serving: Callable[[], Awaitable[frozenset[str]]] = no_node_is_asked
    down: Callable[[], frozenset[str]] = nothing_is_known_down
    measure: Measure = nobody_measures
    settled_s: Callable[[], float] = field(default=lambda: 0.0)
    now: Callable[[], datetime] = utc_now
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def policy_of(self, instance: str) -> HealingPolicy:
        """The bounds of the service that an instance is of."""
        spec = self.spec()
        services = (each.name for each in spec.services if any(one.name == instance for one in each.instances))
        return spec.healing_of(next(services, None))

    async def look(self, change: Change) -> Judged:
        """What would be said now."""
        return judge(change, await self._situation(change), self.now())

    async def begin(
        self,
        change: Change,
        *,
        incident: int,
        overridden: bool = False,
        waits: bool = True,
        failing_since: datetime | None = None,
    ) -> Judged:
        """Counts the change, if it may be made now. `overridden`: a person has allowed what a bound forbids; where it
        `waits`, it does so for others all the same."""
        before = await self._before(change, failing_since)
        serving = await self.serving() if change.touches.nodes else frozenset()
        async with self._turn:
            situation = await self._situation(change, serving)
            judged = judge(change, situation, self.now())
            if overridden and isinstance(judged, Refused):
                judged = busy(change, situation, self.now()) or Allowed()
            if isinstance(judged, Busy) and not waits:
                judged = Allowed()
            if isinstance(judged, Allowed):
                await self._count(change, incident, before, judged, revives(change, situation.down))
        return judged

    async def ended(self, change: Change, *, incident: int) -> None:
        """Others may change the same service from now on."""
        if not _is_counted(change):
            return
        fact = ChangeEnded(at=self.now(), incident=incident, run=change.run, step=change.step)
        async with self.database.write() as connection:
            await outbox.append(connection, fact)

    async def end_left_open(self, change: Change, *, incident: int) -> None:
        """Ends it where it was begun and nobody has said that it is over: a crash came between."""
        began = [fact for fact in await self._facts(SPAN) if (fact.run, fact.step) == (change.run, change.step)]
        ended = await outbox.facts_of(self.database, ChangeEnded, self.now() - SPAN) if began else ()
        if any(each.is_open for each in _done(began, ended, set())):
            await self.ended(change, incident=incident)

    async def worse_after(self, change: Change, *, since: datetime, incident: int, wait: bool) -> str:
        """In which numbers callers fare worse since then than before the run's first change; told, once, and asked for
        a person. `wait`: until that can be known."""
        spec = self.spec()
        apis = apis_of(change.touches, spec) if self._stops(change, spec) else ()
        before = [each for each in await self._baseline(change.run) if each.api in apis]
        if not before:
            return ""
        if wait:
            known_at = since + timedelta(seconds=self.settled_s())
            await asyncio.sleep(max(0.0, (known_at - self.now()).total_seconds()))
        within_s = (self.now() - since).total_seconds()
        why = worsened(before, await self.measure([each.api for each in before], within_s))
        if why:
            await self._tell_worse(change, incident, why)
        return why

    async def _tell_worse(self, change: Change, incident: int, why: str) -> None:
        at = self.now()
        fact = ChangeWorsened(at=at, incident=incident, run=change.run, step=change.step, why=why)
        asked = f"callers fare worse after step {change.step} of {change.run}: {why}"
        async with self.database.write() as connection:
            await outbox.append(connection, fact, EscalationAsked(at=at, incident=incident, level=LEVEL, why=asked))
        log.warning("worse after a change", run=change.run, step=change.step, why=why)

    def _stops(self, change: Change, spec: PlatformSpec) -> bool:
        services = change.touches.services or {None}
        return _is_counted(change) and any(spec.healing_of(each).stop_when_worse for each in services)

    async def _before(self, change: Change, failing_since: datetime | None) -> tuple[ApiReading, ...]:
        """What callers got before the first change of a run: since it fails, if that is known, and not while all was
        well, because that would make every change look bad."""
        spec = self.spec()
        if change.takes_back or not self._stops(change, spec):
            return ()
        if any(fact.run == change.run for fact in await self._facts(_LOOKED_BACK)):
            return ()
        now = self.now()
        since = now - BASELINE if failing_since is None else max(failing_since, now - BASELINE)
        apis = apis_of(change.touches, spec)
        return tuple(await self.measure(apis, (now - since).total_seconds())) if apis else ()

    async def _baseline(self, run: str) -> Sequence[ApiReading]:
        return next((fact.before for fact in await self._facts(_LOOKED_BACK) if fact.run == run), ())

    async def _count(
        self, change: Change, incident: int, before: tuple[ApiReading, ...], allowed: Allowed, revived: bool
    ) -> None:
        if not _is_counted(change) or await self._is_known(change):
            return
        fact = ChangeBegan(
            at=self.now(),
            incident=incident,
            run=change.run,
            step=change.step,
            attempt=change.attempt,
            services=tuple(sorted(change.touches.services)),
            restarts=change.touches.restarts,
            counts=allowed.counts,
            revives=revived,
            before=before,
        )
        async with self.database.write() as connection:
            await outbox.append(connection, fact)

    async def _is_known(self, change: Change) -> bool:
        return any((each.run, each.step, each.attempt) == change.key for each in await self._facts(SPAN))

    async def _facts(self, within: timedelta) -> Sequence[ChangeBegan]:
        return await outbox.facts_of(self.database, ChangeBegan, self.now() - within)

    async def _situation(self, change: Change, serving: frozenset[str] | None = None) -> Situation:
        since = self.now() - _LOOKED_BACK
        began = await self._facts(_LOOKED_BACK)
        ended = await outbox.facts_of(self.database, ChangeEnded, since)
        over = {fact.run for fact in await outbox.facts_of(self.database, RunEnded, since)} if began else set()
        worse = await outbox.facts_of(self.database, ChangeWorsened, since)
        if serving is None:
            serving = await self.serving() if change.touches.nodes else frozenset()
        return Situation(
            policy_of=self.spec().healing_of,
            done=_done(began, ended, over),
            targets=await self.targets() if change.touches.withdraws else (),
            serving=serving,
            down=self.down(),
            worse=[
                f"callers fare worse since step {each.step}: {each.why}" for each in worse if each.run == change.run
            ],
        )


def _is_counted(change: Change) -> bool:
    """What puts back is over as soon as it is made, and uses nothing up."""
    return change.touches.acts and not change.touches.only_returns


def _done(began: Sequence[ChangeBegan], ended: Sequence[ChangeEnded], over: set[str]) -> tuple[Done, ...]:
    ends: dict[tuple[str, str], datetime] = {(each.run, each.step): each.at for each in ended}
    found: dict[tuple[str, str, int], Done] = {}
    for fact in began:
        end = ends.get((fact.run, fact.step))
        done = Done(
            at=fact.at,
            key=(fact.run, fact.step, fact.attempt),
            services=frozenset(fact.services),
            restarts=fact.restarts,
            is_open=fact.run not in over and (end is None or end < fact.at),
            counts=fact.counts,
            revives=fact.revives,
        )
        found[done.key] = done
    return tuple(found.values())
