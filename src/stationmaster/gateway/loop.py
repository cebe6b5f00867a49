"""The gateway's loop and face: keeps every node on the current plan, and takes targets out of rotation and back."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import structlog

from stationmaster.core.facts import BalancerState, TargetChanged
from stationmaster.core.problem import Diagnostic, PlatformError
from stationmaster.core.spec import PlatformSpec, Target, VirtualHost
from stationmaster.gateway import store
from stationmaster.gateway.envoy.translate import translate
from stationmaster.gateway.node import Endpoints, endpoints
from stationmaster.gateway.plan import ApiKey, Live, in_rotation, plan
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.receipts import Convergence
from stationmaster.gateway.store import Override
from stationmaster.gateway.xds import serving
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("gateway")

_ACKNOWLEDGED_WITHIN_S = 3.0
_TICK_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A target as the balancer has it; `by` and what follows tell of the last change, if there was one."""

    virtual_host: str
    address: str
    instance: str | None
    state: BalancerState
    by: str = ""
    why: str = ""
    at: datetime | None = None
    incident: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLink:
    """`acknowledged`: the node has taken the newest revision."""

    connected: bool
    acknowledged: bool


class Credentials(Protocol):
    """What callers are checked against: the JSON of a key set (RFC 7517), and pairs of a consumer and its API key."""

    @property
    def jwks(self) -> str: ...

    @property
    def api_keys(self) -> Iterable[tuple[str, str]]: ...


class CredentialsCell(Protocol):
    """The newest credentials, as a cell of the board shows them."""

    @property
    def value(self) -> Credentials: ...

    def changes(self, *, tick: float) -> AsyncIterator[Credentials]: ...


class Gateway:
    """Needs the declared platform and a cell with the credentials. Supervise `run`; call the rest from anywhere."""

    def __init__(self, database: Database, spec: PlatformSpec, credentials: CredentialsCell) -> None:
        self._database = database
        self._spec = spec
        self._credentials = credentials
        self._withdrawn: frozenset[tuple[str, str]] = frozenset()
        self._planned: tuple[Diagnostic, ...] = ()
        self._nodes = tuple(node.name for node in spec.nodes)
        self.publication = Publication(spec.environment)

    async def run(self) -> None:
        """Serves the nodes for ever. What was withdrawn is read back before any node is served."""
        async with self._database.read() as connection:
            self._withdrawn = await store.withdrawn(connection)
        self._publish()
        async with serving(self.publication, self._spec.control.xds), asyncio.TaskGroup() as group:
            group.create_task(self._tell_untold())
            group.create_task(self._follow_credentials())

    async def take_out(
        self, virtual_host: str, target: str, *, by: str, why: str, incident: int | None = None
    ) -> TargetChanged:
        """Withdraws a target, named by its address or its instance, from every node; waits up to 3 s for them.

        A target that is out already stays as it is, and the fact of then is returned. Raises PlatformError
        `unknown-target`, and `last-target` when nothing would be left in the virtual host.
        """
        return await self._change(virtual_host, target, _Word(BalancerState.OUT, by, why, incident))

    async def put_back(
        self, virtual_host: str, target: str, *, by: str, why: str, incident: int | None = None
    ) -> TargetChanged:
        """Undoes `take_out`, in the same way. Raises PlatformError `unknown-target`."""
        return await self._change(virtual_host, target, _Word(BalancerState.IN, by, why, incident))

    async def targets(self) -> tuple[TargetRow, ...]:
        async with self._database.read() as connection:
            words = {(each.virtual_host, each.target): each for each in await store.everything(connection)}
        return tuple(
            _row(host, target, words.get((host.name, str(target.address))))
            for host in self._spec.virtual_hosts
            for target in host.targets
        )

    def links(self) -> Mapping[str, NodeLink]:
        """How every declared node stands to the configuration, by name."""
        return {name: self._link(name) for name in self._nodes}

    async def endpoints(self) -> Mapping[str, Endpoints | None]:
        """What every declared node finds of its targets, by name; None for one that does not answer."""
        seen = await asyncio.gather(*(endpoints(node.admin) for node in self._spec.nodes))
        return dict(zip(self._nodes, seen, strict=True))

    def _link(self, node: str) -> NodeLink:
        follower = self.publication.followers.get(node)
        newest = follower is not None and follower.told == (self.publication.revision, 0)
        return NodeLink(connected=follower is not None, acknowledged=newest)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the plan left out, and what nodes refuse now."""
        return (*self._planned, *self.publication.refused())

    async def publish_credentials(self) -> Convergence:
        """Sends the newest credentials to every node and waits up to 3 s until they check requests with them."""
        return await self.publication.receipts.wait(self._publish(), self._nodes, _ACKNOWLEDGED_WITHIN_S)

    def _publish(self) -> int:
        credentials = self._credentials.value
        api_keys = tuple(ApiKey(consumer=consumer, key=key) for consumer, key in credentials.api_keys)
        live = Live(withdrawn=self._withdrawn, jwks=credentials.jwks, api_keys=api_keys)
        ir, problems = plan(self._spec, live)
        if problems != self._planned:
            self._planned = problems
            for each in problems:
                log.warning("left out of the plan", code=each.code, message=each.message, origin=str(each.origin))
        return self.publication.publish(translate(ir))

    async def _follow_credentials(self) -> None:
        async for _ in self._credentials.changes(tick=_TICK_S):
            self._publish()

    async def _tell_untold(self) -> None:
        """Facts of changes whose telling a crash has cut off."""
        async with self._database.read() as connection:
            untold = [each for each in await store.everything(connection) if not each.told]
        for each in untold:
            await self._tell(each, self.publication.revision)

    async def _change(self, virtual_host: str, target: str, word: "_Word") -> TargetChanged:
        host, found = self._find(virtual_host, target)
        async with self._database.write() as connection:
            before = await store.find(connection, host.name, str(found.address))
            if (before.state if before else BalancerState.IN) is word.state:
                return (before or _never_changed(host, found)).fact()
            withdrawn = await store.withdrawn(connection)
            if word.state is BalancerState.OUT:
                _refuse_last(host, found, withdrawn)
            if before and not before.told:
                await outbox.append(connection, replace(before, pending=self._nodes).fact())
            override = word.about(host, found)
            await store.keep(connection, override)
            withdrawn = await store.withdrawn(connection)
        self._withdrawn = withdrawn
        return await self._tell(override, self._publish())

    async def _tell(self, override: Override, revision: int) -> TargetChanged:
        """Waits for the nodes, then writes the fact: once, and before that of any later change of the target."""
        reached = await self.publication.receipts.wait(revision, self._nodes, _ACKNOWLEDGED_WITHIN_S)
        pending = tuple(node for node in self._nodes if node not in reached.acknowledged)
        final = replace(override, acknowledged=reached.acknowledged, pending=pending, told=True)
        async with self._database.write() as connection:
            if await store.mark_told(connection, final):
                await outbox.append(connection, final.fact())
        log.info("target changed", target=final.target, state=final.state.value, by=final.by, pending=pending)
        return final.fact()

    def _find(self, virtual_host: str, target: str) -> tuple[VirtualHost, Target]:
        for host in self._spec.virtual_hosts:
            for each in host.targets:
                if host.name == virtual_host and target in (str(each.address), each.instance):
                    return host, each
        raise PlatformError(
            "unknown-target",
            f"virtual host {virtual_host!r} has no target {target!r}",
            hint="name a target by its address or its instance, as `get targets` lists them",
            status=404,
        )


@dataclass(frozen=True, slots=True)
class _Word:
    """What somebody wants of a target."""

    state: BalancerState
    by: str
    why: str
    incident: int | None

    def about(self, host: VirtualHost, target: Target) -> Override:
        return Override(
            virtual_host=host.name,
            target=str(target.address),
            state=self.state,
            by=self.by,
            why=self.why,
            at=utc_now(),
            incident=self.incident,
        )


def _never_changed(host: VirtualHost, target: Target) -> Override:
    return _Word(BalancerState.IN, "declaration", "nobody has taken it out", None).about(host, target)


def _refuse_last(host: VirtualHost, target: Target, withdrawn: frozenset[tuple[str, str]]) -> None:
    if not in_rotation(host, withdrawn | {(host.name, str(target.address))}):
        raise PlatformError(
            "last-target",
            f"{target.address} is the last target of {host.name}: without it every request would fail",
            hint="put another target back first, or stop its API on purpose",
            status=409,
        )


def _row(host: VirtualHost, target: Target, word: Override | None) -> TargetRow:
    row = TargetRow(
        virtual_host=host.name, address=str(target.address), instance=target.instance, state=BalancerState.IN
    )
    if word is None:
        return row
    return replace(row, state=word.state, by=word.by, why=word.why, at=word.at, incident=word.incident)
