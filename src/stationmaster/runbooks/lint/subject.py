"""What the rules look at: one document, and the ground that all of them stand on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from stationmaster.core.drilled import DrilledRunbook
from stationmaster.runbooks.read.document import Command, Runbook, Step
from stationmaster.runbooks.risk import Assessment, Risk, assess
from stationmaster.runbooks.risk.classes import worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A command with the step that it belongs to and its class."""

    step: Step
    command: Command
    assessed: Assessment

    @property
    def risk(self) -> Risk:
        """As a run takes it: an author may say what is not known, and may ask for more care, never for less."""
        said = self.step.attributes.risk
        if said is None:
            return self.assessed.risk
        return Risk(said) if self.assessed.risk is Risk.UNKNOWN else worst(self.assessed.risk, Risk(said))

    @property
    def line(self) -> int:
        return self.command.lines.first


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`lines` are the document's, the first at index 0; `commands` are in the document's order."""

    path: Path
    file: str
    lines: tuple[str, ...]
    runbook: Runbook
    commands: tuple[Judged, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def subject(path: Path, text: str, runbook: Runbook) -> Subject:
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Subject(
        path=path,
        file=str(path),
        lines=tuple(plain.split("\n")),
        runbook=runbook,
        commands=tuple(_judged(runbook)),
    )


def _judged(runbook: Runbook) -> Iterator[Judged]:
    for step in runbook.walk():
        for command in step.commands:
            yield Judged(step=step, command=command, assessed=assess(command.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`known` are names that a place may have without being declared, `programs` ones that an author vouches for;
    `on_path` and `answers` are asked only where they are given."""

    today: date
    known: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    on_path: Callable[[str], bool] | None = None
    answers: Callable[[str], str] | None = None
    """Why a web address is dead; empty when it answers."""
    exists: Callable[[Path], bool] = field(default=Path.exists)
    drilled: Sequence[DrilledRunbook] | None = None
    """What was worked in drills; None where that is not asked."""
