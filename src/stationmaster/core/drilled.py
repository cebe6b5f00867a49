"""When a runbook was last worked in a drill, what came of it, and whether it was edited since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, slots=True, kw_only=True)
class DrilledRunbook:
    """The newest drill in which this text of a runbook was worked. `passed` is the drill's, `outcome` the run's;
    `digest` is the SHA-256 of the text that was worked."""

    runbook: str
    file: str
    digest: str
    drill: str
    at: datetime
    passed: bool
    outcome: str
    incident: int


class Drilled(Enum):
    """What the last drill says of a runbook as it stands now."""

    PASSED = "passed"
    FAILED = "failed"
    EDITED = "edited since"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDrill:
    """`last` is None where it was never drilled."""

    drilled: Drilled
    last: DrilledRunbook | None = None

    def words(self, now: datetime) -> str:
        """Its age and its result, as `passed 3 d ago`."""
        if self.last is None:
            return self.drilled.value
        ago = f"{_age((now - self.last.at).total_seconds())} ago"
        result = Drilled.PASSED if self.last.passed else Drilled.FAILED
        return f"{result.value} {ago}{', edited since' if self.drilled is Drilled.EDITED else ''}"


def last_drill(title: str, file: str, digest: str, known: Iterable[DrilledRunbook]) -> LastDrill:
    """`file` is absolute. A runbook is known again by its text, else by its file, else by its title: a clone of a
    repository stands elsewhere than what the platform reads."""
    by_time = sorted(known, key=lambda each: each.at, reverse=True)
    alike = [each for each in by_time if each.digest == digest]
    if alike:
        return LastDrill(drilled=Drilled.PASSED if alike[0].passed else Drilled.FAILED, last=alike[0])
    same = [each for each in by_time if each.file == file] or [each for each in by_time if each.runbook == title]
    return LastDrill(drilled=Drilled.EDITED, last=same[0]) if same else LastDrill(drilled=Drilled.NEVER)


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
