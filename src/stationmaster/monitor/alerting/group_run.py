"""One group of rules on its interval: asks in worker threads, records, and hands on what became of alerts."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Protocol

from stationmaster.core.rules import RuleGroup
from stationmaster.monitor.alerting.alert_book import AlertBook
from stationmaster.monitor.alerting.changes import Change
from stationmaster.monitor.alerting.clock import ClockWatch, offset_ms, slot_before
from stationmaster.monitor.alerting.evaluate import Ask, Moment, Outcome, RuleMemory, evaluate, failed
from stationmaster.monitor.alerting.failing import failing_changes, failing_keys
from stationmaster.monitor.alerting.prepared import Prepared, prepared
from stationmaster.monitor.alerting.states import ActiveAlert, Step, shifted
from stationmaster.monitor.promql.samples import LabelTable

_GRACE_S = 1.0
"""How much longer than its time limit a query may take before its thread is left to itself."""
_LONGEST_SLEEP_S = 5.0
_SETTLING_INTERVALS = 3


class Recorded(Protocol):
    """What became of samples that were handed over; `why` says for what reason some were refused."""

    @property
    def refused(self) -> int: ...
    @property
    def why(self) -> str: ...


class Recorder(Protocol):
    """Where series of rules are written: `append` takes all that a stream has at a moment."""

    @property
    def table(self) -> LabelTable: ...
    def append(self, stream: str, at_ms: int, values: Mapping[int, float]) -> Recorded: ...
    def end(self, stream: str, at_ms: int) -> None: ...


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every group works with. `rewind` is told the moment to which the clock was set back."""

    ask: Ask
    recorder: Recorder
    book: AlertBook
    executor: Executor
    turns: asyncio.Semaphore
    external_labels: Callable[[], Mapping[str, str]]
    rewind: Callable[[int], object] = lambda _: None
    external_url: str = ""
    wall: Callable[[], int] = wall_ms
    steady: Callable[[], int] = steady_ms


@dataclass(slots=True, kw_only=True)
class GroupRun:
    """`interval_ms` is the one that is kept. `well_at` is when (steady milliseconds) a cycle last ended in which a rule
    went well; `before` is done at the beginning of every cycle, with its moment and a time limit in milliseconds."""

    group: RuleGroup
    interval_ms: int
    means: Means
    before: Callable[[int, int], Awaitable[None]] | None = None
    rules: tuple[Prepared, ...] = ()
    memories: dict[str, RuleMemory] = field(default_factory=dict)
    missed: int = 0
    evaluated_ms: int | None = None
    took_s: float = 0.0
    well_at: int | None = None
    _clock: ClockWatch = field(default_factory=ClockWatch)
    _settled_at: int = 0

    def __post_init__(self) -> None:
        self.rules = prepared(self.group)

    def memory(self, key: str) -> RuleMemory:
        return self.memories.get(key, RuleMemory())

    async def run(self) -> None:
        """For ever."""
        offset = offset_ms(self.group.file, self.group.name, self.interval_ms)
        await self._jumped()
        last = slot_before(self.means.wall(), self.interval_ms, offset)
        while True:
            await self._until(last + self.interval_ms)
            jumped = await self._jumped()
            due = slot_before(self.means.wall(), self.interval_ms, offset)
            if not jumped and due <= last:
                continue
            if not jumped:
                self.missed += (due - last) // self.interval_ms - 1
            last = due
            await self.cycle(due)

    async def cycle(self, at_ms: int) -> None:
        """Evaluates every rule at one moment, in their order."""
        async with self.means.turns:
            began = self.means.steady()
            if self.before is not None:
                await self.before(at_ms, self.interval_ms)
            outcomes = [await self._rule(each, at_ms, began) for each in self.rules]
            pairs = list(zip(self.rules, outcomes, strict=True))
            changes = self._changes(pairs, at_ms)
            await self.means.book.write(changes)
            for each, outcome in pairs:
                self.memories[each.key] = outcome.memory
            self._remember_failing(changes)
            self.evaluated_ms = at_ms
            self.took_s = (self.means.steady() - began) / 1000
            if not self.rules or any(not outcome.memory.last_error for outcome in outcomes):
                self.well_at = self.means.steady()

    async def _rule(self, each: Prepared, at_ms: int, began: int) -> Outcome:
        memory = self.memory(each.key)
        left_ms = self.interval_ms - (self.means.steady() - began)
        if left_ms <= 0:
            return failed(memory, "the interval of its group ended before it was its turn", at_ms)
        moment = Moment(
            at_ms=at_ms,
            query_ms=at_ms - self.group.query_offset_ms,
            timeout_ms=left_ms,
            left_ms=lambda: self.interval_ms - (self.means.steady() - began),
            ask=self.means.ask,
            limit=self.group.limit,
            settling=self.means.steady() < self._settled_at,
            external_labels=self.means.external_labels(),
            external_url=self.means.external_url,
        )
        begun = time.perf_counter()
        outcome = await self._in_thread(each, memory, moment)
        outcome = replace(outcome, memory=replace(outcome.memory, took_s=time.perf_counter() - begun))
        return self._record(each, memory, outcome, moment.query_ms)

    async def _in_thread(self, each: Prepared, memory: RuleMemory, moment: Moment) -> Outcome:
        work = asyncio.get_running_loop().run_in_executor(self.means.executor, evaluate, each, memory, moment)
        try:
            async with asyncio.timeout(moment.timeout_ms / 1000 + _GRACE_S):
                return await work
        except TimeoutError:
            return failed(memory, f"no answer within {moment.timeout_ms} ms", moment.at_ms)

    def _record(self, each: Prepared, memory: RuleMemory, outcome: Outcome, at_ms: int) -> Outcome:
        """A rule that gives nothing ends the series that it gave before; one that failed leaves them to grow old."""
        if outcome.samples is None or not (outcome.samples or memory.writes):
            return outcome
        values = {self.means.recorder.table.intern(labels): value for labels, value in outcome.samples.items()}
        told = self.means.recorder.append(each.stream, at_ms, values)
        if told.refused:
            warnings = (*outcome.memory.warnings, f"{told.refused} samples were refused: {told.why}")
            return replace(outcome, memory=replace(outcome.memory, warnings=warnings))
        return outcome

    def _changes(self, pairs: Sequence[tuple[Prepared, Outcome]], at_ms: int) -> list[Change]:
        made = [
            Change(key=each.key, rule=each.rule, transition=transition, at_ms=at_ms)
            for each, outcome in pairs
            for transition in outcome.transitions
        ]
        after = [(each, outcome.memory) for each, outcome in pairs]
        return [*made, *failing_changes(self.group, after, self._failing(), at_ms)]

    def _failing(self) -> dict[str, ActiveAlert]:
        known = ((key, self.memory(key)) for key in failing_keys(self.group, self.rules))
        return {key: alert for key, memory in known for alert in memory.active.values()}

    def _remember_failing(self, changes: Sequence[Change]) -> None:
        keys = set(failing_keys(self.group, self.rules))
        for change in changes:
            if change.key in keys:
                alert = change.transition.alert
                active = {} if change.transition.step is Step.RESOLVED else {alert.labels: alert}
                self.memories[change.key] = RuleMemory(active=active)

    async def _jumped(self) -> bool:
        """Whether the clock was set since the last look. What ran goes on as long as it has run, and after a step back
        nothing ends at once."""
        jump_ms = self._clock.jump(self.means.wall(), self.means.steady())
        if jump_ms == 0:
            return False
        for key, memory in self.memories.items():
            if memory.active:
                moved = shifted(memory.active, jump_ms)
                await self.means.book.rewrite(key, moved)
                self.memories[key] = replace(memory, active=moved)
        if jump_ms < 0:
            self.means.rewind(self.means.wall())
            self._settled_at = self.means.steady() + _SETTLING_INTERVALS * self.interval_ms
        return True

    async def _until(self, due_ms: int) -> None:
        """Waits for a moment of the wall clock, in parts: it may be set meanwhile."""
        deadline = self.means.steady() + self.interval_ms
        while True:
            left_ms = min(due_ms - self.means.wall(), deadline - self.means.steady())
            if left_ms <= 0:
                return
            await asyncio.sleep(min(left_ms / 1000, _LONGEST_SLEEP_S))

    def take_over(self, known: Mapping[str, RuleMemory]) -> None:
        """Goes on with what is known of its rules."""
        for key in self.known_keys():
            if key in known:
                self.memories[key] = known[key]

    def known_keys(self) -> tuple[str, ...]:
        """Under which something may be known: of its rules, and of their failing."""
        return (*(each.key for each in self.rules), *failing_keys(self.group, self.rules))
