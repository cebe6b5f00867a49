"""`check list|run`: all health URLs with their last answers, and a check at this moment."""

from datetime import datetime
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_checks import CheckAnswer, CheckList, CheckRow, CheckRun
from stationmaster.cli.client import ControlClient
from stationmaster.cli.near import meant
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.db import utc_now

verbs = typer.Typer(help="Checks: all health URLs with their last answers.", no_args_is_help=True)

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
    now = utc_now()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("check", "state", "since", "latency", "cert", "due", "url", "answer"):
        table.add_column(column.upper())
    for each in found.checks:
        table.add_row(escape(each.name), *_cells(each, now))
    out.print(table)


@verbs.command(epilog=_RUN_EXAMPLES)
def run(
    name: Annotated[str, typer.Argument(help="An instance, or API@NODE.")],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a check now and show its answer; ends with 2 when the answer is bad."""
    with refusals():
        found = _run(ControlClient(state_dir(state)), name)
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


def _run(client: ControlClient, name: str) -> CheckRun:
    try:
        return client.send("POST", f"/api/v1/checks/{quote(name, safe='')}/run", CheckRun)
    except PlatformError as error:
        if error.code != "unknown-check":
            raise
        names = (each.name for each in client.get("/api/v1/checks", CheckList).checks)
        hint = f"{meant(name, names)} {error.hint}".strip()
        raise PlatformError(error.code, error.message, hint=hint, status=error.status) from error


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
