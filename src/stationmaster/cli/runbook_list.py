"""`runbook list`: the runbooks of folders at a glance."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.options import DEFAULT_STATE, StateOption
from stationmaster.cli.output import AsJson, err, print_json, refusals
from stationmaster.cli.runbook_drills import if_any_platform
from stationmaster.cli.runbook_table import is_wide, print_table, table_of
from stationmaster.core.drilled import Drilled, DrilledRunbook, LastDrill, last_drill
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
    drilled: str = ""
    """passed, failed, edited since, never; empty where no platform says so."""
    last_drill: DrilledRunbook | None = None


def list_runbooks(folders: FoldersArgument = None, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List runbooks: what they answer, how many steps they have, their risk, their owner, what is wrong with them.

    Where a platform runs, also when each was worked in a drill last, and what came of it.
    """
    from stationmaster.runbooks.library import files_of, read_file

    named = folders or [Path()]
    with refusals():
        for folder in named:
            if not folder.exists():
                hint = "name a folder that holds Markdown files"
                raise PlatformError("no-such-path", f"there is no file or folder {folder}", hint=hint)
    now = datetime.now(UTC)
    files = dict.fromkeys(path for folder in named for path in files_of(folder))
    known = if_any_platform(state)
    rows = [_with_drill(_row(found, now.date()), found, known) for found in map(read_file, files)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        err.print("no Markdown files there", markup=False)
        return
    print_table(_table(rows, now))
    for row in rows:
        for problem in () if row.usable else row.problems:
            err.print(problem, markup=False)
    if any(row.usable and row.problems for row in rows):
        where = " ".join(shlex.quote(str(each)) for each in named)
        err.print(f"problems are told by: stationmaster runbook lint {where}", style="dim", markup=False)


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


def _with_drill(row: RunbookRow, found: "ReadFile", known: Sequence[DrilledRunbook] | None) -> RunbookRow:
    if known is None or found.runbook is None:
        return row
    last = last_drill(row.title, str(found.path.resolve()), found.runbook.digest, known)
    return msgspec.structs.replace(row, drilled=last.drilled.value, last_drill=last.last)


def _drill_words(row: RunbookRow, now: datetime) -> str:
    said = LastDrill(drilled=Drilled(row.drilled), last=row.last_drill).words(now) if row.drilled else ""
    colour = {"passed": "green", "failed": "red"}.get(row.drilled, "yellow" if row.alerts else "dim")
    return f"[{colour}]{said}[/{colour}]" if said else ""


def _table(rows: list[RunbookRow], now: datetime) -> Table:
    wide = is_wide()
    drill = ("last drill",) if any(each.drilled for each in rows) else ()
    more = (*drill, *(("owner", "next review") if wide else ()))
    table = table_of("runbook", "answers", "steps", "risk", *more, whole=frozenset({"steps", "risk", "next review"}))
    for row in rows:
        colour = _RISK_COLOURS.get(row.risk, "default")
        cells = [
            "\n".join(_named(row)),
            "\n".join(filter(None, (escape(", ".join(row.alerts)), f"[dim]{escape(row.service)}[/dim]"))),
            str(row.steps) if row.title or row.usable else "",
            f"[{colour}]{row.risk}[/{colour}]",
        ]
        review = f"[red]{row.next_review}[/red]" if row.overdue else str(row.next_review or "")
        drilled = (_drill_words(row, now),) if drill else ()
        table.add_row(*cells, *drilled, *((escape(row.owner), review) if wide else ()))
    return table


def _named(row: RunbookRow) -> Iterator[str]:
    """The file, which is what other verbs want, then the title and whatever is wrong."""
    yield escape(row.file)
    if row.title and row.title != Path(row.file).name:
        yield f"[dim]{escape(row.title)}[/dim]"
    marks = ["RETIRED"] if row.retired else []
    marks += ["review overdue"] if row.overdue else []
    marks += ["not usable"] if not row.usable else []
    if row.usable and row.problems:
        marks.append("1 problem" if len(row.problems) == 1 else f"{len(row.problems)} problems")
    if marks:
        yield f"[red]{', '.join(marks)}[/red]"
