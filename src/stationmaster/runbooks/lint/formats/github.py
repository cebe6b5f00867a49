"""The findings as annotations of GitHub Actions (its workflow commands)."""

from stationmaster.runbooks.lint.finding import Finding, Level, Report

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def render(report: Report) -> str:
    return "".join(f"{_annotation(each)}\n" for each in report.findings)


def _annotation(found: Finding) -> str:
    text = f"{found.message}\n{found.hint}" if found.hint else found.message
    title = _escaped(f"{found.code} {found.rule.name}", _PROPERTY)
    place = f"file={_escaped(found.file, _PROPERTY)},line={found.line},title={title}"
    return f"::{_COMMANDS[found.level]} {place}::{_escaped(text, _DATA)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)
