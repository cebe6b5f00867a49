"""The findings as lines that a person reads and an editor can jump to."""

from stationmaster.runbooks.lint.finding import Level, Report


def render(report: Report) -> str:
    lines: list[str] = []
    for each in report.findings:
        lines.append(f"{each.file}:{each.line}: {each.level.value}: {each.message} [{each.code} {each.rule.name}]")
        if each.hint:
            lines.append(f"    hint: {each.hint}")
    counts = ", ".join(f"{report.count(level)} {level.value}(s)" for level in Level)
    hidden = f", {len(report.suppressed)} suppressed" if report.suppressed else ""
    return "\n".join((*lines, f"{report.files} runbook(s): {counts}{hidden}", ""))
