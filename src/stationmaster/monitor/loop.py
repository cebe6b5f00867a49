"""Watches every instance that is declared with a health check, and writes alerts and recoveries as facts."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from stationmaster.core.facts import Alert
from stationmaster.core.problem import NOWHERE
from stationmaster.core.spec import Address, HealthCheck, PlatformSpec
from stationmaster.monitor import store
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.catalogue import Check, Labels, of_instances, of_ways, samples_of
from stationmaster.monitor.ledger import Closing, Ledger, Opening
from stationmaster.monitor.node_watch import NodeWatch, outage_of
from stationmaster.monitor.probes import kinds
from stationmaster.monitor.regions import REGION_DOWN, SERVICE_DOWN, Outage, outages
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
from stationmaster.monitor.schedule import Schedule
from stationmaster.monitor.standing import Standing
from stationmaster.monitor.way_state import API_UNREACHABLE, NODE_DOWN, WAY_DOWN
from stationmaster.monitor.ways import Linked, Surroundings, Token, Ways, no_token, nothing_known
from stationmaster.runtime.board import Cell, Pulse
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.tasks import failing, supervise
from stationmaster.runtime.tracing import failure

Probe = Callable[[Address, HealthCheck], Awaitable[ProbeAnswer]]

_SHOW_EVERY_S = 0.5
_LOOK_EVERY_S = 60.0
_NODES_EVERY_S = 0.1
_STANDING = frozenset({SERVICE_DOWN, REGION_DOWN, API_UNREACHABLE, NODE_DOWN, WAY_DOWN})


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
Deaths = Callable[[], Mapping[str, int]]


async def _never() -> Mapping[str, datetime]:
    return {}


def _nothing() -> Mapping[str, str]:
    return {}


class Monitor:
    """The face of this room: watches what `declared` says at every moment.

    `launched` tells since when instances have been running, as far as that is known: the grace of a start counts from
    there, and is over for those that were started before this control plane. `held` tells which instances and gateway
    nodes somebody stopped on purpose, and why. `token` gives the bearer token in which name an API is asked, `linked`
    which nodes are connected to the control plane, `deaths` how often each process has died. `health` shows every
    watched instance; changes of state appear at once, newer details within half a second.
    """

    def __init__(
        self,
        database: Database,
        declared: Cell[PlatformSpec],
        *,
        probe: Probe = kinds.probe,
        launched: Launched = _never,
        held: Held = _nothing,
        token: Token = no_token,
        linked: Linked = nothing_known,
        deaths: Deaths = dict,
    ) -> None:
        self.database = database
        self.declared = declared
        self.probe = probe
        self.launched = launched
        self.held = held
        self.watched = _by_name(declared.value)
        self.schedule = Schedule()
        self.ledger = Ledger(database)
        self._changed = Pulse()
        self.ways = Ways(Surroundings(token=token, linked=linked, held=held), self.schedule, self._changed)
        self._linked = linked
        self._deaths = deaths
        self._nodes = NodeWatch()
        self._standing = Standing(self.ledger, _STANDING)
        self._states: dict[str, WatchState] = {name: begin(utc_now(), time.monotonic()) for name in self.watched}
        self._shown: dict[str, InstanceHealth] = {name: _shown(state) for name, state in self._states.items()}
        self._shown_at = 0.0
        self._show_soon = False
        self.health: Cell[Mapping[str, InstanceHealth]] = Cell(dict(self._shown))

    async def firing(self) -> list[Alert]:
        """The alerts that fire now, oldest first."""
        async with self.database.read() as connection:
            return await store.firing_alerts(connection)

    async def ask(self, name: str) -> ProbeAnswer | None:
        """A check at this moment of the instance of this name, or of `API@NODE` or `API@TARGET`; None where it is not
        watched."""
        watched = self.watched.get(name)
        return await self.probe(watched.instance.address, watched.check) if watched else await self.ways.ask(name)

    def checks(self) -> list[Check]:
        """Every check with its last answer."""
        known = [each for name, each in self.watched.items() if name in self._states]
        details = {name: each.detail for name, each in self._shown.items()}
        return [*of_instances(known, self._states, details, self.schedule), *of_ways(self.ways, utc_now())]

    def samples(self) -> Iterable[tuple[Labels, float]]:
        """The last answer of every check as samples of this moment."""
        return samples_of(self.checks())

    async def run(self) -> None:
        """Watches for ever. May be started again after a failure: what fired before does not fire twice."""
        self.watched = _by_name(self.declared.value)
        await self._take_up()
        self.ways.begin_anew()
        tasks: dict[str, asyncio.Task[None]] = {}
        settling: asyncio.Task[None] | None = None
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
                self.ways.declare(spec, self._standing.firing, group)
                if settling is None:
                    settling = group.create_task(supervise("monitor outages", self._settle), name="monitor outages")
                    group.create_task(supervise("monitor nodes", self._watch_nodes), name="monitor nodes")

    async def _watch_nodes(self) -> None:
        """Links are looked at far more often than nodes die: a node that starts anew within a second was down."""
        while True:
            if self._nodes.look(self._linked(), self.held(), time.monotonic(), self._deaths()):
                self._changed.beat()
            await asyncio.sleep(_NODES_EVERY_S)

    def _nodes_down(self, now: datetime) -> dict[str, Outage]:
        spec, down = self.declared.value, self._nodes.down
        found = [outage_of(each, spec.environment, now) for each in spec.nodes if each.name in down]
        return {each.alert.fingerprint: each for each in found}

    async def _settle(self) -> None:
        """Keeps the alerts of services and ways in step with what is known of their parts."""
        while True:
            seen, now = self._changed.count, utc_now()
            health = {name: state.health for name, state in self._states.items()}
            wanted = outages(self.watched.values(), health, self._standing.firing.keys(), now)
            wanted |= self._nodes_down(now) | self.ways.outages(now)
            await self._standing.settle(wanted, now, self._why_over)
            await self._changed.beyond(seen, _LOOK_EVERY_S)

    def _why_over(self, alert: Alert) -> str:
        if alert.name not in (SERVICE_DOWN, REGION_DOWN):
            why = self.ways.is_well(alert)
            connected = self._linked().get(alert.labels.get("node", ""), False)
            return "it is connected again" if alert.name == NODE_DOWN and connected and "answers" not in why else why
        service, region = alert.labels.get("service"), alert.labels.get("region")
        up = [
            name
            for name, each in self.watched.items()
            if each.instance.service == service
            and region in (None, each.instance.region)
            and name in self._states
            and self._states[name].health is Health.UP
        ]
        return f"{', '.join(sorted(up)[:10])} is up" if up else "no instance of it is watched any more"

    async def _change(self, before: Watched, after: Watched | None) -> None:
        """What is known of an instance outlives a changed check, not a new address; the alert of what is gone is
        closed."""
        name = before.instance.name
        now = utc_now()
        alert = alert_of(before, now)
        if after is None:
            await self._recover(alert.fingerprint, now, _no_longer(name))
            del self._states[name], self._shown[name]
            self.schedule.forget(name)
            self._show()
            self._changed.beat()
        elif after.instance.address != before.instance.address or alert_of(after, now).labels != alert.labels:
            evidence = f"instance {name} is declared at {after.instance.address} now"
            await self._recover(alert.fingerprint, now, evidence)
            self._keep(name, begin(now, time.monotonic()))

    async def _take_up(self) -> None:
        """Goes on where the store says that watching ended, and closes the alerts of what is no longer watched."""
        firing = [alert for alert in await self.firing() if not alert.rule]
        self._standing.take_up(firing)
        fired = {alert.fingerprint: alert for alert in firing if alert.name == ALERT_NAME}
        now = utc_now()
        launched = await self.launched()
        for gone in self._states.keys() - self.watched.keys():
            del self._states[gone], self._shown[gone]
        for name, each in self.watched.items():
            alert = fired.pop(alert_of(each, now).fingerprint, None)
            known = self._states.get(name)
            if alert is not None:
                self._keep(name, resume(alert))
            elif known is None or known.health in (Health.DOWN, Health.UNKNOWN):
                self._keep(name, begin(now, time.monotonic(), launched.get(name)))
            else:
                self._keep(name, known)
        closings = [
            Closing(fingerprint=alert.fingerprint, at=now, why=_no_longer(alert.labels.get("instance", "")))
            for alert in fired.values()
        ]
        await self.ledger.write(*closings)

    async def _watch(self, watched: Watched) -> None:
        """One check after the other, never two at once."""
        name = watched.instance.name
        if name not in self._states:
            self._keep(name, begin(utc_now(), time.monotonic(), (await self.launched()).get(name)))
        async for _ in self.schedule.ticks(name, watched.check.interval_ms / 1000):
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
        if not answer.ok:
            failure("probe", answer.detail, took_ms=answer.latency_ms, instance=name, url=watched.url)
        state, transition = step(self._states[name], answer, watched.check, time.monotonic())
        match transition:
            case Fired(evidence=evidence, since=since):
                await self.ledger.write(Opening(alert=alert_of(watched, answer.at, since), evidence=evidence))
            case Recovered():
                await self._recover(alert_of(watched, answer.at).fingerprint, answer.at, transition.evidence)
        self._keep(name, state)

    async def _recover(self, fingerprint: str, at: datetime, why: str) -> None:
        await self.ledger.write(Closing(fingerprint=fingerprint, at=at, why=why))

    def _keep(self, name: str, state: WatchState, detail: str = "") -> None:
        before = self._states.get(name)
        self._states[name] = state
        self._shown[name] = _shown(state, detail)
        if before is None or state.health is not before.health:
            self._changed.beat()
            self._show()
        elif time.monotonic() - self._shown_at >= _SHOW_EVERY_S:
            self._show()

    def _show(self) -> None:
        """Thousands that fall in one moment are shown once."""
        if not self._show_soon:
            self._show_soon = True
            asyncio.get_running_loop().call_soon(self._show_now)

    def _show_now(self) -> None:
        self._show_soon = False
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
