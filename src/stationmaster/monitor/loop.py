"""Watches every instance that has a health check, and writes its alerts and their recoveries as facts."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from stationmaster.core.facts import Alert, AlertFired, AlertRecovered
from stationmaster.core.spec import Address, HealthCheck, PlatformSpec
from stationmaster.monitor import store
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.probes import http
from stationmaster.monitor.rules import (
    ALERT_NAME,
    Fired,
    Health,
    Recovered,
    Watched,
    WatchState,
    alert_of,
    begin,
    resume,
    step,
    watched_of,
)
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.tasks import supervise

log = structlog.get_logger("monitor")

Probe = Callable[[Address, HealthCheck], Awaitable[ProbeAnswer]]

_SHOW_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceHealth:
    """The health of one instance since when, and its last answer."""

    state: Health
    detail: str
    since: datetime
    latency_ms: float | None = None


Launched = Callable[[], Awaitable[Mapping[str, datetime]]]


async def _never() -> Mapping[str, datetime]:
    return {}


class Monitor:
    """The face of this room.

    `launched` tells since when instances have been running, as far as that is known: the grace of a start counts from
    there, and is over for those that were started before this control plane.
    `health` shows every watched instance; changes of state appear at once, newer details within half a second.
    """

    def __init__(
        self, database: Database, spec: PlatformSpec, *, probe: Probe = http.probe, launched: Launched = _never
    ) -> None:
        self.database = database
        self.watched = watched_of(spec)
        self.probe = probe
        self.launched = launched
        now = utc_now()
        self._states: dict[str, WatchState] = {each.instance.name: begin(now) for each in self.watched}
        self._shown: dict[str, InstanceHealth] = {name: _shown(state) for name, state in self._states.items()}
        self._shown_at = 0.0
        self.health: Cell[Mapping[str, InstanceHealth]] = Cell(dict(self._shown))

    async def firing(self) -> list[Alert]:
        """The alerts that fire now, oldest first."""
        async with self.database.read() as connection:
            return await store.firing_alerts(connection)

    async def run(self) -> None:
        """Watches for ever. May be started again after a failure: what fired before does not fire twice."""
        await self._take_up()
        async with asyncio.TaskGroup() as group:
            for each in self.watched:
                group.create_task(supervise(f"monitor {each.instance.name}", partial(self._watch, each)))

    async def _take_up(self) -> None:
        """Goes on where the store says that watching ended, and closes the alerts of what is no longer watched."""
        fired = {alert.fingerprint: alert for alert in await self.firing() if alert.name == ALERT_NAME}
        now = utc_now()
        launched = await self.launched()
        for each in self.watched:
            name = each.instance.name
            alert = fired.pop(alert_of(each, now).fingerprint, None)
            known = self._states[name]
            if alert is not None:
                self._keep(name, resume(alert))
            else:
                started = begin(launched.get(name, now))
                self._keep(name, started if known.health in (Health.DOWN, Health.UNKNOWN) else known)
        for alert in fired.values():
            instance = alert.labels.get("instance", "")
            evidence = f"instance {instance} is no longer declared with a health check"
            await self._recover(alert.fingerprint, now, evidence)

    async def _watch(self, watched: Watched) -> None:
        """One check after the other, never two at once."""
        async for _ in _ticks(watched.check.interval_ms / 1000):
            answer = await self.probe(watched.instance.address, watched.check)
            await self._take(watched, answer)

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

    def _keep(self, name: str, state: WatchState) -> None:
        before = self._states[name].health
        self._states[name] = state
        self._shown[name] = _shown(state)
        if state.health is not before or time.monotonic() - self._shown_at >= _SHOW_EVERY_S:
            self._shown_at = time.monotonic()
            self.health.set(dict(self._shown))


def _shown(state: WatchState) -> InstanceHealth:
    last = state.answers[-1] if state.answers else None
    return InstanceHealth(
        state=state.health,
        detail=last.detail if last else "not checked yet",
        since=state.since,
        latency_ms=last.latency_ms if last else None,
    )


async def _ticks(interval_s: float) -> AsyncIterator[None]:
    """A tick an interval, the first within one, each up to a tenth early or late; a missed one is left out."""
    due = time.monotonic() + random.random() * interval_s  # noqa: S311 spreads the load, no secrecy needed
    while True:
        await asyncio.sleep(due - time.monotonic())
        yield
        due = max(due + interval_s * random.uniform(0.9, 1.1), time.monotonic())  # noqa: S311
