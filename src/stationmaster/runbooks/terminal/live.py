"""Works a run on a live screen: shows what it tells and asks what it wants to know."""

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from rich.console import Console

from stationmaster.runbooks.clean import clean_line, escape_controls
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import (
    AfterFailure,
    ApprovalRequest,
    Approved,
    Choice,
    Denied,
    ManualDone,
    Place,
    RunEvent,
    StepEnded,
)
from stationmaster.runbooks.terminal.desk import Desk
from stationmaster.runbooks.terminal.editor import LineEditor
from stationmaster.runbooks.terminal.prompts import MANUAL_KEYS, LinePrompts
from stationmaster.runbooks.terminal.stage import Stage
from stationmaster.runbooks.terminal.view import Dialogue
from stationmaster.runbooks.terminal.wording import (
    Line,
    approval_lines,
    decides,
    failure_lines,
    manual_lines,
    place_lines,
)

_SHOWN_OF_FAILURE = 5
_SHOWN_BY_HAND = 10
_AFTER = {"r": AfterFailure.RETRY, "g": AfterFailure.GO_ON, "x": AfterFailure.STOP}


class LiveOperator:
    """Questions come one at a time; while one is open, steps that run go on being shown."""

    def __init__(self, console: Console, desk: Desk, stage: Stage, *, fd: int) -> None:
        self._desk = desk
        self._stage = stage
        self._prompts = LinePrompts(console, desk, fd=fd)
        self._turn = asyncio.Lock()

    def told(self, event: RunEvent) -> None:
        self._stage.hear(event)

    async def approve(self, request: ApprovalRequest) -> Approved | Denied:
        async with self._turn:
            while True:
                topic = _Topic(
                    title="approval", step=request.step.key, lines=approval_lines(request), command=request.command
                )
                if await self._choose(topic, (("a", "approve"), ("s", "skip"))) == "s":
                    if (why := await self._type(topic, "why is it skipped")) is not None:
                        return Denied(why=why)
                elif await self._named(topic, request.named):
                    if not request.second_person:
                        return Approved(by=self._desk.by)
                    if (approved := await self._second_person(request)) is not None:
                        return approved

    async def fill(self, place: Place, problem: str = "") -> str | None:
        topic = _Topic(title="value", lines=place_lines(place, problem))
        async with self._turn:
            while True:
                value = await self._type(topic, clean_line(place.name), masked=place.secret)
                if value:
                    self._desk.filled(place, value)
                    return value
                if await self._choose(topic, (("v", "give the value"), ("n", "leave it open"))) == "n":
                    return None

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        row = self._stage.progress.rows.get(step.key)
        told = row.tail.shown(_SHOWN_BY_HAND) if row else ()
        lines = manual_lines(step, self._desk.document, command=row.command if row else "", tail=told)
        keys: _Keys = (("y", "yes"), ("n", "no")) if decides(step) else (("p", "passed"), ("f", "failed"))
        topic = _Topic(title="by hand", step=step.key, lines=lines)
        async with self._turn:
            key, why = await self._with_reason(topic, (*keys, ("s", "skip")), {"f", "s"})
        return ManualDone(verdict=MANUAL_KEYS[key], why=why, by=self._desk.by)

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        row = self._stage.progress.rows.get(step.key)
        lines = failure_lines(step, ended, row.tail.shown(_SHOWN_OF_FAILURE) if row else ())
        topic = _Topic(title="failed", step=step.key, lines=lines)
        async with self._turn:
            key, why = await self._with_reason(topic, (("r", "retry"), ("g", "go on"), ("x", "stop")), {"g", "x"})
        return Choice(what=_AFTER[key], why=why, by=self._desk.by)

    async def _named(self, topic: "_Topic", target: str) -> bool:
        named, problem = escape_controls(target), ""
        while (typed := await self._type(topic, f"type {named} to approve", problem=problem)) is not None:
            if typed == target:
                return True
            problem = f"that is not {named}"
        return False

    async def _second_person(self, request: ApprovalRequest) -> Approved | None:
        with self._stage.suspended():
            return await self._prompts.ask_code(request)

    async def _with_reason(self, topic: "_Topic", keys: "_Keys", asked_for: set[str]) -> tuple[str, str]:
        while True:
            key = await self._choose(topic, keys)
            if key not in asked_for:
                return key, ""
            if (why := await self._type(topic, f"{dict(keys)[key]}: why")) is not None:
                return key, why

    async def _choose(self, topic: "_Topic", keys: "_Keys") -> str:
        dialogue = Dialogue(title=topic.title, step=topic.step, command=topic.command, lines=topic.lines, keys=keys)
        return await self._stage.ask(dialogue) or ""

    async def _type(self, topic: "_Topic", label: str, *, masked: bool = False, problem: str = "") -> str | None:
        """What was typed; None when the person went back."""
        typing = Dialogue(
            title=topic.title,
            step=topic.step,
            command=topic.command,
            lines=topic.lines,
            label=label,
            masked=masked,
            problem=problem,
            editor=LineEditor(),
        )
        return await self._stage.ask(typing)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Topic:
    """What a question is about, while its answer is chosen and typed."""

    title: str
    lines: list[Line]
    step: str = ""
    command: str = ""


_Keys: TypeAlias = tuple[tuple[str, str], ...]
