"""Joins what is scraped, kept, evaluated and asked: the monitor's samples and rules, made of all that is declared."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stationmaster.config import StateDir
from stationmaster.core.monitoring import ExternalPrometheus
from stationmaster.core.problem import Diagnostic
from stationmaster.core.rules import RuleGroup
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.metrics.figures import BOUNDS_S
from stationmaster.gateway.metrics.targets import gateway_metrics
from stationmaster.monitor.alerting.asking import OwnAsk, asking
from stationmaster.monitor.alerting.durations import duration_text
from stationmaster.monitor.alerting.heartbeat import HeartbeatLoop
from stationmaster.monitor.alerting.loop import Alerting, Surround
from stationmaster.monitor.alerting.shelf import RuleShelf
from stationmaster.monitor.entrances import Entrances
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.objectives.desk import Objectives
from stationmaster.monitor.objectives.generate import generate
from stationmaster.monitor.own_rules import CERTIFICATE_EXPIRED, OWN_RULES, STORE_FULL
from stationmaster.monitor.promql.results import Result
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.external import ExternalQueries
from stationmaster.monitor.query.ours import Ours
from stationmaster.monitor.query.own import OwnQueries
from stationmaster.monitor.query.queries import Queries
from stationmaster.monitor.query.scraped import targets_told
from stationmaster.monitor.query.told import Told
from stationmaster.monitor.scrape.exposition import ExpositionReader
from stationmaster.monitor.scrape.loop import Scraper
from stationmaster.monitor.scrape.target import ScrapeTarget, targets_of
from stationmaster.monitor.series.store import SeriesStore
from stationmaster.runbooks.library import Library, Shelf
from stationmaster.runbooks.rules.derive import rules_of
from stationmaster.runbooks.rules.derived import Known
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

_LOOK_EVERY_S = 5.0
_ASKED_FOR_MS = 10_000
_NOWHERE = "/drill/metrics-gone"
_PROBES, _OWN = "probes", "stationmaster"
"""The streams of what checks find, and of what the control plane tells of itself."""

RAISED = frozenset(
    {
        "ServiceInstanceDown",
        "ServiceRegionDown",
        "ServiceDown",
        "ApiUnreachable",
        "GatewayNodeDown",
        "GatewayWayDown",
        "ScrapeTargetDown",
        "MetricsMissing",
        "RuleEvaluationFailing",
        "ErrorBudgetBurn",
        "ControlPlaneDown",
        STORE_FULL,
        CERTIFICATE_EXPIRED,
    }
)
"""Alerts that the platform raises by itself, whatever a runbook says of them."""


@dataclass(slots=True)
class Answering:
    """Who answers queries now: the store, or the Prometheus that is declared."""

    own: Queries
    declared: Cell[PlatformSpec]
    _external: tuple[ExternalPrometheus, ExternalQueries] | None = None

    def __call__(self) -> Queries:
        wanted = self.declared.value.monitoring.prometheus
        if wanted is None:
            return self.own
        if self._external is None or self._external[0] != wanted:
            if self._external is not None:
                self._external[1].close()
            self._external = wanted, ExternalQueries(wanted)
        return self._external[1]


@dataclass(slots=True)
class DerivedRules:
    """Groups of objectives and runbooks, made anew when either changes."""

    shelf: Shelf
    groups: tuple[RuleGroup, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    """What is wrong with objectives."""
    _of: tuple[PlatformSpec, Library] | None = None

    def make(self, spec: PlatformSpec) -> None:
        """Blocks: takes some milliseconds a hundred runbooks."""
        library = self.shelf.library.value
        if self._of is not None and self._of[0] is spec and self._of[1] is library:
            return
        made = generate(spec, BOUNDS_S)
        of_runbooks = rules_of(library.runbooks, _known(spec)).groups if spec.monitoring.runbook_rules else ()
        self.groups = (*made.groups, *of_runbooks, OWN_RULES)
        self.problems, self._of = made.diagnostics, (spec, library)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    declared: Cell[PlatformSpec]
    shelf: Shelf
    monitor: Monitor
    store: SeriesStore
    scraper: Scraper
    alerting: Alerting
    heartbeat: HeartbeatLoop
    desk: QueryDesk
    objectives: Objectives
    rules: RuleShelf
    derived: DerivedRules
    entrances: Entrances
    astray: Cell[frozenset[str]]
    """Whose metrics are asked for at the wrong place on purpose, by the name of the instance or gateway node."""

    def loops(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "series": self.store.run,
            "scraper": self.scraper.run,
            "alerting": self.alerting.run,
            "heartbeat": self.heartbeat.run,
            "rules": self.rules.run,
            "signals": self.follow,
            "probe samples": self.keep_probes,
            "entrances": self.entrances.run,
            "metrics astray": self.follow_astray,
        }

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong with rule files and objectives."""
        return (*self.rules.diagnostics, *self.derived.problems)

    def troubles(self) -> tuple[str, ...]:
        """In words, for people who ask how the platform does."""
        samples = (f"samples are not written to disk: {self.store.trouble}",) if self.store.trouble else ()
        beats = (f"the heartbeat fails: {self.heartbeat.trouble}",) if self.heartbeat.trouble else ()
        return (*samples, *beats, *map(str, self.problems))

    def close(self) -> None:
        """Writes what is not on disk yet; blocks."""
        self.desk.close()
        self.store.close()

    async def follow(self) -> None:
        """Keeps targets and derived rules as they are declared, for ever."""
        async for spec in self.declared.changes(tick=_LOOK_EVERY_S):
            self.store.retention_ms = spec.monitoring.retention_s * 1000
            self.scraper.targets.set(_led_astray(scrape_targets(spec), self.astray.value))
            await asyncio.to_thread(self.derived.make, spec)

    async def follow_astray(self) -> None:
        async for astray in self.astray.changes(tick=_LOOK_EVERY_S):
            self.scraper.targets.set(_led_astray(scrape_targets(self.declared.value), astray))

    async def keep_own(self, tell: Callable[[], Awaitable[bytes]]) -> None:
        """Writes what the control plane tells of itself as samples, as if it were scraped; for ever."""
        known = {"job": _OWN, "instance": str(self.declared.value.control.api)}
        reader = ExpositionReader(self.store.table, known)
        while True:
            now_ms = time.time_ns() // 1_000_000
            found = reader.read(await tell())
            self.store.append_row(_OWN, now_ms, found.ids, found.values)
            await asyncio.sleep(self.declared.value.monitoring.scrape_interval_ms / 1000)

    async def keep_probes(self) -> None:
        """Writes what checks find as samples, once an interval of scraping; for ever."""
        while True:
            now_ms = time.time_ns() // 1_000_000
            table = self.store.table
            told = (*self.monitor.samples(), *self.entrances.samples())
            found = {table.intern(labels): value for labels, value in told}
            if found:
                self.store.append(_PROBES, now_ms, found)
            await asyncio.sleep(self.declared.value.monitoring.scrape_interval_ms / 1000)


async def make_signals(
    declared: Cell[PlatformSpec],
    state: StateDir,
    database: Database,
    *,
    monitor: Monitor,
    shelf: Shelf,
    astray: Cell[frozenset[str]],
) -> Signals:
    """Reads what the store kept, and all rules; nothing runs yet."""
    spec = declared.value
    store = await asyncio.to_thread(SeriesStore, state.series, retention_ms=spec.monitoring.retention_s * 1000)
    answering = Answering(OwnQueries(store), declared)
    scraper = Scraper(store, Cell(scrape_targets(spec)))
    own, ours = OwnAsk(store), Ours()
    surround = Surround(
        ask=_asking(declared, own, answering, ours),
        ask_own=own,
        recorder=store,
        monitoring=lambda: declared.value.monitoring,
        targets=lambda: tuple(_known_labels(scraper.targets.value)),
        external_labels=lambda: {"environment": declared.value.environment},
        external_url=f"http://{spec.control.api}",
        rewind=store.rewind,
    )
    derived = DerivedRules(shelf)
    await asyncio.to_thread(derived.make, spec)
    rules = await asyncio.to_thread(RuleShelf, lambda: declared.value.monitoring.rules, lambda: derived.groups)
    ours.groups = lambda: rules.groups.value
    alerting = Alerting(database, rules.groups, surround)
    return Signals(
        declared=declared,
        shelf=shelf,
        monitor=monitor,
        store=store,
        scraper=scraper,
        alerting=alerting,
        heartbeat=HeartbeatLoop(lambda: declared.value.monitoring.heartbeat, alerting.alive),
        desk=QueryDesk(answering, _told(declared, scraper, alerting, rules=rules, derived=derived)),
        rules=rules,
        derived=derived,
        entrances=Entrances(declared),
        astray=astray,
        objectives=Objectives(declared=lambda: declared.value, ask=_asked_now(own), bounds_s=BOUNDS_S),
    )


def _told(
    declared: Cell[PlatformSpec], scraper: Scraper, alerting: Alerting, *, rules: RuleShelf, derived: DerivedRules
) -> Told:
    return Told(
        groups=alerting.told,
        targets=lambda: targets_told(scraper.state.value.values()),
        flags=lambda: _flags(declared.value),
        retention=lambda: duration_text(declared.value.monitoring.retention_s * 1000),
        problems=lambda: (*rules.diagnostics, *derived.problems),
    )


def scrape_targets(spec: PlatformSpec) -> tuple[ScrapeTarget, ...]:
    """Gateway nodes alone, where a Prometheus of the users' own scrapes: only here are their numbers translated."""
    declared = targets_of(spec) if spec.monitoring.prometheus is None else ()
    return (*declared, *_of_nodes(spec))


def _led_astray(targets: Sequence[ScrapeTarget], names: frozenset[str]) -> tuple[ScrapeTarget, ...]:
    """Those of these instances and nodes are asked for at a path where nobody answers but with 404."""
    return tuple(
        replace(each, path=_NOWHERE) if names & {each.instance, dict(each.labels).get("node", "")} else each
        for each in targets
    )


def _of_nodes(spec: PlatformSpec) -> Iterator[ScrapeTarget]:
    for each in gateway_metrics(spec):
        yield ScrapeTarget(
            job=each.job,
            instance=str(each.address),
            address=each.address,
            path=each.path,
            labels=each.labels,
            interval_ms=spec.monitoring.scrape_interval_ms,
            timeout_ms=spec.monitoring.scrape_timeout_ms,
            body_limit_bytes=each.body_limit_bytes,
            sample_limit=each.sample_limit,
            translate=each.translate,
        )


def _known(spec: PlatformSpec) -> Known:
    return Known(
        environment=spec.environment,
        services=frozenset(each.name for each in spec.services),
        apis=frozenset(each.name for each in spec.apis),
        raised=RAISED,
    )


def _known_labels(targets: Sequence[ScrapeTarget]) -> Iterator[Labels]:
    """What `up` of every target bears."""
    for each in targets:
        labels: Mapping[str, str] = dict(each.labels) | {"job": each.job, "instance": each.instance}
        yield tuple(sorted((name, value) for name, value in labels.items() if value))


def _asking(
    declared: Cell[PlatformSpec], own: OwnAsk, answering: Answering, ours: Ours
) -> Callable[[str, int, int], Result]:
    foreign = asking(answering)

    def ask(query: str, at_ms: int, timeout_ms: int) -> Result:
        chosen = own if declared.value.monitoring.prometheus is None or ours.reads(query) else foreign
        return chosen(query, at_ms, timeout_ms)

    return ask


def _asked_now(own: OwnAsk) -> Callable[[str], Awaitable[Result]]:
    """What objectives record is in the own store, whoever else answers queries."""

    async def ask(query: str) -> Result:
        at_ms = int(utc_now().timestamp() * 1000)
        return await asyncio.to_thread(own, query, at_ms, _ASKED_FOR_MS)

    return ask


def _flags(spec: PlatformSpec) -> Mapping[str, str]:
    """What a user of Prometheus looks for among its flags."""
    monitoring = spec.monitoring
    return {
        "query.lookback-delta": "5m",
        "storage.tsdb.retention.time": duration_text(monitoring.retention_s * 1000),
        "web.external-url": f"http://{spec.control.api}/prometheus",
    }
