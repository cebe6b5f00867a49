"""`runbook read`: everything that was understood of a Markdown file, as text, as JSON or as a page."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.options import DEFAULT_STATE, StateOption
from stationmaster.cli.output import AsJson, err, out, refusals
from stationmaster.cli.runbook_drills import if_any_platform
from stationmaster.core.drilled import last_drill
from stationmaster.core.problem import InvalidInputError

if TYPE_CHECKING:
    from stationmaster.runbooks.description import Description, KnowledgePart, StepPart
    from stationmaster.runbooks.read.document import Runbook

EXAMPLES = (
    "Examples: [bold]stationmaster runbook read runbooks/doctor-down.md[/bold], "
    "[bold]… --html understood.html[/bold] (the original beside what was understood), "
    "[bold]… --json[/bold] (its schema is docs/runbook.schema.json)"
)

_RISK_COLOURS = {"read": "green", "change": "yellow", "destroy": "red", "interactive": "magenta", "unknown": "magenta"}
_KIND_COLOURS = {"command": "cyan", "action": "yellow", "escalate": "red", "manual": "magenta", "navigation": "dim"}
_PLAIN = frozenset({"group", "command", "expectation"})
"""Kinds that need no reason."""

FileArgument = Annotated[Path, typer.Argument(help="A Markdown file.")]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="OUT", help="Write one self-contained page here.")]


def read(
    file: FileArgument, html: HtmlOption = None, state: StateOption = DEFAULT_STATE, as_json: AsJson = False
) -> None:
    """Show every step with its lines, commands, risk, expectations and conditions, and all else that it says.

    Where a platform runs, also when it was worked in a drill last, and what came of it.
    """
    from stationmaster.cli.runbook_input import must_be_a_file
    from stationmaster.runbooks.describe import as_json as to_json
    from stationmaster.runbooks.describe import describe
    from stationmaster.runbooks.library import read_file
    from stationmaster.runbooks.page.write import page

    with refusals():
        must_be_a_file(file)
        found = read_file(file)
        if found.runbook is None:
            raise InvalidInputError(found.diagnostics, what=str(file))
        description = describe(found.runbook, found.diagnostics)
        drilled = "" if as_json else _drilled(file, found.runbook, state)
        if html is not None:
            _write_page(html, page(found.text, description, drilled=drilled))
    if as_json:
        typer.echo(to_json(description))
        return
    if html is not None:
        out.print(f"written to {escape(str(html))}")
        return
    for line in _told(description, drilled):
        out.print(line)
    for problem in found.diagnostics:
        err.print(str(problem), markup=False)


def _drilled(file: Path, runbook: "Runbook", state: Path) -> str:
    """Nothing where no platform says so."""
    known = if_any_platform(state)
    if known is None:
        return ""
    return last_drill(runbook.title, str(file.resolve()), runbook.digest, known).words(datetime.now(UTC))


def _write_page(path: Path, document: str) -> None:
    from stationmaster.core.problem import PlatformError

    try:
        path.write_text(document, encoding="utf-8")
    except OSError as error:
        why = f"{path} cannot be written: {error.strerror}"
        raise PlatformError("cannot-write", why, hint="name a file in a folder that is there and yours") from error


def _told(description: "Description", drilled: str) -> Iterator[str | Table]:
    yield f"[bold]{escape(description.title)}[/bold]{' [red]RETIRED[/red]' if description.retired else ''}"
    yield from _facts(description)
    if drilled:
        yield f"[dim]{'last drill':<12}[/dim] {drilled}"
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("step", "lines", "kind", "what", "risk"):
        table.add_column(column.upper(), vertical="top", overflow="fold", no_wrap=column != "what")
    told: set[str] = set()
    for step in description.steps:
        kind = _coloured(step.kind.value, _KIND_COLOURS)
        risk = _coloured(step.risk.value, _RISK_COLOURS) if step.risk else ""
        table.add_row(step.address, _lines(step.lines.first, step.lines.last), kind, _what(step, told), risk)
    yield table if description.steps else "[yellow]nothing in it was read as a step[/yellow]"
    yield from _knowledge(description.knowledge)


def _facts(description: "Description") -> Iterator[str]:
    from stationmaster.runbooks.facts import facts_of

    for name, value in facts_of(description):
        yield f"[dim]{name:<12}[/dim] {escape(value)}"


def _lines(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _coloured(word: str, colours: dict[str, str]) -> str:
    colour = colours.get(word)
    return f"[{colour}]{word}[/{colour}]" if colour else word


def _what(step: "StepPart", told: set[str]) -> str:
    """The step in words, then what was taken from it, a line each; why it is of its kind only where that was not
    `told` before."""
    from stationmaster.runbooks.facts import own_words, words_of_step

    lines = [escape(own_words(step))]
    for command in step.commands:
        lines += [f"[cyan]$ {escape(line)}[/cyan]" for line in command.text.splitlines()]
        if command.risk.value != "read":
            lines.append(f"[dim]{command.risk.value}:[/dim] {escape('; '.join(command.why))}")
    known = step.kind.value in _PLAIN or step.why in told
    told.add(step.why)
    words = ((name, value) for name, value in words_of_step(step) if name != "why" or not known)
    lines += [f"[dim]{name}:[/dim] {escape(value)}" for name, value in words]
    return "\n".join(line for line in lines if line)


def _knowledge(knowledge: "KnowledgePart") -> Iterator[str]:
    from stationmaster.runbooks.facts import words_of_knowledge

    for title, rows in words_of_knowledge(knowledge):
        yield f"\n[bold]{title}[/bold]"
        yield from _rows(rows)


def _rows(rows: Iterable[tuple[int, str]]) -> Iterator[str]:
    for line, text in rows:
        where = f"line {line}" if line else ""
        yield f"  [dim]{where:<9}[/dim] {escape(text)}"
