"""The gateway's loop and face: keeps every node on the current plan, and takes targets out of rotation and back."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from stationmaster.core.names import NodeName
from stationmaster.core.problem import Diagnostic
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.envoy.translate import translate
from stationmaster.gateway.node import Endpoints, endpoints
from stationmaster.gateway.plan.live import ApiKey, Live
from stationmaster.gateway.plan.whole import plan
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.receipts import Convergence
from stationmaster.gateway.rotation import Rotation
from stationmaster.gateway.xds import serving
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

log = structlog.get_logger("gateway")

_ACKNOWLEDGED_WITHIN_S = 3.0
_TICK_S = 60.0


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
    """Follows the declared platform and the credentials. Supervise `run`; call the rest from anywhere."""

    def __init__(self, database: Database, declared: Cell[PlatformSpec], credentials: CredentialsCell) -> None:
        self._database = database
        self._declared = declared
        self._credentials = credentials
        self._planned: tuple[Diagnostic, ...] = ()
        self.publication = Publication(declared.value.environment)
        self.rotation = Rotation(database, declared, self.publication.receipts, self._publish)

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
        async with serving(self.publication, self._spec.control.xds), asyncio.TaskGroup() as group:
            group.create_task(self.rotation.tell_untold(self.publication.revision))
            group.create_task(self._follow_credentials())
            group.create_task(self._follow_declared())

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
        live = Live(withdrawn=self.rotation.withdrawn, jwks=credentials.jwks, api_keys=api_keys)
        ir, problems = plan(self._spec, live)
        if problems != self._planned:
            self._planned = problems
            for each in problems:
                log.warning("left out of the plan", code=each.code, message=each.message, origin=str(each.origin))
        return self.publication.publish(translate(ir))

    async def _follow_credentials(self) -> None:
        async for _ in self._credentials.changes(tick=_TICK_S):
            self._publish()

    async def _follow_declared(self) -> None:
        async for _ in self._declared.changes(tick=_TICK_S):
            self._publish()

    async def publish_declared(self) -> Convergence:
        """Sends what is declared now to every node and waits up to 3 s until they have answered."""
        return await self.publication.receipts.wait(self._publish(), self._nodes, _ACKNOWLEDGED_WITHIN_S)
