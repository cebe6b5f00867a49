"""The findings as JSON."""

from typing import Literal

import msgspec

from stationmaster.runbooks.lint.finding import Finding, Level, Report


class FindingPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One finding; `suppressed` is the author's reason, empty for what is not suppressed."""

    code: str
    name: str
    severity: Level
    file: str
    line: int
    message: str
    hint: str
    suppressed: str


class ReportPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`files` counts the documents that were looked at."""

    format: Literal["stationmaster.lint/1"]
    files: int
    errors: int
    warnings: int
    infos: int
    findings: tuple[FindingPart, ...]
    suppressed: tuple[FindingPart, ...]


def render(report: Report) -> str:
    document = ReportPart(
        format="stationmaster.lint/1",
        files=report.files,
        errors=report.count(Level.ERROR),
        warnings=report.count(Level.WARNING),
        infos=report.count(Level.INFO),
        findings=tuple(map(_part, report.findings)),
        suppressed=tuple(map(_part, report.suppressed)),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _part(found: Finding) -> FindingPart:
    return FindingPart(
        code=found.code,
        name=found.rule.name,
        severity=found.level,
        file=found.file,
        line=found.line,
        message=found.message,
        hint=found.hint,
        suppressed=found.suppressed,
    )
