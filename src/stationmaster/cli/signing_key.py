"""`signing-key list|rotate`: the keys that sign tokens."""

from datetime import datetime

import typer
from rich.table import Table

from stationmaster.api.wire import Empty
from stationmaster.api.wire_keys import SigningKeyList, SigningKeySummary
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

verbs = typer.Typer(help="Keys that sign tokens.", no_args_is_help=True)

_PATH = "/api/v1/signing-keys"


@verbs.command("list", epilog="Example: [bold]stationmaster signing-key list[/bold]")
def list_keys(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List signing keys: those that wait, the one that signs, and those whose tokens may be alive."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PATH, SigningKeyList)
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("key", "algorithm", "state", "created", "signs from", "known until"):
        table.add_column(column.upper())
    for each in found.keys:
        times = (each.created_at, each.active_from, each.known_until)
        table.add_row(each.kid, each.algorithm, each.state, *map(_moment, times))
    out.print(table)


@verbs.command(epilog="Example: [bold]stationmaster signing-key rotate[/bold]")
def rotate(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Make a new signing key. It signs as soon as every gateway node knows it; older tokens hold until they expire."""
    with refusals():
        made = ControlClient(state_dir(state)).post(f"{_PATH}/rotate", Empty(), SigningKeySummary)
    if as_json:
        print_json(made)
        return
    out.print(
        f"{made.kid} ({made.algorithm}) signs as soon as every gateway node knows it; `signing-key list` shows it"
    )


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
