"""Takes targets out of rotation and puts them back, at every node, with a fact of who did it and why."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from stationmaster.core.facts import BalancerState, TargetChanged
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec, Target, VirtualHost
from stationmaster.gateway import store
from stationmaster.gateway.plan.pools import in_rotation
from stationmaster.gateway.receipts import Receipts
from stationmaster.gateway.store import Override
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("gateway")

_ACKNOWLEDGED_WITHIN_S = 3.0


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


class Rotation:
    """`withdrawn` holds pairs of a virtual host's name and a target's address; `publish` sends it to the nodes."""

    def __init__(
        self, database: Database, declared: Cell[PlatformSpec], receipts: Receipts, publish: Callable[[], int]
    ) -> None:
        self._database = database
        self._declared = declared
        self._receipts = receipts
        self._publish = publish
        self.withdrawn: frozenset[tuple[str, str]] = frozenset()

    async def recall(self) -> None:
        """Reads back what was withdrawn before this process began."""
        async with self._database.read() as connection:
            self.withdrawn = await store.withdrawn(connection)

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
            for host in self._declared.value.virtual_hosts
            for target in host.targets
        )

    async def tell_untold(self, revision: int) -> None:
        """Facts of changes whose telling a crash has cut off."""
        async with self._database.read() as connection:
            untold = [each for each in await store.everything(connection) if not each.told]
        for each in untold:
            await self._tell(each, revision)

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
                await outbox.append(connection, replace(before, pending=self._nodes()).fact())
            override = word.about(host, found)
            await store.keep(connection, override)
            withdrawn = await store.withdrawn(connection)
        self.withdrawn = withdrawn
        return await self._tell(override, self._publish())

    async def _tell(self, override: Override, revision: int) -> TargetChanged:
        """Waits for the nodes, then writes the fact: once, and before that of any later change of the target."""
        reached = await self._receipts.wait(revision, self._nodes(), _ACKNOWLEDGED_WITHIN_S)
        pending = tuple(node for node in self._nodes() if node not in reached.acknowledged)
        final = replace(override, acknowledged=reached.acknowledged, pending=pending, told=True)
        async with self._database.write() as connection:
            if await store.mark_told(connection, final):
                await outbox.append(connection, final.fact())
        log.info("target changed", target=final.target, state=final.state.value, by=final.by, pending=pending)
        return final.fact()

    def _nodes(self) -> tuple[str, ...]:
        return tuple(node.name for node in self._declared.value.nodes)

    def _find(self, virtual_host: str, target: str) -> tuple[VirtualHost, Target]:
        for host in self._declared.value.virtual_hosts:
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
