"""`check list|run`: all health URLs with their last answers, and a check at this moment."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_checks import CheckAnswer, CheckList, CheckRow, CheckRun
from stationmaster.cli.client import ControlClient
from stationmaster.cli.get import print_table
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="Checks: all health URLs with their last answers.", no_args_is_help=True)

_COLUMNS = ("CHECK", "STATE", "SINCE", "LATENCY", "CERT", "DUE", "URL", "ANSWER")
_WIDE = 140
"""Columns of a terminal in which everything fits into one line."""

_COLOURS = {"up": "green", "down": "red", "held": "yellow"}
_LIST_EXAMPLES = (
    "Examples: [bold]stationmaster check list --only down[/bold], "
    "[bold]stationmaster check list --service api_key_service --json[/bold]"
)
_RUN_EXAMPLES = (
    "Examples: [bold]stationmaster check run sample-1[/bold], "
    "[bold]stationmaster check run keys@gateway-1[/bold] (the API keys through the node gateway-1)"
)


@verbs.command("list", epilog=_LIST_EXAMPLES)
def list_checks(
    service: Annotated[str, typer.Option("--service", help="Only those of one service.")] = "",
    only: Annotated[str, typer.Option("--only", help="Only those that are up, down, unknown or held.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List every check: its URL, its state and since when, its last answer, and when it is due."""
    query = {"service": service, "state": only}
    with refusals():
        found = ControlClient(state_dir(state)).get("/api/v1/checks", CheckList, **query)
    if as_json:
        print_json(found)
        return
    if not found.checks:
        out.print("no check is like that" if service or only else "nothing is checked: no service has `health`")
        return
    print_table(_table(found.checks, utc_now(), width=out.width if out.is_terminal else _WIDE))


@verbs.command(epilog=_RUN_EXAMPLES)
def run(
    name: Annotated[str, typer.Argument(help="An instance, API@NODE or API@TARGET, as `check list` names it.")],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a check now and show its answer; ends with 2 when the answer is bad."""
    with refusals():
        path = f"/api/v1/checks/{quote(name, safe='')}/run"
        found = ControlClient(state_dir(state)).send("POST", path, CheckRun)
    answer = found.answer
    if as_json:
        print_json(found)
    else:
        said = "[green]well[/green]" if answer.ok else "[red]not well[/red]"
        out.print(f"{escape(name)} is {said}: {escape(answer.detail)} (after {answer.latency_ms:.0f} ms)")
        if answer.certificate_days is not None:
            out.print(f"its certificate is good for {answer.certificate_days} days")
    if not answer.ok:
        raise typer.Exit(2)


def _table(rows: Sequence[CheckRow], now: datetime, *, width: int) -> Table:
    """Everything in a row of its own; where that does not fit, what a good answer says and when the next is due are
    left out, and a bad answer stands below its URL."""
    narrow = width < _WIDE
    certificates = any(_days(each.answer) for each in rows)
    hidden = ({"DUE", "ANSWER"} if narrow else set()) | (set() if certificates else {"CERT"})
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in _COLUMNS:
        if column not in hidden:
            table.add_column(column, overflow="fold", no_wrap=column != "URL" and narrow)
    for each in rows:
        cells = dict(zip(_COLUMNS, (escape(each.name), *_cells(each, now)), strict=True))
        if narrow and each.state != "up" and each.detail:
            cells["URL"] += f"\n{cells['ANSWER']}"
        table.add_row(*(cell for column, cell in cells.items() if column not in hidden))
    return table


def _cells(row: CheckRow, now: datetime) -> tuple[str, ...]:
    colour, answer = _COLOURS.get(row.state, "white"), row.answer
    return (
        f"[{colour}]{row.state}[/{colour}]",
        _span((now - row.since).total_seconds()),
        f"{answer.latency_ms:.0f} ms" if answer else "",
        _days(answer),
        f"in {_span((row.due_at - now).total_seconds())}" if row.due_at else "",
        escape(row.url),
        escape(row.detail),
    )


def _days(answer: CheckAnswer | None) -> str:
    return "" if answer is None or answer.certificate_days is None else f"{answer.certificate_days} d"


def _span(seconds: float) -> str:
    """In the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
