"""Joins the rooms: what one room asks for, said in the words of the room that does it."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import BalancerState, TargetChanged
from stationmaster.core.names import InstanceName, UserName, VirtualHostName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, PlatformSpec, Supervision
from stationmaster.fleet.inventory import Launch, launches
from stationmaster.fleet.loop import BY as FLEET
from stationmaster.fleet.loop import Fleet
from stationmaster.fleet.node_count import with_nodes
from stationmaster.fleet.rollout import Standing
from stationmaster.fleet.version import Program, pinned
from stationmaster.gateway import node as gateway_node
from stationmaster.gateway.access_log import Served
from stationmaster.gateway.disagreement import DirectCheck
from stationmaster.gateway.loop import Gateway
from stationmaster.gateway.rotation import TargetRow
from stationmaster.healing.decide import TargetView
from stationmaster.incidents.loop import Incidents
from stationmaster.keys import departures
from stationmaster.keys.loop import Keys
from stationmaster.manifest.entity import EntityKind
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.rules import Health
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now

log = structlog.get_logger("joints")

RUNBOOK = "runbook"
_STANDS_AFTER = timedelta(seconds=1)
"""An instance without a health check counts as well when it has lived so long."""
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "TZ", "USER", "KUBECONFIG", "DOCKER_HOST", "TMPDIR")
"""Of the control plane's own environment."""
_USED_FOR = timedelta(seconds=60)
_CONNECTS_WITHIN = timedelta(seconds=10)
"""A gateway node that is not connected after so long is down."""


async def _nothing_moved() -> Mapping[tuple[int, str], frozenset[int]]:
    return {}


@dataclass(frozen=True, slots=True)
class GatewayBalancer:
    """The gateway as healing sees it; `holders` tells which incidents have the alerts now for which an incident's
    instances were taken out."""

    gateway: Gateway
    holders: Callable[[], Awaitable[Mapping[tuple[int, str], frozenset[int]]]] = field(default=_nothing_moved)

    async def views(self) -> Sequence[TargetView]:
        moved = await self.holders()
        return [
            TargetView(
                virtual_host=each.virtual_host,
                address=each.address,
                instance=each.instance,
                state=each.state,
                incident=each.incident,
                by=each.by,
                holders=moved.get((each.incident or 0, each.instance or ""), frozenset()),
            )
            for each in await self.gateway.rotation.targets()
        ]

    async def take_out(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        return await self.gateway.rotation.take_out(virtual_host, address, by=by, why=why, incident=incident)

    async def put_back(self, virtual_host: str, address: str, *, by: str, why: str, incident: int) -> TargetChanged:
        return await self.gateway.rotation.put_back(virtual_host, address, by=by, why=why, incident=incident)


async def users_leave(connection: AsyncConnection, removed: Sequence[tuple[EntityKind, str]]) -> None:
    """API users among what was deleted lose what they have, even if they are declared again at once."""
    users = [UserName(name) for kind, name in removed if kind is EntityKind.USER]
    await departures.mark(connection, users, utc_now())


@dataclass(frozen=True, slots=True)
class ProbeTokens:
    """Tokens in whose bearers' name probes go through the gateway; each is used for a minute."""

    keys: Keys
    _made: dict[UserName, tuple[datetime, str | None]] = field(default_factory=dict)

    async def __call__(self, user: UserName) -> str | None:
        now = utc_now()
        known = self._made.get(user)
        if known is None or now - known[0] > _USED_FOR:
            known = now, await asyncio.to_thread(self.keys.probe_token, user, now)
            self._made[user] = known
        return known[1]


@dataclass(frozen=True, slots=True)
class ServedRequests:
    """What nodes tell of requests that they served, as the rooms that care for it hear it."""

    keys: Keys

    def __call__(self, served: Served) -> None:
        if served.key_id is not None:
            self.keys.uses.note(served.key_id, served.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEffects:
    """The fleet and the gateway as a run of a runbook sees them."""

    fleet: Fleet
    gateway: Gateway

    async def target_is_out(self, virtual_host: VirtualHostName, target: Address) -> bool:
        return any(
            each.virtual_host == virtual_host and each.address == str(target) and each.state is BalancerState.OUT
            for each in await self.gateway.rotation.targets()
        )

    async def take_out(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None:
        await self.gateway.rotation.take_out(virtual_host, str(target), by=RUNBOOK, why=why, incident=incident)

    async def put_back(self, virtual_host: VirtualHostName, target: Address, *, why: str, incident: int) -> None:
        await self.gateway.rotation.put_back(virtual_host, str(target), by=RUNBOOK, why=why, incident=incident)

    async def restart(self, instance: InstanceName, *, why: str, incident: int) -> None:
        await self.fleet.restart(instance, by=RUNBOOK, why=why, incident=incident)

    async def logs(self, instance: InstanceName, *, tail: int) -> str:
        return await self.fleet.logs(instance, tail=tail)


@dataclass(slots=True)
class RunEnvironment:
    """What commands of runs see: this program on their path, and a token that proves which run asks. `lend` gives one
    to a name, `take_back` ends it; the address of the API may change with the declaration."""

    declared: Cell[PlatformSpec]
    lend: Callable[[str], str]
    take_back: Callable[[str], None]
    _tokens: dict[str, str] = field(default_factory=dict)

    def __call__(self, run: str) -> Mapping[str, str]:
        if run not in self._tokens:
            self._tokens[run] = self.lend(run)
        kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        programs = str(Path(sys.executable).parent)
        return kept | {
            "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
            "STATIONMASTER_URL": f"http://{self.declared.value.control.api}",
            "STATIONMASTER_TOKEN": self._tokens[run],
            "COLUMNS": "200",
            "NO_COLOR": "1",
        }

    def end(self, run: str) -> None:
        """What was lent to it proves nothing any more."""
        token = self._tokens.pop(run, None)
        if token is not None:
            self.take_back(token)


@dataclass(slots=True, kw_only=True)
class FleetTraffic:
    """The gateway and the monitor as the fleet sees them. Gateway nodes drain themselves when they are to stop."""

    gateway: Gateway
    monitor: Monitor
    declared: Cell[PlatformSpec]
    started_at: datetime = field(default_factory=utc_now)
    _seen: tuple[object, object] = (None, None)
    _withdrawn: frozenset[str] = frozenset()

    async def withdraw(self, name: str, *, why: str) -> None:
        rows = await self._rows(name)
        if not rows:
            # What is no longer declared as a target has left the plan; nodes may not have taken that plan yet.
            await self.gateway.publish_declared()
        for row in rows:
            if row.state is not BalancerState.IN:
                continue
            try:
                await self.gateway.rotation.take_out(row.virtual_host, row.address, by=FLEET, why=why)
            except PlatformError as error:
                log.warning("target stays in rotation while its process stops", target=row.address, why=error.message)

    async def restore(self, name: str, *, why: str) -> None:
        for row in await self._rows(name):
            if _taken_out_by_fleet(row):
                await self.gateway.rotation.put_back(row.virtual_host, row.address, by=FLEET, why=why)

    async def withdrawn(self) -> Set[str]:
        seen = (self.gateway.rotation.withdrawn, self.declared.value)
        if seen[0] is not self._seen[0] or seen[1] is not self._seen[1]:
            rows = await self.gateway.rotation.targets() if seen[0] else ()
            self._withdrawn = frozenset(row.instance for row in rows if row.instance and _taken_out_by_fleet(row))
            self._seen = seen
        return self._withdrawn

    def standing(self, name: str, since: datetime) -> Standing:
        link = self.gateway.links().get(name)
        if link is not None:
            return self._standing_of_node(since, connected=link.connected, acknowledged=link.acknowledged)
        health = self.monitor.health.value.get(name)
        if health is None:
            return Standing.UP if utc_now() - since > _STANDS_AFTER else Standing.UNKNOWN
        if health.state is Health.UP:
            return Standing.UP if health.well_at is not None and health.well_at > since else Standing.UNKNOWN
        return Standing.DOWN if health.state is Health.DOWN else Standing.UNKNOWN

    def _standing_of_node(self, since: datetime, *, connected: bool, acknowledged: bool) -> Standing:
        if connected:
            return Standing.UP if acknowledged else Standing.UNKNOWN
        alone_for = utc_now() - max(since, self.started_at)
        return Standing.DOWN if alone_for > _CONNECTS_WITHIN else Standing.UNKNOWN

    async def _rows(self, name: str) -> list[TargetRow]:
        return [row for row in await self.gateway.rotation.targets() if row.instance == name]


def _taken_out_by_fleet(row: TargetRow) -> bool:
    return row.by == FLEET and row.state is BalancerState.OUT and not row.manual


@dataclass(slots=True)
class Wanted:
    """The processes of the platform as it is declared now; looked through anew only when what they come from changes.
    Gateway nodes have their files written in `nodes`."""

    declared: Cell[PlatformSpec]
    nodes: Path
    pins: Cell[Mapping[str, Program]] = field(default_factory=lambda: Cell({}))
    """What services run in place of what is declared."""
    _seen: tuple[object, ...] = ()
    _launches: tuple[Launch, ...] = ()

    def __call__(self) -> tuple[Launch, ...]:
        spec = self.declared.value
        seen = (spec.nodes, spec.services, spec.control, spec.environment, self.pins.value)
        if seen != self._seen:
            ours = replace(spec, services=pinned(spec.services, self.pins.value))
            self._launches = (*self._of_nodes(spec), *launches(ours))
            self._seen = seen
        return self._launches

    def _of_nodes(self, spec: PlatformSpec) -> Iterable[Launch]:
        for node in spec.nodes:
            start = gateway_node.prepare(node, spec.control.xds, spec.environment, self.nodes)
            yield Launch(
                name=node.name,
                argv=start.argv,
                config=start.config,
                supervision=Supervision.RESTART,
                group="gateway nodes",
            )


class OtherNodeCount(Cell[PlatformSpec]):
    """What another cell declares, with another number of gateway nodes."""

    __slots__ = ("_nodes", "_seen", "_source")

    def __init__(self, source: Cell[PlatformSpec], nodes: int) -> None:
        super().__init__(with_nodes(source.value, nodes))
        self._source, self._seen, self._nodes = source, source.value, nodes
        self.changed = source.changed

    @property
    def value(self) -> PlatformSpec:
        if self._source.value is not self._seen:
            self._seen = self._source.value
            self._value = with_nodes(self._seen, self._nodes)
        return self._value

    def set(self, value: PlatformSpec) -> None:
        self._source.set(value)

    async def changes(self, *, tick: float) -> AsyncGenerator[PlatformSpec, None]:
        while True:
            seen = self.changed.count
            yield self.value
            await self.changed.beyond(seen, tick)


def direct_checks(monitor: Monitor) -> Mapping[str, DirectCheck]:
    """What the monitor says of every instance that it has an opinion about."""
    return {
        name: DirectCheck(ok=each.state is Health.UP, detail=each.detail, since=each.since)
        for name, each in monitor.health.value.items()
        if each.state in (Health.UP, Health.DOWN)
    }


async def resolved_of(incidents: Incidents, numbers: Iterable[int]) -> frozenset[int]:
    found = {number: await incidents.find(number) for number in numbers}
    return frozenset(number for number, each in found.items() if each is not None and each[0].status.is_over)


def held_words(fleet: Fleet, monitor: Monitor) -> Mapping[str, str]:
    """What is away on purpose, and why, by the name of the instance.

    One that was down before it is restarted is no such case: whether that helps is what its incident waits for.
    """
    shown = monitor.health.value
    restarted = {
        name: why for name, why in fleet.replacing.items() if name in shown and shown[name].state is not Health.DOWN
    }
    return restarted | {name: str(given) for name, given in fleet.held.value.items()}
