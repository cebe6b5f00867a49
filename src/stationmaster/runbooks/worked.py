"""One run that somebody works, while it is worked: its journal, the values it has, and who is told."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from stationmaster.core.facts import Fact
from stationmaster.runbooks import journal
from stationmaster.runbooks.commands.local import Runner, run_locally
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.journal import Intent, Write
from stationmaster.runbooks.journal_file import telling
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.read.parameters import plain_name
from stationmaster.runbooks.redact import redacted
from stationmaster.runbooks.request import RunRequest, sources_of
from stationmaster.runbooks.run import Entry, Signals
from stationmaster.runbooks.shell.script import Misfit, Value, fill
from stationmaster.runbooks.talk import Operator, OutputSeen, Place, RunEvent, StepBegan, StepEnded
from stationmaster.runbooks.values import BoundPlace, Source, Sources, is_everybodys, is_secret, known_value, problem_of
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

ASKED_AT_MOST = 20
"""How often a value that does not fit is asked for again."""
SHORTEST_SECRET = 6
"""A shorter value of the environment is as likely a word as a secret."""
EFFECT = "effect:"
"""How it is named what a change led to: `effect:KEY`."""
NOTHING_SEEN = "-"
"""What is kept of a change after which callers fare no worse."""
VARIABLE, FOLDER = "$", "$PWD"
"""How values that a shell left behind are named: `$NAME`."""


def _nothing_told(_what: Write) -> Sequence[Fact]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfilled:
    why: str


@dataclass(slots=True, kw_only=True)
class Worked:
    """`given` are the values and decisions that are journaled, `hidden` the secrets that never are."""

    run: str
    plan: Plan
    request: RunRequest
    database: Database
    file: Path | None
    operator: Operator
    now: Callable[[], datetime]
    runner: Runner = run_locally
    signals: Signals = field(default_factory=Signals)
    """What was heard from outside up to now."""
    tells: Callable[[Write], Sequence[Fact]] = _nothing_told
    """The facts that go out with a write of the journal, in the same transaction."""
    entries: dict[str, Entry] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    intents: dict[str, Intent] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()
    """What speaks against making any change of this run without asking anew."""
    stale: set[str] = field(default_factory=set)
    """The steps whose journaled approval holds no more."""
    ended: dict[str, StepEnded] = field(default_factory=dict)
    """How steps ended that have ended since the run was taken up."""
    halts: dict[str, asyncio.Event] = field(default_factory=dict)
    """Set for a step that somebody does not want to wait for any longer."""
    halted_by: str = ""
    number: int = 0
    sources: Sources = field(init=False)
    _surrounding: tuple[str, ...] = field(default=(), init=False)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self.sources = sources_of(self.request)
        around = {**self.request.env, **self.request.values}
        self._surrounding = tuple(
            value
            for name, value in around.items()
            if len(value) >= SHORTEST_SECRET and is_secret(plain_name(name), self.sources)
        )

    async def load(self) -> None:
        """What the journal knows of the run."""
        async with telling(self.file), self.database.read() as connection:
            self.entries = await journal.entries(connection, self.run)
            self.given = await journal.given(connection, self.run)
            self.intents = await journal.intents(connection, self.run)
            self.codes = await journal.codes(connection)
            self.number = await journal.next_number(connection, self.run)
        self.stale = set(self.intents) if self.doubts else set()

    async def write(self, what: Write, *, heard: Sequence[RunEvent] = ()) -> None:
        """Journals everything at once, then tells it; `heard` are events that were told already."""
        at = self.now()
        whole = replace(what, events=[*heard, *what.events])
        async with self._writing:
            async with telling(self.file), self.database.write() as connection:
                await journal.write(connection, self.run, whole, number=self.number, at=at)
                await outbox.append(connection, *what.facts, *self.tells(what))
            self.number += len(whole.events)
            self._remember(what, at)
        for event in what.events:
            if not isinstance(event, Intent):
                self.operator.told(event)

    def _remember(self, what: Write, at: datetime) -> None:
        self.given.update(what.values)
        if what.begins is not None:
            key = what.begins.key
            self.entries[key] = Entry(key=key, started_at=what.began_at or at, tried_at=at, attempts=0)
        if what.reopens is not None:
            self.entries.pop(what.reopens.key, None)
        if what.looked is not None:
            step, why = what.looked
            before = self.entries[step.key]
            self.entries[step.key] = replace(before, attempts=before.attempts + 1, tried_at=at, detail=why)
        if what.ends is not None:
            step, verdict, why = what.ends
            before = self.entries[step.key]
            attempts = before.attempts + 1
            self.entries[step.key] = replace(before, verdict=verdict, detail=why, ended_at=at, attempts=attempts)
        for event in what.events:
            if isinstance(event, StepEnded):
                self.ended[event.step] = event
            if isinstance(event, Intent):
                self.intents[event.step] = event
                self.stale.discard(event.step)
                self.codes |= {event.code} if event.code else frozenset()

    async def end(
        self,
        step: PlannedStep,
        ended: StepEnded,
        *,
        heard: Sequence[RunEvent] = (),
        values: Mapping[str, str] | None = None,
    ) -> None:
        """Writes the outcome of a step, begun or not."""
        begins = step if step.key not in self.entries else None
        began_at = next((each.at for each in heard if isinstance(each, StepBegan)), None)
        what = Write(
            begins=begins,
            began_at=began_at,
            ends=(step, ended.verdict, ended.why),
            events=[ended],
            values=dict(values or {}),
        )
        await self.write(what, heard=heard)

    async def settle(self, step: PlannedStep, verdict: Verdict, why: str, *, by: str = "") -> None:
        at = self.now()
        before = self.entries.get(step.key)
        attempts = before.attempts if before is not None else 0
        event = StepEnded(
            at=at,
            step=step.key,
            verdict=verdict,
            why=self.clean(why),
            command=step.command,
            attempts=attempts,
            by=by,
        )
        await self.end(step, event)

    def halt(self, step: str) -> asyncio.Event:
        return self.halts.setdefault(step, asyncio.Event())

    # Values

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value that this run has met, and those that its environment holds."""
        return (*self.hidden.values(), *self._surrounding)

    def clean(self, text: str) -> str:
        return redacted(text, self.secrets)

    @property
    def worse(self) -> frozenset[str]:
        """The changes after which callers fared worse."""
        kept = ((name, value) for name, value in self.given.items() if name.startswith(EFFECT))
        return frozenset(name.removeprefix(EFFECT) for name, value in kept if value != NOTHING_SEEN)

    @property
    def cwd(self) -> Path:
        """Where commands run: where the last `cd` of the run went, otherwise where the operator stands."""
        return self.request.cwd / self.given.get(FOLDER, "")

    @property
    def env(self) -> dict[str, str]:
        """The operator's environment with what earlier steps of the run have set."""
        kept = {**self.given, **self.hidden}
        set_before = {name[1:]: value for name, value in kept.items() if name.startswith(VARIABLE) and name != FOLDER}
        return {**self.request.env, **set_before}

    async def values(self, step: PlannedStep, texts: Sequence[str]) -> dict[str, Value] | Unfilled:
        """The values of every place in `texts`, asked for where nothing gives them."""
        found: dict[str, Value] = {}
        for place in step.places:
            if not any(place.written in text for text in texts):
                continue
            value = await self._value(step, place, texts)
            if value is None:
                return Unfilled(why=f"nothing says what `{place.written}` is")
            found[place.written] = Value(text=value, free=bool(place.pattern))
        return found

    def known(self, step: PlannedStep, text: str) -> dict[str, Value] | None:
        """The values of a text when all of them are known and fit; nobody is asked."""
        found: dict[str, Value] = {}
        for place in step.places:
            if place.written not in text:
                continue
            value = self._known(step, place)
            if value is None or _problem(value, place, (text,)):
                return None
            found[place.written] = Value(text=value, free=bool(place.pattern))
        return found

    async def _value(self, step: PlannedStep, place: BoundPlace, texts: Sequence[str]) -> str | None:
        value = self._known(step, place)
        problem = "" if place.source is not Source.ASKED or "refused" not in place.told else place.told
        for _ in range(ASKED_AT_MOST):
            if value is not None and not (problem := _problem(value, place, texts)):
                await self._keep(step, place, value)
                return value
            value = await self.operator.fill(self._asked(step, place), problem)
            if value is None:
                return None
        return None

    def _known(self, step: PlannedStep, place: BoundPlace) -> str | None:
        name = _kept_name(step, place)
        for given in (self.given, self.hidden):
            if name in given:
                return given[name]
        if place.value is not None:
            return place.value
        if place.source is Source.OUTPUT:
            return self.given.get(place.name, self.hidden.get(place.name))
        return None if place.source is Source.ASKED else known_value(place, self.sources)

    async def _keep(self, step: PlannedStep, place: BoundPlace, value: str) -> None:
        """A secret stays in memory; what was answered is journaled, so that nobody is asked twice."""
        name = _kept_name(step, place)
        if place.secret:
            self.hidden[name] = value
        elif self._known(step, place) != value:
            await self.write(Write(values={name: value}))

    def _asked(self, step: PlannedStep, place: BoundPlace) -> Place:
        shown = self.clean(step.command or step.script)
        return Place(name=place.name, written=place.written, used_in=shown, pattern=place.pattern, secret=place.secret)

    def heard(self, event: OutputSeen) -> None:
        self.operator.told(event)


def effect_name(key: str) -> str:
    return f"{EFFECT}{key}"


def _kept_name(step: PlannedStep, place: BoundPlace) -> str:
    """An answer holds for the whole run, unless the place's name means something else everywhere."""
    shared = place.source is not Source.ASKED or not is_everybodys(place.name)
    verified = step.after if step.key == f"{step.after}v" else ""
    return place.name if shared else f"{step.rolls_back or verified or step.key}/{place.name}"


def _problem(value: str, place: BoundPlace, texts: Sequence[str]) -> str:
    if problem := problem_of(value, place.pattern):
        return problem
    for text in texts:
        filled = fill(text, {place.written: Value(text=value, free=bool(place.pattern))})
        if isinstance(filled, Misfit) and place.written in text:
            return filled.why
    return ""
