"""The configuration that is published now, and which nodes follow it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from stationmaster.core.problem import Diagnostic
from stationmaster.gateway.receipts import Receipts, diagnostic, gist
from stationmaster.gateway.session import Session
from stationmaster.gateway.snapshot import Snapshot
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
        if self.revision and _versions(snapshots) == _versions(self.snapshots):
            return self.revision
        self.revision += 1
        self.snapshots = snapshots
        self.receipts.published(self.revision, time.monotonic())
        for follower in self.followers.values():
            follower.awake.beat()
        return self.revision

    def knows(self, node: str, environment: str) -> bool:
        return environment == self.environment and node in self.snapshots

    def follow(self, node: str) -> Follower:
        """A node has connected; an earlier stream of the same node is over."""
        follower = Follower(node)
        earlier = self.followers.get(node)
        self.followers[node] = follower
        if earlier:
            earlier.awake.beat()
        log.info("gateway node connected", node=node)
        return follower

    def leave(self, follower: Follower) -> None:
        if self.follows(follower):
            del self.followers[follower.node]
            log.info("gateway node disconnected", node=follower.node)

    def follows(self, follower: Follower) -> bool:
        return self.followers.get(follower.node) is follower and follower.node in self.snapshots

    def refresh(self, follower: Follower) -> None:
        """Shows the follower what is published now."""
        follower.session.show(self.snapshots[follower.node], self.revision)

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


def _versions(snapshots: Mapping[str, Snapshot]) -> dict[str, object]:
    return {node: each.versions for node, each in snapshots.items()}
