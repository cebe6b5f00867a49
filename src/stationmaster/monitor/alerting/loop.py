"""Evaluates all groups of rules, and turns what becomes of their alerts into facts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import structlog

from stationmaster.core.monitoring import Monitoring
from stationmaster.core.rules import RuleGroup
from stationmaster.monitor.alerting.alert_book import AlertBook
from stationmaster.monitor.alerting.changes import Change, endings
from stationmaster.monitor.alerting.evaluate import Ask, RuleMemory
from stationmaster.monitor.alerting.group_run import GroupRun, Means, Recorder, steady_ms, wall_ms
from stationmaster.monitor.alerting.no_data import FILE, TARGET_DOWN, TARGET_METRIC, MetricsWatch, no_data_group
from stationmaster.monitor.alerting.states import Active, Phase
from stationmaster.monitor.alerting.telling import told
from stationmaster.monitor.promql.results import Fault, QueryError, Result
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.told import GroupTold
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.tasks import failing, supervise

log = structlog.get_logger("alerting")

_LOOK_EVERY_S = 5.0
_LOOK_EVERY_CYCLES = 4
_THREADS = 2
_TARGETS_STREAM, _MISSING_STREAM = "alerting/targets", "alerting/missing"
GroupKey = tuple[str, str]


def _no_labels() -> Mapping[str, str]:
    return {}


def _no_targets() -> Sequence[Labels]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surround:
    """What is handed to the room: `targets` are the label sets (job, instance …) that `up` of every declared target
    has, `external_labels` are added to every alert that leaves us, `rewind` is told to which moment (milliseconds) the
    clock was set back. `ask_own` asks the monitor's own store, where `ask` asks somebody else."""

    ask: Ask
    recorder: Recorder
    monitoring: Callable[[], Monitoring]
    targets: Callable[[], Sequence[Labels]] = _no_targets
    external_labels: Callable[[], Mapping[str, str]] = _no_labels
    external_url: str = ""
    ask_own: Ask | None = None
    rewind: Callable[[int], object] = lambda _: None
    wall: Callable[[], int] = wall_ms
    steady: Callable[[], int] = steady_ms


class Alerting:
    """The face of this room. `groups` has to hold all that is declared before `run` begins: alerts of rules that are
    not in it end."""

    def __init__(self, database: Database, groups: Cell[tuple[RuleGroup, ...]], surround: Surround) -> None:
        self.groups = groups
        self.surround = surround
        self.book = AlertBook(database, surround.external_labels)
        self.metrics = MetricsWatch(_LOOK_EVERY_CYCLES * surround.monitoring().evaluation_interval_ms)
        self._jobs: frozenset[str] = frozenset()
        self._undeclared: frozenset[str] = frozenset()
        """Jobs that were declared once, since the start, and are not now."""
        self._runs: dict[GroupKey, GroupRun] = {}
        self._tasks: dict[GroupKey, asyncio.Task[None]] = {}

    def told(self) -> Sequence[GroupTold]:
        """All groups with the state of their rules and alerts, as they are at this moment."""
        return [told(run) for run in self._runs.values()]

    def alive(self) -> bool:
        """Whether the last cycle of every group is younger than two of its intervals, and some rule went well in it."""
        now = self.surround.steady()
        return bool(self._runs) and all(
            run.well_at is not None and now - run.well_at < 2 * run.interval_ms + 1000 for run in self._runs.values()
        )

    @property
    def missed(self) -> int:
        """Cycles that were left out since the start, because the one before took too long."""
        return sum(run.missed for run in self._runs.values())

    async def run(self) -> None:
        """For ever; may be started again after a failure."""
        executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="rules")
        means = self._means(executor)
        try:
            known = await self._known()
            async with asyncio.TaskGroup() as group:
                async for groups in self.groups.changes(tick=_LOOK_EVERY_S):
                    known = await self._follow(groups, known, means, group)
        finally:
            self._tasks.clear()
            executor.shutdown(wait=False, cancel_futures=True)

    def _means(self, executor: ThreadPoolExecutor) -> Means:
        surround = self.surround
        return Means(
            ask=surround.ask,
            recorder=surround.recorder,
            book=self.book,
            executor=executor,
            turns=asyncio.Semaphore(_THREADS),
            external_labels=surround.external_labels,
            external_url=surround.external_url,
            rewind=surround.rewind,
            wall=surround.wall,
            steady=surround.steady,
        )

    async def _known(self) -> dict[str, RuleMemory]:
        """What was written of alerts, by the key of their rule."""
        self._runs.clear()
        now_ms = self.surround.wall()
        loaded = await self.book.load(now_ms)
        # Alerts of MetricsMissing say what was there once; nobody else remembers it over a restart.
        missed = {
            labels: alert.value
            for active in loaded.values()
            for labels, alert in active.items()
            if ("alertname", "MetricsMissing") in labels
        }
        self.metrics.follow(self.groups.value)
        self.metrics.resume(missed)
        return {key: RuleMemory(active=_from_now(active, now_ms), writes=True) for key, active in loaded.items()}

    async def _follow(
        self,
        groups: tuple[RuleGroup, ...],
        known: Mapping[str, RuleMemory],
        means: Means,
        tasks: asyncio.TaskGroup,
    ) -> dict[str, RuleMemory]:
        """Starts what is new, ends what is gone; what is known of rules goes with them."""
        wanted = self._wanted(groups)
        changed = [key for key, run in self._runs.items() if not _same(run, wanted.get(key))]
        if not changed and wanted.keys() == self._runs.keys():
            return {}
        memories = dict(known)
        for key in changed:
            await self._stop(key)
            memories |= self._runs.pop(key).memories
        for key in wanted.keys() - self._runs.keys():
            self._runs[key] = self._start(wanted[key], memories, means, tasks)
        await self._end_the_rest(memories)
        self._runs = {key: self._runs[key] for key in wanted}
        self.metrics.follow(groups)
        return {}

    def _wanted(self, groups: tuple[RuleGroup, ...]) -> dict[GroupKey, tuple[RuleGroup, int]]:
        monitoring = self.surround.monitoring()
        slowest = max(
            (job.interval_ms or monitoring.scrape_interval_ms for job in monitoring.scrape),
            default=monitoring.scrape_interval_ms,
        )
        own = no_data_group(slowest, self.surround.targets())
        wanted: dict[GroupKey, tuple[RuleGroup, int]] = {}
        for group in (*groups, own):
            if (group.file, group.name) not in wanted:
                interval_ms = group.interval_ms or monitoring.evaluation_interval_ms
                wanted[group.file, group.name] = (group, interval_ms)
        return wanted

    def _start(
        self,
        wanted: tuple[RuleGroup, int],
        memories: dict[str, RuleMemory],
        means: Means,
        tasks: asyncio.TaskGroup,
    ) -> GroupRun:
        group, interval_ms = wanted
        is_own = group.file == FILE
        if is_own and self.surround.ask_own is not None:
            means = replace(means, ask=self.surround.ask_own)
        run = GroupRun(
            group=group,
            interval_ms=interval_ms,
            means=means,
            before=partial(self._look, means) if is_own else None,
        )
        run.take_over(memories)
        for key in run.known_keys():
            memories.pop(key, None)
        name = f"rules {group.file} {group.name}"
        self._tasks[group.file, group.name] = tasks.create_task(supervise(name, run.run), name=name)
        return run

    async def _stop(self, key: GroupKey) -> None:
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            failing.set(failing.value - {task.get_name()})

    async def _end_the_rest(self, memories: Mapping[str, RuleMemory]) -> None:
        """Rules that are gone: their alerts and their series end."""
        at_ms = self.surround.wall()
        changes: list[Change] = []
        for key, memory in memories.items():
            changes += endings(key, memory.active, at_ms)
            if memory.writes:
                self.surround.recorder.end(f"rule/{key}", at_ms)
        await self.book.write(changes)

    async def _look(self, means: Means, at_ms: int, timeout_ms: int) -> None:
        """Writes which targets there are to be, and which rules read nothing any more."""
        self._note_undeclared()
        loop = asyncio.get_running_loop()
        ask = _within(self.surround.ask, self.surround.steady, timeout_ms)
        await loop.run_in_executor(means.executor, self.metrics.look, ask, at_ms, timeout_ms)
        self.metrics.forget(self._undeclared)
        targets = {self._named(TARGET_METRIC, each): 1.0 for each in self.surround.targets()}
        self._write(_TARGETS_STREAM, at_ms, targets)
        self._write(_MISSING_STREAM, at_ms, self.metrics.missing(self._down_jobs()))

    def _note_undeclared(self) -> None:
        """Whoever takes a job out of the YAML knows that its metrics end; a Prometheus of the users' own has other
        jobs than those that are declared here."""
        if self.surround.monitoring().prometheus is not None:
            return
        jobs = frozenset(dict(each).get("job", "") for each in self.surround.targets())
        self._undeclared = (self._undeclared | self._jobs) - jobs
        self._jobs = jobs

    def _write(self, stream: str, at_ms: int, samples: Mapping[Labels, float]) -> None:
        recorder = self.surround.recorder
        recorder.append(stream, at_ms, {recorder.table.intern(labels): value for labels, value in samples.items()})

    def _named(self, metric: str, labels: Labels) -> Labels:
        return tuple(sorted((dict(labels) | {"__name__": metric}).items()))

    def _down_jobs(self) -> frozenset[str]:
        """Jobs none of whose targets is scraped."""
        own = self._runs.get((FILE, "no-data"))
        if own is None:
            return frozenset()
        down = [dict(labels) for labels in own.memory(own.rules[0].key).active]
        places = {(each.get("job", ""), each.get("instance", "")) for each in down}
        targets = [dict(each) for each in self.surround.targets()]
        up = {each.get("job", "") for each in targets if (each.get("job", ""), each.get("instance", "")) not in places}
        return frozenset(job for job, _ in places) - up


def _within(ask: Ask, steady: Callable[[], int], timeout_ms: int) -> Ask:
    """One time limit for all that is asked, however many questions they are."""
    began = steady()

    def asked(query: str, at_ms: int, _timeout_ms: int) -> Result:
        left_ms = timeout_ms - (steady() - began)
        if left_ms <= 0:
            raise QueryError(Fault.TIMEOUT, "the interval is over")
        return ask(query, at_ms, left_ms)

    return asked


def _from_now(active: Active, now_ms: int) -> Active:
    """While nobody watched, nobody scraped either: that a target is not scraped counts from this moment on."""
    return {
        labels: replace(alert, active_ms=now_ms)
        if alert.phase is Phase.PENDING and ("alertname", TARGET_DOWN) in labels
        else alert
        for labels, alert in active.items()
    }


def _same(run: GroupRun, wanted: tuple[RuleGroup, int] | None) -> bool:
    return wanted is not None and run.group == wanted[0] and run.interval_ms == wanted[1]
