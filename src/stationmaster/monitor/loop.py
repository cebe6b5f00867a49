"""Watches every instance that is declared with a health check, and writes alerts and recoveries as facts."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from stationmaster.core.facts import Alert, AlertFired, AlertRecovered
from stationmaster.core.problem import NOWHERE
from stationmaster.core.spec import Address, HealthCheck, PlatformSpec
from stationmaster.monitor import store
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes import kinds
from stationmaster.monitor.rules import (
    ALERT_NAME,
    Fired,
    Health,
    Recovered,
    Watched,
    WatchState,
    alert_of,
    begin,
    hold,
    resume,
    step,
    watched_of,
)
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.tasks import failing, supervise

log = structlog.get_logger("monitor")

Probe = Callable[[Address, HealthCheck], Awaitable[ProbeAnswer]]

_SHOW_EVERY_S = 0.5
_LOOK_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceHealth:
    """The health of one instance since when, and its last answer."""

    state: Health
    detail: str
    since: datetime
    latency_ms: float | None = None
    well_at: datetime | None = None
    """When the last answer came, if it was a good one."""


Launched = Callable[[], Awaitable[Mapping[str, datetime]]]
Held = Callable[[], Mapping[str, str]]


async def _never() -> Mapping[str, datetime]:
    return {}


def _nothing() -> Mapping[str, str]:
    return {}


class Monitor:
    """The face of this room: watches what `declared` says at every moment.

    `launched` tells since when instances have been running, as far as that is known: the grace of a start counts from
    there, and is over for those that were started before this control plane. `held` tells which instances somebody
    stopped on purpose, and why. `health` shows every watched instance; changes of state appear at once, newer details
    within half a second.
    """

    def __init__(
        self,
        database: Database,
        declared: Cell[PlatformSpec],
        *,
        probe: Probe = kinds.probe,
        launched: Launched = _never,
        held: Held = _nothing,
    ) -> None:
        self.database = database
        self.declared = declared
        self.probe = probe
        self.launched = launched
        self.held = held
        now = utc_now()
        self.watched = _by_name(declared.value)
        self._states: dict[str, WatchState] = dict.fromkeys(self.watched, begin(now))
        self._shown: dict[str, InstanceHealth] = {name: _shown(state) for name, state in self._states.items()}
        self._shown_at = 0.0
        self.health: Cell[Mapping[str, InstanceHealth]] = Cell(dict(self._shown))

    async def firing(self) -> list[Alert]:
        """The alerts that fire now, oldest first."""
        async with self.database.read() as connection:
            return await store.firing_alerts(connection)

    async def ask(self, instance: str) -> ProbeAnswer | None:
        """A check of the instance at this moment; None when it is not watched."""
        watched = self.watched.get(instance)
        return await self.probe(watched.instance.address, watched.check) if watched else None

    async def run(self) -> None:
        """Watches for ever. May be started again after a failure: what fired before does not fire twice."""
        self.watched = _by_name(self.declared.value)
        await self._take_up()
        tasks: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            async for spec in self.declared.changes(tick=_LOOK_EVERY_S):
                wanted = _by_name(spec)
                for name in [name for name in tasks if not _same(wanted.get(name), self.watched[name])]:
                    await _ended(tasks.pop(name))
                    await self._change(self.watched[name], wanted.get(name))
                self.watched = wanted
                for name in wanted.keys() - tasks.keys():
                    watching = supervise(f"monitor {name}", partial(self._watch, wanted[name]))
                    tasks[name] = group.create_task(watching, name=f"monitor {name}")

    async def _change(self, before: Watched, after: Watched | None) -> None:
        """What is known of an instance outlives a changed check, not a new address; the alert of what is gone is
        closed."""
        name = before.instance.name
        now = utc_now()
        alert = alert_of(before, now)
        if after is None:
            await self._recover(alert.fingerprint, now, _no_longer(name))
            del self._states[name], self._shown[name]
            self.health.set(dict(self._shown))
        elif after.instance.address != before.instance.address or alert_of(after, now).labels != alert.labels:
            evidence = f"instance {name} is declared at {after.instance.address} now"
            await self._recover(alert.fingerprint, now, evidence)
            self._keep(name, begin(now))

    async def _take_up(self) -> None:
        """Goes on where the store says that watching ended, and closes the alerts of what is no longer watched."""
        fired = {alert.fingerprint: alert for alert in await self.firing() if alert.name == ALERT_NAME}
        now = utc_now()
        launched = await self.launched()
        for gone in self._states.keys() - self.watched.keys():
            del self._states[gone], self._shown[gone]
        for name, each in self.watched.items():
            alert = fired.pop(alert_of(each, now).fingerprint, None)
            known = self._states.setdefault(name, begin(now))
            if alert is not None:
                self._keep(name, resume(alert))
            else:
                started = begin(launched.get(name, now))
                self._keep(name, started if known.health in (Health.DOWN, Health.UNKNOWN) else known)
        for alert in fired.values():
            await self._recover(alert.fingerprint, now, _no_longer(alert.labels.get("instance", "")))

    async def _watch(self, watched: Watched) -> None:
        """One check after the other, never two at once."""
        name = watched.instance.name
        if name not in self._states:
            self._keep(name, begin((await self.launched()).get(name, utc_now())))
        async for _ in _ticks(watched.check.interval_ms / 1000):
            why = self.held().get(name)
            if why is not None:
                await self._hold(watched, why)
                continue
            answer = await self.probe(watched.instance.address, watched.check)
            if name not in self.held():
                await self._take(watched, answer)

    async def _hold(self, watched: Watched, why: str) -> None:
        name = watched.instance.name
        if self._states[name].health is not Health.HELD:
            await self._recover(alert_of(watched, utc_now()).fingerprint, utc_now(), why)
            self._keep(name, hold(utc_now()), why)

    async def _take(self, watched: Watched, answer: ProbeAnswer) -> None:
        """The transition is written before the state is kept: when writing fails, the next answer makes it again."""
        name = watched.instance.name
        state, transition = step(self._states[name], answer, watched.check, answer.at)
        match transition:
            case Fired():
                await self._fire(alert_of(watched, answer.at), transition.evidence)
            case Recovered():
                await self._recover(alert_of(watched, answer.at).fingerprint, answer.at, transition.evidence)
        self._keep(name, state)

    async def _fire(self, alert: Alert, evidence: str) -> None:
        async with self.database.write() as connection:
            if not await store.open_alert(connection, alert):
                return
            await outbox.append(connection, AlertFired(at=alert.starts_at, alert=alert, evidence=evidence))
        log.warning("alert fired", instance=alert.labels["instance"], url=alert.url, evidence=evidence)

    async def _recover(self, fingerprint: str, at: datetime, evidence: str) -> None:
        async with self.database.write() as connection:
            alert = await store.close_alert(connection, fingerprint, at)
            if alert is None:
                return
            await outbox.append(connection, AlertRecovered(at=at, alert=alert, evidence=evidence))
        log.info("alert recovered", instance=alert.labels.get("instance"), url=alert.url, evidence=evidence)

    def _keep(self, name: str, state: WatchState, detail: str = "") -> None:
        before = self._states.get(name)
        self._states[name] = state
        self._shown[name] = _shown(state, detail)
        if before is None or state.health is not before.health or time.monotonic() - self._shown_at >= _SHOW_EVERY_S:
            self._shown_at = time.monotonic()
            self.health.set(dict(self._shown))


def _shown(state: WatchState, detail: str = "") -> InstanceHealth:
    last = state.answers[-1] if state.answers else None
    return InstanceHealth(
        state=state.health,
        detail=detail or (last.detail if last else "not checked yet"),
        since=state.since,
        latency_ms=last.latency_ms if last else None,
        well_at=last.at if last and last.ok else None,
    )


def _by_name(spec: PlatformSpec) -> dict[str, Watched]:
    return {each.instance.name: each for each in watched_of(spec)}


def _same(one: Watched | None, other: Watched) -> bool:
    """Whether both ask the same; where in a file they were declared is no difference."""
    return one is not None and _unplaced(one) == _unplaced(other)


def _unplaced(watched: Watched) -> Watched:
    return replace(
        watched,
        instance=replace(watched.instance, origin=NOWHERE),
        check=replace(watched.check, origin=NOWHERE),
    )


def _no_longer(instance: str) -> str:
    return f"instance {instance} is no longer declared with a health check"


async def _ended(task: "asyncio.Task[None]") -> None:
    """Ends a watch; what it was writing is either written or not."""
    task.cancel()
    await asyncio.wait([task])
    failing.set(failing.value - {task.get_name()})


async def _ticks(interval_s: float) -> AsyncIterator[None]:
    """A tick an interval, the first within one, each up to a tenth early or late; a missed one is left out."""
    due = time.monotonic() + random.random() * interval_s  # noqa: S311 spreads the load, no secrecy needed
    while True:
        await asyncio.sleep(due - time.monotonic())
        yield
        due = max(due + interval_s * random.uniform(0.9, 1.1), time.monotonic())  # noqa: S311
