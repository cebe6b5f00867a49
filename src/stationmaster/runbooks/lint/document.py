"""Rules about the document itself: what its reader could not use."""

from collections.abc import Iterator, Sequence

from stationmaster.core.problem import Diagnostic, Severity
from stationmaster.runbooks.lint.finding import Finding, Level
from stationmaster.runbooks.lint.rules import finding
from stationmaster.runbooks.lint.subject import Subject

_CODES = {
    "runbook-unreadable": "SM101",
    "front-matter": "SM102",
    "attribute-syntax": "SM104",
    "attribute-value": "SM105",
}
_TEMPLATE = ("include", "liquid", "capture", "contact", "data", "link")


def of_diagnostics(diagnostics: Sequence[Diagnostic]) -> Iterator[Finding]:
    for each in diagnostics:
        code = _CODES.get(each.code) or ("SM103" if each.code.startswith(_TEMPLATE) else "SM106")
        found = finding(code, each.origin.file, each.origin.line, each.message, hint=each.hint)
        broken = each.severity is Severity.ERROR and found.level is not Level.ERROR
        yield found if not broken else _as_error(found)


def _as_error(found: Finding) -> Finding:
    return Finding(
        rule=found.rule, level=Level.ERROR, file=found.file, line=found.line, message=found.message, hint=found.hint
    )


def findings(subject: Subject) -> Iterator[Finding]:
    if not subject.runbook.steps:
        message = "nothing in it was read as a step"
        yield finding("SM107", subject.file, 1, message, hint="number the steps, or put commands into fences")
