"""`silence add|list|expire`: alerts that open no incident for a while, and maintenance windows."""

from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_intake import SilenceList, SilenceOrder, SilenceShown
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration, moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="Silences: alerts that open no incident for a while.", no_args_is_help=True)

_PATH = "/api/v1/silences"
_COLOURS = {"active": "green", "pending": "cyan", "expired": "dim"}


@verbs.command(
    epilog="Examples: [bold]stationmaster silence add service=orders 'severity=~warn.*' --for 2h -c 'new disk'[/bold], "
    "[bold]stationmaster silence add region=eu --from 2026-12-01T22:00 --for 3h --name 'switch upgrade'[/bold]"
)
def add(
    matchers: Annotated[list[str], typer.Argument(help='As service="orders", severity=~"warn.*" or region!="eu".')],
    for_: Annotated[str, typer.Option("--for", help="How long it lasts.")] = "1h",
    from_: Annotated[str, typer.Option("--from", help="When it begins: ISO 8601, +2h, or now.")] = "now",
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why, in one sentence.")] = "",
    name: Annotated[str, typer.Option("--name", help="Makes it a maintenance window of this name.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Silence alerts that satisfy every matcher."""
    with refusals():
        starts_at = moment(from_, utc_now())
        try:
            ends_at = starts_at + duration(for_)
        except OverflowError as error:
            raise PlatformError("bad-duration", f"{for_} ends in no year", hint="write 2h, or 7d") from error
        order = SilenceOrder(matchers=tuple(matchers), starts_at=starts_at, ends_at=ends_at, comment=comment, name=name)
        made = ControlClient(state_dir(state)).post(_PATH, order, SilenceShown)
    if as_json:
        print_json(made)
        return
    out.print(made.id, markup=False)


@verbs.command("list", epilog="Example: [bold]stationmaster silence list --all[/bold]")
def list_silences(
    all_: Annotated[bool, typer.Option("--all", help="Those that ended lately, too.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List silences that hold or will, by their end."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PATH, SilenceList)
    shown = SilenceList(silences=tuple(each for each in found.silences if all_ or each.state != "expired"))
    if as_json:
        print_json(shown)
        return
    if not shown.silences:
        out.print("nothing is silenced")
        return
    table = table_of("id", "state", "from", "until", "by", "matchers", "why", whole=frozenset({"id"}))
    for each in shown.silences:
        colour = _COLOURS.get(each.state, "white")
        soon = " (soon)" if each.ends_soon else ""
        why = ": ".join(said for said in (each.name, each.comment) if said)
        table.add_row(
            each.id,
            f"[{colour}]{each.state}[/{colour}]",
            f"{each.starts_at.astimezone():%Y-%m-%d %H:%M}",
            f"{each.ends_at.astimezone():%Y-%m-%d %H:%M}{soon}",
            escape(each.created_by),
            escape(", ".join(each.matchers)),
            escape(why),
        )
    print_table(table)


@verbs.command(epilog="Example: [bold]stationmaster silence expire 6f1c5b1e-7a39-4d57-9a43-0a8d2c0f6a10[/bold]")
def expire(
    ids: Annotated[list[str], typer.Argument(help="Ids, as the list shows them.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """End silences now; what still fires opens its incidents."""
    with refusals():
        client = ControlClient(state_dir(state))
        for each in ids:
            client.delete(f"{_PATH}/{each}")
            out.print(f"{each} expired", markup=False)
