"""Compares what nodes say, what the registry says and what direct checks say, so that no state can stick unseen."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime

import structlog

from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway import disagreement
from stationmaster.gateway.chronicle import Chronicle
from stationmaster.gateway.disagreement import DirectCheck, Finding, NodeView, View
from stationmaster.gateway.loop import Gateway
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.sighting import sightings
from stationmaster.gateway.snapshot import Kind
from stationmaster.runtime import audit
from stationmaster.runtime.audit import Change
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("gateway.watchdog")

BY = "watchdog"
_TICK_S = 1.0
_SHARE = 0.05
"""The most of the time that may be spent on looking: with many targets, it looks less often."""

DirectChecks = Callable[[], Mapping[str, DirectCheck]]
"""What the platform's own checks say now, by instance."""
Resolved = Callable[[Iterable[int]], Awaitable[frozenset[int]]]
"""Which of these incidents are resolved."""


def _unchecked() -> Mapping[str, DirectCheck]:
    return {}


async def _none_resolved(_: Iterable[int]) -> frozenset[int]:
    return frozenset()


class Watchdog:
    """Supervise `run`. `findings` shows the disagreements that have lasted too long; `failing_since` when each node, by
    name, began to find a target unhealthy, by the target's virtual host and address; `chronicle` tells what happened to
    each."""

    def __init__(
        self,
        database: Database,
        declared: Cell[PlatformSpec],
        gateway: Gateway,
        *,
        direct: DirectChecks = _unchecked,
        resolved: Resolved = _none_resolved,
    ) -> None:
        self.database = database
        self.declared = declared
        self.gateway = gateway
        self._direct = direct
        self._resolved = resolved
        self._found: tuple[Finding, ...] = ()
        self.findings: Cell[tuple[Finding, ...]] = Cell(())
        self.failing_since: dict[tuple[str, str, str], datetime] = {}
        self.chronicle = Chronicle()
        self.looked_at: datetime | None = None

    async def run(self) -> None:
        """Looks every second, for ever."""
        while True:
            started = time.monotonic()
            await self.look()
            await asyncio.sleep(max(_TICK_S, (time.monotonic() - started) / _SHARE))

    async def look(self) -> tuple[Finding, ...]:
        """One comparison; mends what can be mended, and returns the findings."""
        view, now = await self._view(), utc_now()
        self._remember(view, now)
        self._found = disagreement.follow(self._found, view, now)
        mended = [each for each in disagreement.mendable(self._found, now) if self._resend(each)]
        if mended:
            self._found = disagreement.resent(self._found, mended, now)
            await self._tell(mended, now)
        self._show(disagreement.lasting(self._found, now))
        self.looked_at = now
        return self.findings.value

    def direct(self, instance: str | None) -> DirectCheck | None:
        return self._direct().get(instance) if instance else None

    async def _view(self) -> View:
        spec = self.declared.value
        seen = await asyncio.gather(*(sightings(node.admin) for node in spec.nodes))
        targets, links = await self.gateway.rotation.targets(), self.gateway.links()
        incidents = {row.incident for row in targets if row.incident is not None}
        return View(
            nodes=tuple(
                NodeView(
                    name=node.name,
                    connected=node.name in links and links[node.name].connected,
                    newest=node.name in links and links[node.name].acknowledged,
                    seen=each,
                )
                for node, each in zip(spec.nodes, seen, strict=True)
            ),
            targets=targets,
            direct=self._direct(),
            over=await self._resolved(incidents) if incidents else frozenset(),
            checked=frozenset(host.name for host in spec.virtual_hosts if host.health),
        )

    def _remember(self, view: View, now: datetime) -> None:
        failing = {
            (node.name, *where) for node in view.nodes for where, each in (node.seen or {}).items() if each.failing
        }
        self.failing_since = {key: self.failing_since.get(key, now) for key in failing}
        self.chronicle.note({node.name: node.seen for node in view.nodes}, now)

    def _resend(self, finding: Finding) -> bool:
        if finding.node is None or finding.virtual_host is None:
            return False
        return resend(self.gateway.publication, finding.node, finding.virtual_host)

    async def _tell(self, mended: Iterable[Finding], now: datetime) -> None:
        for each in mended:
            log.warning("sent once more", node=each.node, virtual_host=each.virtual_host, why=each.text)
        async with self.database.write() as connection:
            await audit.record(
                connection,
                *(
                    Change(at=now, who=BY, action="resend", kind="node", name=str(each.node), after={"why": each.text})
                    for each in mended
                ),
            )

    def _show(self, findings: tuple[Finding, ...]) -> None:
        before = {each.key for each in self.findings.value}
        for each in findings:
            if each.key not in before:
                log.warning("disagreement", kind=each.kind.value, finding=each.text)
        for each in self.findings.value:
            if each.key not in {other.key for other in findings}:
                log.info("disagreement is over", kind=each.kind.value, finding=each.text)
        self.findings.set(findings)


def resend(publication: Publication, node: str, virtual_host: str) -> bool:
    """Sends a node a virtual host and its targets once more, whatever it is thought to have; False if it is away."""
    follower = publication.followers.get(node)
    if follower is None:
        return False
    for kind in (Kind.POOL, Kind.ENDPOINTS):
        follower.session.channels[kind].again.add(virtual_host)
    follower.awake.beat()
    return True


def seen_by(findings: Iterable[Finding], virtual_host: str, target: str) -> tuple[Finding, ...]:
    """The findings about one target."""
    return tuple(each for each in findings if (each.virtual_host, each.target) == (virtual_host, target))
