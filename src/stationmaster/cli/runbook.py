"""`runbook read`: what was understood of a Markdown file, without a running platform."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.output import AsJson, err, out, refusals
from stationmaster.core.problem import InvalidInputError

if TYPE_CHECKING:
    from stationmaster.runbooks.describe import StepRow

verbs = typer.Typer(help="Runbooks: what is read in them.", no_args_is_help=True)

_RISK_COLOURS = {"read": "green", "change": "yellow", "destroy": "red", "interactive": "magenta", "unknown": "magenta"}
_KIND_COLOURS = {"command": "cyan", "action": "yellow", "escalate": "red", "manual": "magenta", "navigation": "dim"}

FileArgument = Annotated[Path, typer.Argument(help="A Markdown file.")]


@verbs.callback()
def runbook_verbs() -> None:
    """Keeps `read` a verb of its own while it is the only one."""


@verbs.command("read", epilog="Example: [bold]stationmaster runbook read runbooks/key-service-instance-down.md[/bold]")
def read(file: FileArgument, as_json: AsJson = False) -> None:
    """Show every step with its lines, commands, risk, expectations and conditions."""
    from stationmaster.runbooks.describe import as_json as to_json
    from stationmaster.runbooks.describe import describe
    from stationmaster.runbooks.library import load_file

    with refusals():
        runbook, problems = load_file(file)
        if runbook is None:
            raise InvalidInputError(problems, what=str(file))
    description = describe(runbook, problems)
    if as_json:
        typer.echo(to_json(description))
        return
    out.print(f"[bold]{escape(description.title)}[/bold]{' [red]RETIRED[/red]' if description.retired else ''}")
    for name in ("description", "service", "severity", "tags", "alerts", "quoted", "contacts"):
        _fact(name, getattr(description, name))
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("step", "lines", "kind", "what", "risk"):
        table.add_column(column.upper(), vertical="top")
    for row in description.steps:
        kind = _coloured(row.kind, _KIND_COLOURS)
        table.add_row(row.address, row.lines, kind, _what(row), _coloured(row.risk, _RISK_COLOURS))
    out.print(table)
    for problem in problems:
        err.print(str(problem), markup=False)


def _fact(name: str, value: str | tuple[str, ...]) -> None:
    text = ", ".join(value) if isinstance(value, tuple) else value
    if text:
        out.print(f"[dim]{name:<12}[/dim] {escape(text)}")


def _coloured(word: str, colours: dict[str, str]) -> str:
    colour = colours.get(word)
    return f"[{colour}]{word}[/{colour}]" if colour else word


def _what(row: "StepRow") -> str:
    """The step in words, then what was taken from it, a line each."""
    lines = [escape(row.text)]
    lines += [f"[cyan]$ {escape(line)}[/cyan]" for line in row.command.splitlines()]
    for name in ("action", "condition", "expectation"):
        if text := getattr(row, name):
            lines.append(f"[dim]{name}:[/dim] {escape(text)}")
    if row.wait_s:
        lines.append(f"[dim]wait:[/dim] up to {row.wait_s:g} s")
    if row.parameters:
        lines.append(f"[dim]to be filled in:[/dim] {escape(', '.join(row.parameters))}")
    if row.why:
        lines.append(f"[dim]why: {escape(row.why)}[/dim]")
    return "\n".join(lines)
