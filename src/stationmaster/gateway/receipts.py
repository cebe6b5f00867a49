"""Which node took which revision of the configuration, how soon, and what a node refused."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stationmaster.core.problem import Diagnostic
from stationmaster.gateway.session import Refusal
from stationmaster.gateway.snapshot import Kind
from stationmaster.runtime.board import Pulse
from stationmaster.runtime.timings import Timings

_KEPT = 1_000
_LONGEST_REASON = 400
_TIMED = "From publishing a revision of the configuration to a node's acknowledgement."
_WORDS = {
    Kind.POOL: "virtual host",
    Kind.ENDPOINTS: "targets of virtual host",
    Kind.FILTER: "credentials",
    Kind.CERTIFICATE: "certificate",
    Kind.ENTRANCE: "listener",
    Kind.SECTION: "section of routes",
    Kind.ROUTES: "routes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """How far a revision has come: `acknowledged` holds milliseconds from publishing to a node's acknowledgement."""

    revision: int
    acknowledged: Mapping[str, float] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    rejected: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class _Receipt:
    published_s: float
    acknowledged: dict[str, float] = field(default_factory=dict)
    rejected: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Receipts:
    """Moments are seconds of one monotonic clock. The last thousand revisions are kept."""

    changed: Pulse = field(default_factory=Pulse)
    timings: Timings = field(default_factory=lambda: Timings(name="xds_ack_seconds", help=_TIMED, labels=("node",)))
    _revisions: OrderedDict[int, _Receipt] = field(default_factory=OrderedDict)

    def published(self, revision: int, moment_s: float) -> None:
        self._revisions[revision] = _Receipt(moment_s)
        while len(self._revisions) > _KEPT:
            self._revisions.popitem(last=False)

    def settled(self, node: str, revision: int, moment_s: float, refusals: Iterable[Refusal] = ()) -> None:
        """The node has answered to `revision`, and by that to every earlier one.

        What it refused of an earlier revision and goes on refusing does not count against this one.
        """
        fresh = tuple(diagnostic(node, each) for each in refusals if each.revision == revision)
        receipt = self._revisions.get(revision)
        if fresh and receipt:
            receipt.rejected[node] = fresh
        for number in reversed(self._revisions):
            receipt = self._revisions[number]
            if node in receipt.acknowledged:
                break
            if number <= revision and node not in receipt.rejected:
                receipt.acknowledged[node] = round((moment_s - receipt.published_s) * 1000, 1)
                self.timings.observe(moment_s - receipt.published_s, node)
        self.changed.beat()

    def convergence(self, revision: int, nodes: Iterable[str]) -> Convergence:
        receipt = self._revisions.get(revision)
        if receipt is None:
            return Convergence(revision=revision, pending=tuple(nodes))
        answered = receipt.acknowledged.keys() | receipt.rejected.keys()
        return Convergence(
            revision=revision,
            acknowledged=dict(receipt.acknowledged),
            pending=tuple(node for node in nodes if node not in answered),
            rejected=tuple(each for problems in receipt.rejected.values() for each in problems),
        )

    async def wait(self, revision: int, nodes: tuple[str, ...], limit_s: float) -> Convergence:
        """Waits until every node has answered to `revision`, at most `limit_s`."""
        end = asyncio.get_running_loop().time() + limit_s
        while True:
            seen = self.changed.count
            now = self.convergence(revision, nodes)
            left = end - asyncio.get_running_loop().time()
            if not now.pending or left <= 0 or not await self.changed.beyond(seen, left):
                return self.convergence(revision, nodes)


def diagnostic(node: str, refusal: Refusal) -> Diagnostic:
    what = refusal.resource
    return Diagnostic(
        code="node-refused",
        message=f"gateway node {node} refuses {_WORDS[what.kind]} {what.name}: {gist(refusal.reason)}",
        origin=what.origin,
        hint="the node goes on with what it had before; correct the declaration and apply it again",
    )


def gist(reason: str) -> str:
    """The last line: those before it repeat the whole resource, secrets and all."""
    lines = [line for line in reason.splitlines() if line.strip()]
    return lines[-1].strip(" :")[-_LONGEST_REASON:] if lines else "no reason given"
