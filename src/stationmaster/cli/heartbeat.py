"""`heartbeat set|list|beat|remove`: programs that have to be heard from, and are alerted of when they are not."""

from typing import Annotated
from urllib.parse import quote

import msgspec
import typer
from rich.markup import escape

from stationmaster.api.wire_intake import HeartbeatList, HeartbeatOrder, HeartbeatShown
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of

verbs = typer.Typer(help="Heartbeats: alerted of when they are missed.", no_args_is_help=True)

_PATH = "/api/v1/heartbeats"
Name = Annotated[str, typer.Argument(help="As nightly-backup.")]


@verbs.command("set", epilog="Example: [bold]stationmaster heartbeat set nightly-backup --every 1d --grace 1h[/bold]")
def set_heartbeat(
    name: Name,
    every: Annotated[str, typer.Option("--every", help="It beats at least so often.")],
    grace: Annotated[str, typer.Option("--grace", help="It is missed so much later.")] = "1m",
    service: Annotated[str, typer.Option("--service", "-s", help="Whose it is.")] = "",
    severity: Annotated[str, typer.Option("--severity", help="Of its alert.")] = "critical",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a heartbeat, or change it."""
    with refusals():
        order = HeartbeatOrder(
            interval_s=int(duration(every).total_seconds()),
            grace_s=int(duration(grace).total_seconds()),
            service=service,
            severity=severity,
        )
        made = ControlClient(state_dir(state)).put(_path(name), order, HeartbeatShown)
    if as_json:
        print_json(made)
        return
    out.print(f"{name} beats every {made.interval_s} s, by GET or POST of {_path(name)}", markup=False)


@verbs.command("list", epilog="Example: [bold]stationmaster heartbeat list[/bold]")
def list_heartbeats(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List heartbeats, and which are missed."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PATH, HeartbeatList)
    if as_json:
        print_json(found)
        return
    table = table_of("name", "state", "every", "grace", "heard last", "service")
    for each in found.heartbeats:
        heard = "never" if each.beat_at is None else f"{each.beat_at.astimezone():%Y-%m-%d %H:%M:%S}"
        well = "[red]missed[/red]" if each.missed else "[green]well[/green]"
        table.add_row(each.name, well, f"{each.interval_s} s", f"{each.grace_s} s", heard, escape(each.service))
    print_table(table)


@verbs.command(epilog="Example: [bold]stationmaster heartbeat beat nightly-backup[/bold]")
def beat(name: Name, state: StateOption = DEFAULT_STATE) -> None:
    """Beat once."""
    with refusals():
        ControlClient(state_dir(state)).post(_path(name), _Nothing(), HeartbeatShown)
    out.print(f"{name} was heard", markup=False)


@verbs.command(epilog="Example: [bold]stationmaster heartbeat remove nightly-backup[/bold]")
def remove(name: Name, state: StateOption = DEFAULT_STATE) -> None:
    """Forget a heartbeat, with its alert."""
    with refusals():
        ControlClient(state_dir(state)).delete(_path(name))
    out.print(f"{name} removed", markup=False)


class _Nothing(msgspec.Struct):
    """A body without anything."""


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"
