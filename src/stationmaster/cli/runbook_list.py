"""`runbook list`: the runbooks of folders at a glance."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.core.problem import PlatformError

if TYPE_CHECKING:
    from stationmaster.runbooks.library import ReadFile

EXAMPLES = "Examples: [bold]stationmaster runbook list runbooks[/bold], [bold]… ../team/docs --json[/bold]"
FoldersArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[FOLDER]…", help="Folders or files; without any, .")
]
_RISK_COLOURS = {"read": "green", "change": "yellow", "destroy": "red", "interactive": "magenta", "unknown": "magenta"}


class RunbookRow(msgspec.Struct, frozen=True, kw_only=True):
    """One document; `risk` is the worst of its commands, `problems` says what is wrong with it."""

    file: str
    title: str
    service: str
    alerts: tuple[str, ...]
    steps: int
    commands: int
    risk: str
    owner: str
    next_review: date | None
    overdue: bool
    retired: bool
    usable: bool
    problems: tuple[str, ...]


def list_runbooks(folders: FoldersArgument = None, as_json: AsJson = False) -> None:
    """List runbooks: what they answer, how many steps they have, their risk, their owner, what is wrong with them."""
    from stationmaster.runbooks.library import files_of, read_file

    named = folders or [Path()]
    with refusals():
        for folder in named:
            if not folder.exists():
                hint = "name a folder that holds Markdown files"
                raise PlatformError("no-such-path", f"there is no file or folder {folder}", hint=hint)
    today = datetime.now(UTC).date()
    files = dict.fromkeys(path for folder in named for path in files_of(folder))
    rows = [_row(read_file(path), today) for path in files]
    if as_json:
        print_json(rows)
        return
    if not rows:
        err.print("no Markdown files there", markup=False)
        return
    out.print(_table(rows))
    for row in rows:
        for problem in row.problems:
            err.print(problem, markup=False)


def _row(found: "ReadFile", today: date) -> RunbookRow:
    from stationmaster.runbooks.describe import risk_of
    from stationmaster.runbooks.risk.classes import worst

    problems = tuple(str(each) for each in found.diagnostics)
    runbook = found.runbook
    if runbook is None:
        return RunbookRow(
            file=str(found.path), title="", service="", alerts=(), steps=0, commands=0, risk="", owner="",
            next_review=None, overdue=False, retired=False, usable=False, problems=problems,
        )  # fmt: skip
    steps = list(runbook.walk())
    risks = [risk for step in steps if (risk := risk_of(step)) is not None]
    review = runbook.about.next_review
    return RunbookRow(
        file=runbook.file,
        title=runbook.title,
        service=runbook.match.service or runbook.service,
        alerts=runbook.match.alerts,
        steps=len(steps),
        commands=sum(len(step.commands) for step in steps),
        risk=worst(*risks).value if risks else "",
        owner=runbook.about.owner or runbook.about.team,
        next_review=review,
        overdue=review is not None and review < today,
        retired=runbook.retired,
        usable=found.usable,
        problems=problems,
    )


def _table(rows: list[RunbookRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("runbook", "service", "alerts", "steps", "risk", "owner", "next review", "problems"):
        whole = column in {"steps", "risk", "next review"}
        table.add_column(column.upper(), vertical="top", overflow="fold", no_wrap=whole)
    for row in rows:
        retired = " [red]RETIRED[/red]" if row.retired else ""
        title = f"{escape(row.title)}{retired}\n[dim]{escape(row.file)}[/dim]"
        colour = _RISK_COLOURS.get(row.risk, "default")
        review = f"[red]{row.next_review}\noverdue[/red]" if row.overdue else str(row.next_review or "")
        problems = str(len(row.problems) or "") if row.usable else "[red]not usable[/red]"
        table.add_row(
            title, escape(row.service), escape(", ".join(row.alerts)), str(row.steps),
            f"[{colour}]{row.risk}[/{colour}]", escape(row.owner), review, problems,
        )  # fmt: skip
    return table
