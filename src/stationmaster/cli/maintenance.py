"""`maintenance on|off|list`: windows in which alerts open no incident, and which the status page shows."""

from typing import Annotated

import typer

from stationmaster.api.wire_intake import SilenceList, SilenceOrder, SilenceShown
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration, moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="Maintenance windows: alerts open no incident meanwhile.", no_args_is_help=True)

_PATH = "/api/v1/silences"
Name = Annotated[str, typer.Argument(help="What the window is called.")]


@verbs.command(epilog="Example: [bold]stm maintenance on 'orders 2.1' service=orders --for 30m -r 'new version'[/bold]")
def on(
    name: Name,
    matchers: Annotated[list[str], typer.Argument(help='Alerts that it is about, as service="orders".')],
    for_: Annotated[str, typer.Option("--for", help="It ends by itself after so long.")] = "1h",
    from_: Annotated[str, typer.Option("--from", help="When it begins: ISO 8601, +2h, or now.")] = "now",
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Begin a window. One of the same name that still lasts is kept as it is."""
    with refusals():
        client = ControlClient(state_dir(state))
        made = next((each for each in _lasting(client) if each.name == name and each.state == "active"), None)
        if made is None:
            starts_at = moment(from_, utc_now())
            order = SilenceOrder(
                matchers=tuple(matchers),
                starts_at=starts_at,
                ends_at=starts_at + duration(for_),
                comment=reason,
                name=name,
            )
            made = client.post(_PATH, order, SilenceShown)
    if as_json:
        print_json(made)
        return
    out.print(f"maintenance “{name}” until {made.ends_at.astimezone():%Y-%m-%d %H:%M:%S}", markup=False)


@verbs.command(epilog="Example: [bold]stm maintenance off 'orders 2.1'[/bold]")
def off(name: Name, state: StateOption = DEFAULT_STATE) -> None:
    """End a window; what still fires opens its incidents. One that is over already is no error."""
    with refusals():
        client = ControlClient(state_dir(state))
        found = [each for each in client.get(_PATH, SilenceList).silences if each.name == name]
        if not found:
            hint = "`maintenance list --all` shows them"
            raise PlatformError("unknown-maintenance", f"there is no window {name!r}", hint=hint, status=404)
        lasting = [each for each in found if each.state != "expired"]
        for each in lasting:
            client.delete(f"{_PATH}/{each.id}")
    out.print(f"maintenance “{name}” is over{'' if lasting else ' already'}", markup=False)


@verbs.command("list", epilog="Example: [bold]stm maintenance list --all[/bold]")
def list_windows(
    all_: Annotated[bool, typer.Option("--all", help="Those that ended lately, too.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List windows that last or will come."""
    with refusals():
        client = ControlClient(state_dir(state))
        every = client.get(_PATH, SilenceList).silences
    found = tuple(each for each in every if each.name and (all_ or each.state != "expired"))
    if as_json:
        print_json(SilenceList(silences=found))
        return
    if not found:
        out.print("no maintenance")
        return
    table = table_of("name", "state", "from", "until", "by", "alerts", "why")
    for each in found:
        moments = (f"{moment_.astimezone():%Y-%m-%d %H:%M}" for moment_ in (each.starts_at, each.ends_at))
        table.add_row(each.name, each.state, *moments, each.created_by, ", ".join(each.matchers), each.comment)
    print_table(table)


def _lasting(client: ControlClient) -> list[SilenceShown]:
    return [each for each in client.get(_PATH, SilenceList).silences if each.name and each.state != "expired"]
