"""The gateway's loop and face: keeps every node on the current plan, and takes targets out of rotation and back."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import structlog

from stationmaster.core.names import NodeName
from stationmaster.core.policy import Fault
from stationmaster.core.problem import Diagnostic
from stationmaster.core.proofs import Proofs
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.access_log import Hearer, nobody_hears
from stationmaster.gateway.certificates import Certificates
from stationmaster.gateway.envoy.translate import Translator
from stationmaster.gateway.ir_policy import Certificate
from stationmaster.gateway.live_nodes import LiveNodes
from stationmaster.gateway.metrics.usage import Usage
from stationmaster.gateway.node import Endpoints, endpoints
from stationmaster.gateway.plan.faults import NONE, NOTHING_WRONG, Overlaid, Swapped, Wrong
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.whole import Planner
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.receipts import Convergence
from stationmaster.gateway.rotation import Rotation
from stationmaster.gateway.xds import serving
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

log = structlog.get_logger("gateway")

_ACKNOWLEDGED_WITHIN_S = 3.0
_TICK_S = 60.0
_NODES_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLink:
    """`acknowledged`: the node has taken the newest revision."""

    connected: bool
    acknowledged: bool


class Gateway:
    """Follows the declared platform and the credentials. Supervise `run` and `usage.run`; call the rest from
    anywhere."""

    def __init__(
        self,
        database: Database,
        declared: Cell[PlatformSpec],
        credentials: Cell[Proofs],
        certificates: Certificates | None = None,
        *,
        hear: Hearer = nobody_hears,
    ) -> None:
        """Without `certificates` no node gets a TLS entrance. `hear` is told of requests that nodes served."""
        self._hear = hear
        self._database = database
        self._declared = declared
        self._credentials = credentials
        self._planner = Planner()
        self._translator = Translator()
        self._certificates = certificates
        self._live_nodes = LiveNodes(began_s=time.monotonic())
        self._planned: tuple[Diagnostic, ...] = ()
        self._overlaid = Overlaid()
        self.faults: Cell[Mapping[str, Fault]] = Cell(NONE)
        """Injected for a while, by the name of the API."""
        self.wrong = NOTHING_WRONG
        """What nodes are given on purpose for a while: never written anywhere."""
        self._swapped = Swapped()
        self.usage = Usage(database, declared)
        self.publication = Publication(declared.value.environment)
        self.rotation = Rotation(
            database,
            declared,
            self.publication.receipts,
            self._publish,
            connected=self.publication.followers.keys,
        )

    @property
    def _spec(self) -> PlatformSpec:
        return self._declared.value

    @property
    def _nodes(self) -> tuple[NodeName, ...]:
        return tuple(node.name for node in self._spec.nodes)

    async def run(self) -> None:
        """Serves the nodes for ever. What was withdrawn is read back before any node is served."""
        await self.rotation.recall()
        self._publish()
        async with serving(self.publication, self._spec.control.xds, self._hear), asyncio.TaskGroup() as group:
            group.create_task(self.rotation.tell_untold(self.publication.revision))
            group.create_task(self._follow_credentials())
            group.create_task(self._follow_declared())
            if self._certificates:
                group.create_task(self._certificates.run())
                group.create_task(self._follow_certificate(self._certificates))
            group.create_task(self._follow_nodes())

    def links(self) -> Mapping[str, NodeLink]:
        """How every declared node stands to the configuration, by name."""
        return {name: self._link(name) for name in self._nodes}

    async def endpoints(self) -> Mapping[str, Endpoints | None]:
        """What every declared node finds of its targets, by name; None for one that does not answer."""
        nodes = self._spec.nodes
        seen = await asyncio.gather(*(endpoints(node.admin) for node in nodes))
        return {node.name: self._expected(each) for node, each in zip(nodes, seen, strict=True)}

    def _expected(self, seen: Endpoints | None) -> Endpoints | None:
        """Nodes count a draining target among those that they have, and not among the healthy ones."""
        return replace(seen, total=seen.total - self.rotation.leaving()) if seen else None

    def _link(self, node: str) -> NodeLink:
        follower = self.publication.followers.get(node)
        newest = follower is not None and follower.told == (self.publication.revision, 0)
        return NodeLink(connected=follower is not None, acknowledged=newest)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the plan left out, what is wrong with the certificate, and what nodes refuse now."""
        problem = self._certificates.problem if self._certificates else None
        return (*self._planned, *((problem,) if problem else ()), *self.publication.refused())

    async def publish_credentials(self) -> Convergence:
        """Sends the newest credentials to every node and waits up to 3 s until they check requests with them."""
        return await self.publication.receipts.wait(self._publish(), self._nodes, _ACKNOWLEDGED_WITHIN_S)

    def _publish(self) -> int:
        live = Live(
            withdrawn=self.rotation.withdrawn,
            draining=self.rotation.draining,
            forced=self.rotation.forced,
            proofs=self._swapped(self._credentials.value, self.wrong.jwks),
            live_nodes=self._nodes_now(),
            certificate=self._shown_certificate(),
        )
        ir, problems = self._planner.plan(self._overlaid(self._spec, self.faults.value), live)
        if problems != self._planned:
            self._planned = problems
            for each in problems:
                log.warning("left out of the plan", code=each.code, message=each.message, origin=str(each.origin))
        return self.publication.publish(self._translator.translate(ir))

    def _shown_certificate(self) -> Certificate | None:
        right = self._certificates.current.value if self._certificates else None
        return right and (self.wrong.certificate or right)

    async def _follow_credentials(self) -> None:
        async for _ in self._credentials.changes(tick=_TICK_S):
            self._publish()

    async def _follow_certificate(self, certificates: Certificates) -> None:
        async for _ in certificates.current.changes(tick=_TICK_S):
            self._publish()

    async def _follow_nodes(self) -> None:
        """How many nodes share the bounds of rate limits changes a few times a day: looked at, not waited for."""
        counted = self._nodes_now()
        while True:
            await asyncio.sleep(_NODES_EVERY_S)
            if (now := self._nodes_now()) != counted:
                counted = now
                self._publish()

    def _nodes_now(self) -> frozenset[str]:
        return self._live_nodes.among(self._nodes, self.publication.followers, time.monotonic())

    async def _follow_declared(self) -> None:
        async for _ in self._declared.changes(tick=_TICK_S):
            self._publish()

    async def set_faults(self, faults: Mapping[str, Fault]) -> Convergence:
        """In place of all that were injected before; waits up to 3 s until every node has taken it."""
        self.faults.set(dict(faults) if faults else NONE)
        return await self.publish_declared()

    async def set_wrong(self, wrong: Wrong) -> Convergence:
        """In place of all that was wrong before; waits up to 3 s until every node has taken it."""
        self.wrong = wrong
        return await self.publish_declared()

    async def publish_declared(self) -> Convergence:
        """Sends what is declared now to every node and waits up to 3 s until they have answered."""
        return await self.publication.receipts.wait(self._publish(), self._nodes, _ACKNOWLEDGED_WITHIN_S)
