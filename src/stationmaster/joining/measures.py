"""What the control plane tells of itself: numbers of every room, as its metrics."""

import asyncio
import platform as python_platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stationmaster import __version__
from stationmaster.gateway.loop import Gateway
from stationmaster.incidents.life import OPEN
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.store import Incident
from stationmaster.monitor.loop import Monitor
from stationmaster.runbooks.loop import Runbooks
from stationmaster.runtime import tasks
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.metrics import ControlMetrics, Kind, Reading, single
from stationmaster.runtime.outbox_lag import lags
from stationmaster.runtime.space import Space, space_of
from stationmaster.runtime.timings import Labels

_MOST_INCIDENTS = 10_000
_QUANTILES = (0.5, 0.95, 0.99, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Those that have something to tell."""

    database: Database
    gateway: Gateway
    incidents: Incidents
    monitor: Monitor
    runbooks: Runbooks
    state: Path
    """The folder that holds everything durable."""


def metrics_of(rooms: Rooms) -> ControlMetrics:
    async def process() -> Iterable[Reading]:
        return [*_of_process(rooms.database), *await _of_outbox(rooms.database, utc_now())]

    async def trouble() -> Iterable[Reading]:
        return [
            _alerts(Counter(each.name for each in await rooms.monitor.firing())),
            _incidents(Counter(each.severity for each in await _open_incidents(rooms.incidents))),
            single("updates_owed", len(rooms.incidents.updates_owed.value), "Incidents whose news are overdue."),
            single("runs_open", len(await rooms.runbooks.open_runs()), "Runs of runbooks that have not ended."),
        ]

    async def checks() -> Iterable[Reading]:
        return _of_checks(rooms.monitor)

    async def nodes() -> Iterable[Reading]:
        return _of_nodes(rooms.gateway)

    async def space() -> Iterable[Reading]:
        limit_bytes = rooms.monitor.declared.value.monitoring.state_limit_bytes
        return _of_space(await asyncio.to_thread(space_of, rooms.state), limit_bytes)

    return ControlMetrics(
        sources=(process, trouble, checks, nodes, space), timings=(rooms.gateway.publication.receipts.timings,)
    )


def _each(values: Mapping[str, float]) -> dict[Labels, float]:
    """Of a metric with one label."""
    return {(label,): value for label, value in sorted(values.items())}


def _of_process(database: Database) -> Iterable[Reading]:
    build = (__version__, python_platform.python_version())
    yield Reading(name="build_info", help="What runs here.", labels=("version", "python"), samples={build: 1})
    yield Reading(
        name="loop_failing",
        help="Loops that failed a moment ago.",
        labels=("loop",),
        samples=_each(dict.fromkeys(tasks.failing.value, 1.0)),
    )
    yield Reading(
        name="loop_failures",
        kind=Kind.COUNTER,
        help="How often a loop failed and was started again.",
        labels=("loop",),
        samples=_each(tasks.failures),
    )
    yield single("store_transactions", database.committed.count, "Transactions that were committed.", Kind.COUNTER)


async def _of_outbox(database: Database, now: datetime) -> Iterable[Reading]:
    found = await lags(database, now)
    return [
        Reading(
            name="outbox_lag_facts",
            help="Facts that a consumer has still to handle.",
            labels=("consumer",),
            samples=_each({each.consumer: each.facts for each in found}),
        ),
        Reading(
            name="outbox_lag_seconds",
            help="Age of the oldest fact that a consumer has still to handle.",
            labels=("consumer",),
            samples=_each({each.consumer: each.seconds for each in found}),
        ),
    ]


def _alerts(firing: Counter[str]) -> Reading:
    return Reading(name="alerts_firing", help="Alerts that fire now.", labels=("alertname",), samples=_each(firing))


def _incidents(by_severity: Counter[str]) -> Reading:
    samples = _each(by_severity)
    return Reading(name="incidents_open", help="Incidents not resolved.", labels=("severity",), samples=samples)


async def _open_incidents(incidents: Incidents) -> Sequence[Incident]:
    return await incidents.all(statuses=OPEN, limit=_MOST_INCIDENTS)


def _of_checks(monitor: Monitor) -> Iterable[Reading]:
    """A row for every check would say again what its own series say."""
    found = monitor.checks()
    states = Counter(each.state.value for each in found)
    yield Reading(
        name="probes",
        help="Checks, by the state that they find.",
        labels=("state",),
        samples=_each(states),
    )
    took = sorted(each.answer.latency_ms / 1_000 for each in found if each.answer)
    at = {str(share): took[min(len(took) - 1, int(share * len(took)))] for share in _QUANTILES if took}
    help_ = "How long the newest answers of all checks took."
    yield Reading(name="probe_last_duration_seconds", help=help_, labels=("share",), samples=_each(at))


def _of_space(space: Space, limit_bytes: int | None) -> Iterable[Reading]:
    yield single("state_taken_bytes", space.taken_bytes, "What the files of the state folder occupy.")
    yield single("state_disk_free_bytes", space.free_bytes, "What is left on the disk of the state folder.")
    told = "How full it is, 1 is full: of what it may take, or of its disk, whichever is nearer."
    yield single("state_fullness", round(space.fullness(limit_bytes), 4), told)


def _of_nodes(gateway: Gateway) -> Iterable[Reading]:
    links = gateway.links()
    yield Reading(
        name="gateway_node_connected",
        help="Whether the node is connected to the control plane.",
        labels=("node",),
        samples=_each({name: float(link.connected) for name, link in links.items()}),
    )
    yield Reading(
        name="gateway_node_acknowledged",
        help="Whether the node has taken the newest configuration.",
        labels=("node",),
        samples=_each({name: float(link.acknowledged) for name, link in links.items()}),
    )
    yield single("gateway_revisions", gateway.publication.revision, "Configurations published.", Kind.COUNTER)
    yield single("gateway_refusals", len(gateway.publication.refused()), "Resources that nodes refuse now.")
