"""A place to lint documents: writes them, checks them on a fixed day, and shows codes with lines."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from stationmaster.runbooks.lint.check import check
from stationmaster.runbooks.lint.finding import Report
from stationmaster.runbooks.lint.settings import find_settings
from stationmaster.runbooks.lint.subject import Ground

TODAY = date(2026, 6, 1)
KEPT = """\
---
owner: Keys team
next_review: 2027-01-01
alert: SomethingIsDown
service: keys
---

# Something is down

"""
"""A head that nothing is wrong with: nine lines."""
HEAD = KEPT.count("\n")


@dataclass(frozen=True, slots=True)
class Bench:
    """Lints what is written into `folder`."""

    folder: Path
    ground: Ground = field(default_factory=lambda: Ground(today=TODAY))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def report(self, *alerts: Path) -> Report:
        return check([self.folder], self.ground, find_settings(self.folder), alerts=alerts)

    def found(self, *alerts: Path) -> list[tuple[str, str, int]]:
        """File name, code and line of everything that was found."""
        return [(Path(each.file).name, each.code, each.line) for each in self.report(*alerts).findings]

    def of(self, body: str, *, head: str = KEPT) -> list[tuple[str, int]]:
        """Code and line, counted from the first line of `body`, of what is found in one document."""
        self.write("one.md", head + body)
        return [(each.code, each.line - head.count("\n")) for each in self.report().findings]
