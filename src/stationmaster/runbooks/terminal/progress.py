"""What a run's events have told so far: the state that a screen is drawn from."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.runbooks.clean import clean_line
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import (
    OutputSeen,
    RunEvent,
    RunFinished,
    RunOpened,
    StepBegan,
    StepEnded,
    Waiting,
)

KEPT_LINES = 200
_KEPT_OPEN = 8_000


@dataclass(slots=True)
class Tail:
    """The last lines of an output, made safe; a line that has not ended yet is the last."""

    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    open: str = ""

    def feed(self, text: str) -> None:
        *whole, rest = (self.open + text).split("\n")
        self.lines.extend(clean_line(line) for line in whole[-KEPT_LINES:])
        self.open = rest if len(rest) <= _KEPT_OPEN else rest[-_KEPT_OPEN:]

    def shown(self, count: int) -> list[str]:
        last = [clean_line(self.open)] if self.open else []
        return [*self.lines, *last][-count:] if count > 0 else []


@dataclass(slots=True, kw_only=True)
class Row:
    """One step: what is planned, and what became of it."""

    step: PlannedStep
    command: str = ""
    began_at: datetime | None = None
    attempt: int = 0
    waiting: Waiting | None = None
    ended: StepEnded | None = None
    tail: Tail = field(default_factory=Tail)

    @property
    def runs(self) -> bool:
        return self.began_at is not None and self.ended is None


@dataclass(slots=True, kw_only=True)
class Progress:
    """`focus` is the step that was heard of last."""

    run: str = ""
    title: str = ""
    about: str = ""
    opened_at: datetime | None = None
    resumed: bool = False
    rows: dict[str, Row] = field(default_factory=dict)
    focus: str = ""
    finished: RunFinished | None = None

    def hear(self, event: RunEvent) -> None:
        match event:
            case RunOpened():
                self._open(event)
            case RunFinished():
                self.finished = event
            case StepBegan() | OutputSeen() | StepEnded() | Waiting() if event.step in self.rows:
                self._hear_of(self.rows[event.step], event)
            case _:
                pass

    def running(self) -> list[Row]:
        return [row for row in self.rows.values() if row.runs]

    def current(self) -> Row | None:
        return self.rows.get(self.focus)

    def _open(self, event: RunOpened) -> None:
        plan = event.plan
        self.run, self.title, self.opened_at, self.resumed = event.run, plan.runbook, event.at, event.resumed
        self.about = " / ".join(each for each in (plan.service, plan.instance) if each)
        self.rows = {step.key: Row(step=step) for step in plan.steps}
        for end in event.ended:
            if end.step in self.rows:
                self._hear_of(self.rows[end.step], end)

    def _hear_of(self, row: Row, event: StepBegan | OutputSeen | StepEnded | Waiting) -> None:
        self.focus = event.step
        match event:
            case StepBegan():
                row.began_at, row.attempt, row.ended, row.waiting = event.at, event.attempt, None, None
                row.command = event.command or row.command
            case OutputSeen():
                row.tail.feed(event.text)
            case Waiting():
                row.waiting = event
            case StepEnded():
                row.ended, row.waiting = event, None
                row.command = event.command or row.command
                if event.output and not row.tail.lines and not row.tail.open:
                    row.tail.feed(event.output)
