"""Finds out what is wrong before a run changes anything: looks at everything at once, asks for numbers, tells it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from stationmaster.core.facts import Alert, CheckMade, DiagnosisMade, ProposedRemedy
from stationmaster.runbooks import store
from stationmaster.runbooks.diagnosis.plan import (
    arranged,
    expects,
    first_change,
    looked_at_once,
    names_cause,
    reads_log,
)
from stationmaster.runbooks.diagnosis.rank import Evidence, Looked, Number, rank
from stationmaster.runbooks.diagnosis.signs import measures_of
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.journal import Write
from stationmaster.runbooks.looking import Glance, Looking
from stationmaster.runbooks.plan.planned import PlannedKind, PlannedStep
from stationmaster.runbooks.run import Entry
from stationmaster.runbooks.shell.script import Filled, Value, fill
from stationmaster.runbooks.worked import Worked

MADE = "diagnosis:made"
"""Under which name a run keeps what was found out."""
LOOKS_S, ASKS_S, FRESH_S = 15.0, 5.0, 10.0
"""How long everything together is looked at, and after that once more as long where the step that names the cause has
not ended, because a diagnosis without it would name none; how long numbers are waited for, and how long afterwards
what was seen stands for a look of the run."""
_LOGS_WAIT_S = 5.0
_LONGEST_SHOWN = 300

Answer = tuple[Number, ...] | str
"""The numbers, or in words why there are none."""
Ask = Callable[[str], Awaitable[Answer]]
"""Answers a query of PromQL at this moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is not well: `alerts` are others that fire about the same, `affected` says in words what else there
    is."""

    alerts: tuple[Alert, ...] = ()
    affected: tuple[str, ...] = ()


LookAround = Callable[[int, str, Mapping[str, str]], Awaitable[Around]]
"""Is given the incident, the alert's fingerprint and its labels."""


async def nobody_answers(_query: str) -> Answer:
    return "nobody here answers queries"


async def nothing_around(_incident: int, _fingerprint: str, _labels: Mapping[str, str]) -> Around:
    return Around()


@dataclass(slots=True, kw_only=True)
class Diagnosing:
    """`at_once` is how many commands run together."""

    worked: Worked
    looking: Looking
    run: store.Run
    ask: Ask
    around: LookAround
    at_once: int
    limit_s: float = field(default_factory=lambda: LOOKS_S)
    _late: list[PlannedStep] = field(default_factory=list)

    async def begin(self) -> None:
        """Makes the diagnosis once, and plans the rest of the run by it. A run that did something before it had one
        goes on without; after a crash what was told holds."""
        worked = self.worked
        made = again(worked.given.get(MADE, ""))
        if made is None and not worked.entries:
            made = await self._made()
            await worked.write(Write(values={MADE: msgspec.json.encode(made).decode()}, facts=(made,)))
        if made is not None:
            worked.plan = arranged(worked.plan, made)

    async def _made(self) -> DiagnosisMade:
        worked, run = self.worked, self.run
        looked, answers, around = await asyncio.gather(
            self._look(looked_at_once(worked.plan)), self._answers(), self._around()
        )
        self.looking.glances = {key: each for key, each in looked.items() if isinstance(each, Glance)}
        self.looking.fresh_until = worked.now() + timedelta(seconds=FRESH_S)
        found = [self._looked(key, each) for key, each in looked.items()]
        firing = {measure: each.name for each in around.alerts for measure in measures_of([each])}
        ranking = rank(worked.plan.suspects, Evidence(looked=found, answers=answers, firing=firing))
        told = DiagnosisMade(
            at=worked.now(),
            incident=run.incident,
            run=run.id,
            runbook=run.runbook,
            likely=ranking.likely,
            why=ranking.why,
            causes=ranking.causes,
            checks=tuple(_check(each) for each in found if each.verdict is not Verdict.REFUSED),
            unseen=tuple(self._unseen(found)),
            affected=around.affected,
            fingerprint=run.fingerprint,
        )
        return replace(told, proposed=self._proposed(told))

    # Looking

    async def _look(self, steps: Sequence[PlannedStep]) -> dict[str, Glance | str]:
        """What can be seen within the limit; the run itself comes back to the rest. Logs are read after the checks."""
        turns = asyncio.Semaphore(self.at_once)

        async def look(step: PlannedStep) -> Glance | str:
            if reads_log(step) and checks:
                await asyncio.wait(checks, timeout=_LOGS_WAIT_S)
            async with turns:
                return await self.looking.glance(step)

        first = sorted(steps, key=lambda step: (reads_log(step), not names_cause(step)))
        checks: list[asyncio.Task[Glance | str]] = []
        tasks: dict[str, asyncio.Task[Glance | str]] = {}
        for step in first:
            tasks[step.key] = asyncio.create_task(look(step))
            checks += [] if reads_log(step) else [tasks[step.key]]
        naming = [tasks[step.key] for step in steps if names_cause(step)]
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=self.limit_s)
            if any(not each.done() for each in naming):
                await asyncio.wait(naming, timeout=self.limit_s)
        finally:
            late = [task for task in tasks.values() if not task.done()]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._late = [step for step in steps if tasks[step.key] in late]
        return {step.key: tasks[step.key].result() for step in steps if tasks[step.key] not in late}

    async def _answers(self) -> dict[str, Answer]:
        gauges = [sign.gauge for each in self.worked.plan.suspects for sign in each.signs]
        queries = list(dict.fromkeys(each.query for each in gauges if each is not None))
        return dict(zip(queries, await asyncio.gather(*map(self._answer, queries)), strict=True))

    async def _answer(self, query: str) -> Answer:
        try:
            async with asyncio.timeout(ASKS_S):
                return await self.ask(query)
        except TimeoutError:
            return f"no number came within {ASKS_S:g} s"

    async def _around(self) -> Around:
        try:
            async with asyncio.timeout(ASKS_S):
                return await self.around(self.run.incident, self.run.fingerprint, self.worked.request.labels)
        except TimeoutError:
            return Around()

    # What it comes to

    def _looked(self, key: str, seen: Glance | str) -> Looked:
        step = next(each for each in self.worked.plan.steps if each.key == key)
        if isinstance(seen, str):
            return Looked(step=key, title=step.title, verdict=Verdict.REFUSED, why=seen)
        ended = self.looking.ended(step, seen.filled, seen.seen, seen.began.attempt)
        return Looked(
            step=key,
            title=step.title,
            verdict=ended.verdict,
            why=ended.why,
            output=ended.output,
            expects=expects(step),
        )

    def _unseen(self, found: Sequence[Looked]) -> Iterator[str]:
        """Of reading steps, each with the reason."""
        for each in found:
            if each.verdict is Verdict.REFUSED:
                yield f"step {each.step} {each.title}: {each.why}"
        for step in self._late:
            yield f"step {step.key} {step.title}: no end within {self.limit_s:g} s; the run comes back to it"
        for step in self.worked.plan.steps:
            open_ones = [each.written for each in step.places if each.value is None and not each.from_step]
            if step.kind is PlannedKind.CHECK and open_ones:
                yield f"step {step.key} {step.title}: nothing says what `{open_ones[0]}` is"

    def _proposed(self, made: DiagnosisMade) -> ProposedRemedy | None:
        worked, glances = self.worked, self.looking.glances
        steps = {each.key: each for each in worked.plan.steps}
        seen = {key: _entry(self._looked(key, each), each.at) for key, each in glances.items()}
        given = [self.looking.values_of(steps[key], each.seen.ran)[0] for key, each in glances.items()]
        known = {**worked.given, **{name: text for each in given for name, text in each.items()}}
        step = first_change(arranged(worked.plan, made), seen, worked.signals, worked.now(), known)
        if step is None:
            return None
        command = worked.clean(_filled(step, known))
        return ProposedRemedy(step=step.key, title=step.title, command=command, asks=step.asks)


def again(kept: str) -> DiagnosisMade | None:
    """What a run kept; None where it has none, or one of another version."""
    try:
        return msgspec.json.decode(kept, type=DiagnosisMade) if kept else None
    except msgspec.MsgspecError:
        return None


def _check(looked: Looked) -> CheckMade:
    detail = looked.why if len(looked.why) <= _LONGEST_SHOWN else f"{looked.why[:_LONGEST_SHOWN]}…"
    return CheckMade(step=looked.step, title=looked.title, verdict=looked.verdict.value, detail=detail)


def _entry(looked: Looked, at: datetime) -> Entry:
    return Entry(
        key=looked.step, started_at=at, tried_at=at, attempts=1, verdict=looked.verdict, detail=looked.why, ended_at=at
    )


def _filled(step: PlannedStep, known: Mapping[str, str]) -> str:
    """The command as it will be run, as far as its values are known; secrets are not among them."""
    texts = {each.written: each.value or known.get(each.name, "") for each in step.places if not each.secret}
    free = {each.written: bool(each.pattern) for each in step.places}
    filled = fill(step.script, {name: Value(text=text, free=free[name]) for name, text in texts.items() if text})
    return filled.text if isinstance(filled, Filled) else step.command
