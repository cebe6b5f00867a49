"""An operator for tests: answers from what it was given, and keeps everything that it was told and asked."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stationmaster.runbooks.alone import Alone, NeedsPersonError, RunRequest
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.talk import (
    AfterFailure,
    ApprovalRequest,
    Approved,
    Choice,
    Denied,
    ManualDone,
    OutputSeen,
    Place,
    RunEvent,
    RunFinished,
    StepBegan,
    StepEnded,
)


@dataclass(slots=True, kw_only=True)
class Person:
    """`yes` approves changes, `code` is a second person's; `answers` are lists of values by the place's name."""

    yes: bool = True
    by: str = "ann"
    second: str = ""
    code: str = ""
    answers: Mapping[str, list[str | None]] = field(default_factory=dict)
    manual: Verdict | None = Verdict.PASSED
    after: list[AfterFailure] = field(default_factory=list)
    events: list[RunEvent] = field(default_factory=list)
    requests: list[ApprovalRequest] = field(default_factory=list)
    places: list[tuple[Place, str]] = field(default_factory=list)
    by_hand: list[PlannedStep] = field(default_factory=list)
    failures: list[StepEnded] = field(default_factory=list)

    def told(self, event: RunEvent) -> None:
        self.events.append(event)

    async def approve(self, request: ApprovalRequest) -> Approved | Denied:
        self.requests.append(request)
        if not self.yes:
            return Denied(why="not today")
        return Approved(by=self.second or self.by, code=self.code) if request.second_person else Approved(by=self.by)

    async def fill(self, place: Place, problem: str = "") -> str | None:
        self.places.append((place, problem))
        given = self.answers.get(place.name)
        if not given:
            raise NeedsPersonError(f"nobody gives {place.name}")
        return given.pop(0) if len(given) > 1 else given[0]

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        self.by_hand.append(step)
        if self.manual is None:
            raise NeedsPersonError(f"nobody works step {step.key}")
        return ManualDone(verdict=self.manual, why="seen", by=self.by)

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        self.failures.append(ended)
        return Choice(what=self.after.pop(0) if self.after else AfterFailure.STOP, by=self.by)

    # What the tests look at

    def ended(self, key: str) -> StepEnded:
        return [each for each in self.events if isinstance(each, StepEnded) and each.step == key][-1]

    def verdicts(self) -> dict[str, str]:
        return {each.step: each.verdict.value for each in self.events if isinstance(each, StepEnded)}

    def commands(self) -> list[str]:
        return [each.command for each in self.events if isinstance(each, StepBegan)]

    def output(self) -> str:
        return "".join(each.text for each in self.events if isinstance(each, OutputSeen))

    def finished(self) -> RunFinished:
        return [each for each in self.events if isinstance(each, RunFinished)][-1]


def request(text: str, folder: Path, **more: object) -> RunRequest:
    """A request to run a document that lies in `folder`, where its commands run as well."""
    reading = read_runbook(text, file=str(folder / "runbook.md"))
    assert not reading.diagnostics, [str(each) for each in reading.diagnostics]
    values: dict[str, object] = {"requested_by": "ann", "env": dict(os.environ), "cwd": folder, **more}
    return RunRequest(runbook=reading.runbook, **values)  # type: ignore[arg-type]


@asynccontextmanager
async def alone(folder: Path, person: Person, **more: object) -> AsyncIterator[Alone]:
    face = Alone(journal=folder / ".runs" / "runs.db", operator=person, **more)  # type: ignore[arg-type]
    try:
        yield face
    finally:
        await face.close()


async def run(text: str, folder: Path, person: Person, **more: object) -> RunFinished:
    """Works a document to its end and closes the journal."""
    async with alone(folder, person) as face:
        return await face.start(request(text, folder, **more))


CHANGE = """# Canary

## Steps

1. Write it.
   ```bash {verify="grep -q yes canary"}
   echo yes >> canary
   ```
"""


def fence(command: str, attributes: str = "", prose: str = "Do it.") -> str:
    inner = f" {{{attributes}}}" if attributes else ""
    return f"# T\n\n## Steps\n\n1. {prose}\n   ```bash{inner}\n   {command}\n   ```\n"


def listed(*steps: str) -> str:
    """A document with a step for each command, or for each sentence that ends with a full stop."""
    blocks = [each if each.endswith(".") else f"Do it.\n   ```bash\n   {each}\n   ```" for each in steps]
    return "# T\n\n## Steps\n\n" + "".join(f"{number}. {block}\n" for number, block in enumerate(blocks, 1))
