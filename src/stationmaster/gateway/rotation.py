"""Takes targets out of rotation and back at every node, automatically or by hand, with a fact of who did it and why."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import structlog

from stationmaster.core.facts import BalancerState, TargetChanged
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import HealingPolicy, PlatformSpec, Target, VirtualHost
from stationmaster.gateway import store
from stationmaster.gateway.receipts import Receipts
from stationmaster.gateway.store import Override
from stationmaster.gateway.targets import States, TargetRow, in_state, keep_the_bounds
from stationmaster.runtime import audit, outbox
from stationmaster.runtime.audit import Change
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

__all__ = ["AUDITED_AS", "Rotation", "TargetRow"]

log = structlog.get_logger("gateway")

_ACKNOWLEDGED_WITHIN_S = 3.0
AUDITED_AS = "target"


class Rotation:
    """`withdrawn`, `draining` and `forced` (held in by hand) hold pairs of a virtual host's name and a target's
    address; `publish` sends them to the nodes, `connected` names those that listen now: nobody waits for the others."""

    def __init__(
        self,
        database: Database,
        declared: Cell[PlatformSpec],
        receipts: Receipts,
        publish: Callable[[], int],
        *,
        connected: Callable[[], Collection[str]] | None = None,
    ) -> None:
        self._database = database
        self._declared = declared
        self._receipts = receipts
        self._publish = publish
        self._connected = connected or self._nodes
        self._states: States = {}
        self.withdrawn: frozenset[tuple[str, str]] = frozenset()
        self.draining: frozenset[tuple[str, str]] = frozenset()
        self.forced: frozenset[tuple[str, str]] = frozenset()

    async def recall(self) -> None:
        """Reads back what was withdrawn before this process began."""
        async with self._database.read() as connection:
            self._know(await store.states(connection), await store.held_in(connection))

    async def take_out(
        self, virtual_host: str, target: str, *, by: str, why: str, incident: int | None = None
    ) -> TargetChanged:
        """Withdraws a target, named by its address or its instance, from every node; waits up to 3 s for them.

        A target that is out already stays as it is, and the fact of then is returned. Raises PlatformError
        `unknown-target`, `held-manually`, and `last-target` when nothing would be left in the virtual host.
        """
        return await self._change(virtual_host, target, _Word(BalancerState.OUT, by, why, incident))

    async def put_back(
        self, virtual_host: str, target: str, *, by: str, why: str, incident: int | None = None
    ) -> TargetChanged:
        """Undoes `take_out`, in the same way. Raises PlatformError `unknown-target` and `held-manually`."""
        return await self._change(virtual_host, target, _Word(BalancerState.IN, by, why, incident))

    async def hold(
        self, virtual_host: str, target: str, state: BalancerState, *, by: str, why: str, force: bool = False
    ) -> TargetChanged:
        """Puts a target into a state by hand, where it stays until it is released. `force` passes the declared share.
        One that is held in gets requests even though it fails the checks of the nodes.

        Raises PlatformError `unknown-target`, `reason-missing`, `last-target`, and `share-exceeded` without `force`.
        """
        _demand_reason(why)
        return await self._change(virtual_host, target, _Word(state, by, why, None, manual=True, force=force))

    async def release(self, virtual_host: str, target: str, *, by: str, why: str = "") -> TargetChanged:
        """Ends `hold`: the target is in rotation, and from now on automatic changes apply again."""
        why = why.strip() or "released"
        return await self._change(virtual_host, target, _Word(BalancerState.IN, by, why, None, releases=True))

    async def targets(self) -> tuple[TargetRow, ...]:
        async with self._database.read() as connection:
            words = {(each.virtual_host, each.target): each for each in await store.everything(connection)}
        return tuple(
            _row(host, target, words.get((host.name, str(target.address))))
            for host in self._declared.value.virtual_hosts
            for target in host.targets
        )

    async def row(self, virtual_host: str, target: str) -> TargetRow:
        """One target, named by its address or its instance. Raises PlatformError `unknown-target`."""
        host, found = self._find(virtual_host, target)
        async with self._database.read() as connection:
            word = await store.find(connection, host.name, str(found.address))
        return _row(host, found, word)

    def leaving(self) -> int:
        """How many declared targets drain."""
        return sum(
            target.weight > 0 and (host.name, str(target.address)) in self.draining
            for host in self._declared.value.virtual_hosts
            for target in host.targets
        )

    def state_of(self, virtual_host: str, address: str) -> BalancerState:
        return self._states.get((virtual_host, address), BalancerState.IN)

    async def tell_untold(self, revision: int) -> None:
        """Facts of changes whose telling a crash has cut off."""
        async with self._database.read() as connection:
            untold = [each for each in await store.everything(connection) if not each.told]
        for each in untold:
            await self._tell(each, revision, self._nodes())

    async def _change(self, virtual_host: str, target: str, word: "_Word") -> TargetChanged:
        host, found = self._find(virtual_host, target)
        async with self._database.write() as connection:
            before = await store.find(connection, host.name, str(found.address)) or _never_changed(host, found)
            if word.is_fulfilled_by(before):
                return before.fact()
            if before.manual and not word.by_hand:
                raise _held(before, word)
            if word.state is not BalancerState.IN:
                policy = self._bounds(found) if word.manual and not word.force else None
                keep_the_bounds(host, found, await store.states(connection), policy)
            if not before.told:
                await outbox.append(connection, replace(before, pending=self._nodes()).fact())
            override = word.about(host, found)
            await store.keep(connection, override)
            await audit.record(connection, _audited(before, override, word))
            states, forced = await store.states(connection), await store.held_in(connection)
        self._know(states, forced)
        return await self._tell(override, self._publish(), tuple(self._connected()))

    def _know(self, states: States, forced: frozenset[tuple[str, str]]) -> None:
        self._states, self.forced = states, forced
        self.withdrawn = in_state(states, BalancerState.OUT)
        self.draining = in_state(states, BalancerState.DRAIN)

    async def _tell(self, override: Override, revision: int, awaited: tuple[str, ...]) -> TargetChanged:
        """Waits for the nodes, then writes the fact: once, and before that of any later change of the target."""
        reached = await self._receipts.wait(revision, awaited, _ACKNOWLEDGED_WITHIN_S)
        pending = tuple(node for node in self._nodes() if node not in reached.acknowledged)
        final = replace(override, acknowledged=reached.acknowledged, pending=pending, told=True)
        async with self._database.write() as connection:
            if await store.mark_told(connection, final):
                await outbox.append(connection, final.fact())
        log.info("target changed", target=final.target, state=final.state.value, by=final.by, pending=pending)
        return final.fact()

    def _bounds(self, target: Target) -> HealingPolicy:
        spec = self._declared.value
        services = (each.name for each in spec.services if any(one.name == target.instance for one in each.instances))
        return spec.healing_of(next(services, None))

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
            hint="name a target by its address or its instance, as `target list` shows them",
            status=404,
        )


@dataclass(frozen=True, slots=True)
class _Word:
    """What somebody wants of a target."""

    state: BalancerState
    by: str
    why: str
    incident: int | None
    manual: bool = False
    force: bool = False
    releases: bool = False

    @property
    def by_hand(self) -> bool:
        return self.manual or self.releases

    @property
    def action(self) -> str:
        return "auto" if self.releases else self.state.value

    def is_fulfilled_by(self, before: Override) -> bool:
        """Whoever asks automatically is content with the state; whoever asks by hand wants it held, or released."""
        return before.state is self.state and (before.manual is self.manual or not self.by_hand)

    def about(self, host: VirtualHost, target: Target) -> Override:
        return Override(
            virtual_host=host.name,
            target=str(target.address),
            state=self.state,
            by=self.by,
            why=self.why,
            at=utc_now(),
            incident=self.incident,
            manual=self.manual,
        )


def _never_changed(host: VirtualHost, target: Target) -> Override:
    word = _Word(BalancerState.IN, "declaration", "nobody has taken it out", None)
    return replace(word.about(host, target), told=True)


def _demand_reason(why: str) -> None:
    if not why.strip():
        raise PlatformError("reason-missing", "a change by hand needs a reason", hint="say why in one sentence")


def _held(before: Override, word: _Word) -> PlatformError:
    return PlatformError(
        "held-manually",
        f"{before.target} of {before.virtual_host} is held {before.state.value} by {before.by} since "
        f"{before.at:%Y-%m-%d %H:%M:%S} UTC ({before.why}): {word.by} may not change it",
        hint=f"`target auto {before.virtual_host} {before.target}` releases it",
        status=409,
    )


def _audited(before: Override, after: Override, word: _Word) -> Change:
    def shown(override: Override) -> dict[str, object]:
        return {"state": override.state.value, "manual": override.manual, "by": override.by, "why": override.why}

    forced = {"forced": True} if word.force else {}
    return Change(
        at=after.at,
        who=after.by,
        action=word.action,
        kind=AUDITED_AS,
        name=f"{after.virtual_host}/{after.target}",
        before=shown(before),
        after={**shown(after), **forced},
    )


def _row(host: VirtualHost, target: Target, word: Override | None) -> TargetRow:
    row = TargetRow(
        virtual_host=host.name,
        address=str(target.address),
        instance=target.instance,
        weight=target.weight,
        state=BalancerState.IN,
    )
    if word is None:
        return row
    return replace(
        row,
        state=word.state,
        manual=word.manual,
        by=word.by,
        why=word.why,
        at=word.at,
        incident=word.incident,
        acknowledged=word.acknowledged,
        pending=word.pending,
    )
