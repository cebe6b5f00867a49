"""The findings as lines that a person reads and an editor can jump to."""

from stationmaster.runbooks.lint.finding import Level, Report


def render(report: Report) -> str:
    """A hint that is the same for many findings is given with the first."""
    lines: list[str] = []
    hinted: set[str] = set()
    for each in report.findings:
        lines.append(f"{each.file}:{each.line}: {each.level.value}: {each.message} [{each.code} {each.rule.name}]")
        if each.hint and each.hint not in hinted:
            hinted.add(each.hint)
            lines.append(f"    hint: {each.hint}")
    counts = ", ".join(_counted(report.count(level), level.value) for level in Level)
    hidden = f", {len(report.suppressed)} suppressed" if report.suppressed else ""
    return "\n".join((*lines, f"{_counted(report.files, 'runbook')}: {counts}{hidden}", ""))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 or what == 'info' else 's'}"
