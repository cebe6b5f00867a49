"""The configuration that is published now, and which nodes follow it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from stationmaster.core.problem import Diagnostic
from stationmaster.gateway.receipts import Receipts, diagnostic, gist
from stationmaster.gateway.session import Session
from stationmaster.gateway.snapshot import EMPTY, Kind, Named, Snapshot, touched
from stationmaster.runtime.board import Pulse

log = structlog.get_logger("gateway")


@dataclass(slots=True, eq=False)
class Follower:
    """A node on its stream; `awake` beats when there may be something to send."""

    node: str
    session: Session = field(default_factory=Session)
    awake: Pulse = field(default_factory=Pulse)
    told: tuple[int, int] = (0, 0)
    """Revision and number of refusals of the last receipt."""


@dataclass(slots=True)
class Publication:
    """`revision` grows with every change of what some node is to have."""

    environment: str
    receipts: Receipts = field(default_factory=Receipts)
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    revision: int = 0
    followers: dict[str, Follower] = field(default_factory=dict)

    def publish(self, snapshots: Mapping[str, Snapshot]) -> int:
        """Shows the snapshots, by node, to their nodes; returns their revision, a new one only if something differs."""
        changes = _Changes()
        changed = {node: changes.between(self.snapshots.get(node, EMPTY), each) for node, each in snapshots.items()}
        if self.revision and snapshots.keys() == self.snapshots.keys() and not any(changed.values()):
            return self.revision
        self.revision += 1
        self.snapshots = dict(snapshots)
        self.receipts.published(self.revision, time.monotonic())
        for follower in self.followers.values():
            if follower.node in changed:
                follower.session.show(snapshots[follower.node], self.revision, changed[follower.node])
            follower.awake.beat()
        return self.revision

    def knows(self, node: str, environment: str) -> bool:
        return environment == self.environment and node in self.snapshots

    def follow(self, node: str) -> Follower:
        """A node has connected; an earlier stream of the same node is over."""
        follower = Follower(node)
        follower.session.show(self.snapshots[node], self.revision)
        earlier = self.followers.get(node)
        self.followers[node] = follower
        if earlier:
            earlier.awake.beat()
        log.info("gateway node connected", node=node)
        return follower

    def leave(self, follower: Follower) -> None:
        if self.followers.get(follower.node) is follower:
            del self.followers[follower.node]
            log.info("gateway node disconnected", node=follower.node)

    def follows(self, follower: Follower) -> bool:
        return self.followers.get(follower.node) is follower and follower.node in self.snapshots

    def refused(self) -> tuple[Diagnostic, ...]:
        """What connected nodes refuse of the configuration that is published now."""
        return tuple(
            diagnostic(node, each) for node, follower in self.followers.items() for each in follower.session.refusals()
        )

    def settle(self, follower: Follower) -> None:
        """Writes a receipt when the follower has answered to all that it was sent."""
        session = follower.session
        if not session.settled():
            return
        refusals = session.refusals()
        state = (session.revision, len(refusals))
        if state != follower.told:
            follower.told = state
            self.receipts.settled(follower.node, session.revision, time.monotonic(), refusals)
            for each in refusals:
                log.warning(
                    "gateway node refuses", node=follower.node, resource=each.resource.name, why=gist(each.reason)
                )


class _Changes:
    """Differences between snapshots, where nodes share most of what they have: that is compared once."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], tuple[str, ...]] = {}

    def between(self, before: Snapshot, after: Snapshot) -> dict[Kind, tuple[str, ...]]:
        found = {kind: self._touched(before.of(kind), after.of(kind)) for kind in Kind}
        return {kind: names for kind, names in found.items() if names}

    def _touched(self, before: Named, after: Named) -> tuple[str, ...]:
        key = (id(before), id(after))
        if key not in self._found:
            self._found[key] = touched(before, after)
        return self._found[key]
