"""The words of the linter: a rule, a finding, how bad it is."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """An error fails a check, a warning fails it with `--strict`, an info never does."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`code` and `name` are stable; `summary` says what is wrong where it is found."""

    code: str
    name: str
    level: Level
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`line` counts from 1; `suppressed` is the reason that the author gave for leaving it so."""

    rule: Rule
    level: Level
    file: str
    line: int
    message: str
    hint: str = ""
    suppressed: str = ""

    @property
    def code(self) -> str:
        return self.rule.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything found in `files` documents, in the order of files and lines."""

    files: int
    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()

    def count(self, level: Level) -> int:
        return sum(each.level is level for each in self.findings)

    def fails(self, *, strict: bool) -> bool:
        return self.count(Level.ERROR) > 0 or (strict and self.count(Level.WARNING) > 0)
