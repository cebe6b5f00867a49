"""`status-page maintenance add|tell|end|list`: maintenance that the public is told of."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_status_page import MaintenanceOrder, MaintenanceText, PageMaintenance, StatusPageShown
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration, moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="Maintenance that the public is told of.", no_args_is_help=True)

_PATH = "/api/v1/status-page"
Id = Annotated[str, typer.Argument(help="As the list shows it.")]
Message = Annotated[str, typer.Option("--message", "-m", help="What is told.")]


@verbs.command(
    epilog="Example: [bold]stationmaster status-page maintenance add Orders --from 2026-12-01T22:00Z --for 3h"
    " --title 'Switch upgrade' -m 'Orders may be slow.'[/bold]"
)
def add(
    components: Annotated[list[str], typer.Argument(help="Names or ids of components.")],
    for_: Annotated[str, typer.Option("--for", help="How long it lasts.")] = "1h",
    from_: Annotated[str, typer.Option("--from", help="When it begins: ISO 8601, +2h, or now.")] = "now",
    title: Annotated[str, typer.Option("--title", help="What it is called.")] = "",
    message: Message = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Announce maintenance. Alerts go on: `silence add --name` silences them and is shown as well."""
    with refusals():
        starts_at = moment(from_, utc_now())
        order = MaintenanceOrder(
            title=title,
            text=message,
            components=tuple(components),
            starts_at=starts_at,
            ends_at=starts_at + duration(for_),
        )
        found = ControlClient(state_dir(state)).post(f"{_PATH}/maintenances", order, StatusPageShown)
    _say(found, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster status-page maintenance tell abc -m 'It takes longer.'[/bold]")
def tell(number: Id, message: Message = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Tell the public how it goes."""
    with refusals():
        order = MaintenanceText(text=message)
        found = ControlClient(state_dir(state)).post(f"{_PATH}/maintenances/{number}/posts", order, StatusPageShown)
    _say(found, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster status-page maintenance end abc[/bold]")
def end(number: Id, message: Message = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Say that it is completed."""
    with refusals():
        order = MaintenanceText(text=message)
        found = ControlClient(state_dir(state)).post(f"{_PATH}/maintenances/{number}/end", order, StatusPageShown)
    _say(found, as_json=as_json)


@verbs.command("list", epilog="Example: [bold]stationmaster status-page maintenance list[/bold]")
def list_maintenances(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List maintenance, the latest to begin first."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PATH, StatusPageShown)
    _say(found, as_json=as_json)


def _say(found: StatusPageShown, *, as_json: bool) -> None:
    if as_json:
        print_json({"maintenances": found.maintenances})
        return
    print_maintenances(found.maintenances)


def print_maintenances(found: Sequence[PageMaintenance]) -> None:
    if not found:
        return
    table = table_of("maintenance", "status", "from", "until", "components", "title", whole=frozenset({"maintenance"}))
    for each in found:
        table.add_row(
            each.id,
            each.status,
            f"{each.starts_at.astimezone():%Y-%m-%d %H:%M}",
            f"{each.ends_at.astimezone():%Y-%m-%d %H:%M}",
            escape(", ".join(each.components)),
            escape(each.title),
        )
    print_table(table)
