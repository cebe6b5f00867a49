"""Decides what the gateway does, from what is declared and what is known live."""

from collections.abc import Mapping
from dataclasses import replace

from stationmaster.core.problem import Diagnostic
from stationmaster.core.spec import PlatformSpec, VirtualHost
from stationmaster.gateway.ir import Ir, Pool
from stationmaster.gateway.ir_policy import Counting
from stationmaster.gateway.plan.credentials import Credentials
from stationmaster.gateway.plan.entrances import entrances
from stationmaster.gateway.plan.live import Live
from stationmaster.gateway.plan.policies import counting
from stationmaster.gateway.plan.pools import UNMARKED, Marks, pool
from stationmaster.gateway.plan.ramps import ramps
from stationmaster.gateway.plan.sections import Sections
from stationmaster.gateway.plan.traces import trace_sink
from stationmaster.gateway.remembered import Remembered


class Planner:
    """What did not change since the last plan is the same object in the next one."""

    def __init__(self) -> None:
        self._sections = Sections()
        self._credentials = Credentials()
        self._pools = Pools()
        self._counting: Remembered[Counting] = Remembered()

    def plan(self, spec: PlatformSpec, live: Live) -> tuple[Ir, tuple[Diagnostic, ...]]:
        """The whole gateway. What a diagnostic tells of was left out, in the direction that refuses."""
        shards, key_problems = self._credentials.shards(live.proofs)
        issuers, set_problems = self._credentials.issuers(spec, live.proofs)
        self._sections.follow(spec)
        counted = self._counting.of(None, (spec.apis, spec.api_users, len(spec.nodes)), lambda: counting(spec))
        ir = Ir(
            environment=spec.environment,
            pools=self._pools.of(spec.virtual_hosts, live, ramps(spec)),
            sections=self._sections.sections,
            shards=shards,
            issuers=issuers,
            trusts=self._sections.trusts,
            refused=self._credentials.refused(live.proofs),
            entrances=tuple(entrances(spec, live)),
            live_nodes=max(1, len(spec.nodes) if live.live_nodes is None else len(live.live_nodes)),
            certificate=live.certificate,
            counting=counted,
            traces=trace_sink(spec.monitoring.traces),
        )
        return ir, (*key_problems, *set_problems, *self._sections.told)


def plan(spec: PlatformSpec, live: Live) -> tuple[Ir, tuple[Diagnostic, ...]]:
    """A plan that remembers none before it."""
    return Planner().plan(spec, live)


class Pools:
    """Pools of virtual hosts; a mark on one target touches one pool."""

    def __init__(self) -> None:
        self._made: Remembered[Pool] = Remembered()
        self._last: tuple[tuple[VirtualHost, ...], Marks, Mapping[str, int], tuple[Pool, ...]] | None = None

    def of(self, hosts: tuple[VirtualHost, ...], live: Live, ramps_ms: Mapping[str, int]) -> tuple[Pool, ...]:
        every = Marks(withdrawn=live.withdrawn, draining=live.draining, forced=live.forced)
        if self._last and self._last[0] is hosts and self._last[1:3] == (every, ramps_ms):
            return self._last[3]
        marks = {name: _of(every, name) for name, _ in every.withdrawn | every.draining | every.forced}
        pools = tuple(self._pool(host, marks.get(host.name, UNMARKED), ramps_ms.get(host.name)) for host in hosts)
        self._made.keep({host.name for host in hosts})
        self._last = hosts, every, ramps_ms, pools
        return pools

    def _pool(self, host: VirtualHost, marks: Marks, ramp_ms: int | None) -> Pool:
        slowed = host if ramp_ms is None else replace(host, slow_start_ms=ramp_ms)
        return self._made.of(host.name, (host, marks, ramp_ms), lambda: pool(slowed, marks))


def _of(marks: Marks, host: str) -> Marks:
    def own(many: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        return frozenset(each for each in many if each[0] == host)

    return Marks(withdrawn=own(marks.withdrawn), draining=own(marks.draining), forced=own(marks.forced))
