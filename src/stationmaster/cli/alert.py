"""`alert list`, `alert key create|list|revoke`: alerts that others send, and the keys that they send them with."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape

from stationmaster.api.wire_intake import (
    ForeignAlertList,
    ForeignAlertShown,
    NewRoutingKey,
    RoutingKeyList,
    RoutingKeyMade,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of

verbs = typer.Typer(help="Alerts that others send.", no_args_is_help=True)
keys = typer.Typer(help="Routing keys of PagerDuty's Events API v2.", no_args_is_help=True)
verbs.add_typer(keys, name="key")

_KEYS = "/api/v1/intake/routing-keys"


@verbs.command("list", epilog="Example: [bold]stationmaster alert list --json[/bold]")
def list_alerts(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List foreign alerts that fire, silenced ones too."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/api/v1/intake/alerts", ForeignAlertList)
    if as_json:
        print_json(found)
        return
    if not found.alerts:
        out.print("no foreign alert fires")
        return
    table = table_of("state", "since", "from", "alert", "labels", "summary", whole=frozenset({"since"}))
    for each in found.alerts:
        others = (f"{name}={value}" for name, value in sorted(each.labels.items()) if name != "alertname")
        table.add_row(
            _state(each),
            f"{each.starts_at.astimezone():%Y-%m-%d %H:%M:%S}",
            escape(each.source),
            escape(each.labels.get("alertname", "")),
            escape(", ".join(others)),
            escape(each.annotations.get("summary", "")[:200]),
        )
    print_table(table)


@keys.command("create", epilog="Example: [bold]stationmaster alert key create --service orders[/bold]")
def create(
    service: Annotated[str, typer.Option("--service", "-s", help="Whose events are sent with it.")],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make a routing key; it is shown only now."""
    with refusals():
        made = ControlClient(state_dir(state)).post(_KEYS, NewRoutingKey(service=service), RoutingKeyMade)
    if as_json:
        print_json(made)
        return
    out.print(made.routing_key, markup=False)
    out.print("Keep it now: it is not shown again. Events go to /v2/enqueue of the control plane.", style="dim")


@keys.command("list", epilog="Example: [bold]stationmaster alert key list[/bold]")
def list_keys(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List routing keys, the newest first."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_KEYS, RoutingKeyList)
    if as_json:
        print_json(found)
        return
    table = table_of("id", "service", "begins with", "made", "made by", "state")
    for each in found.keys:
        state_shown = "holds" if each.revoked_at is None else "[red]revoked[/red]"
        made = f"{each.created_at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(each.id, escape(each.service), each.prefix, made, escape(each.created_by), state_shown)
    print_table(table)


@keys.command("revoke", epilog="Example: [bold]stationmaster alert key revoke 3fa9c2d1e0b7[/bold]")
def revoke(
    number: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as the list shows it.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Revoke a routing key, from the next event on."""
    with refusals():
        ControlClient(state_dir(state)).delete(f"{_KEYS}/{quote(number, safe='')}")
    out.print(f"{number} revoked", markup=False)


def _state(alert: ForeignAlertShown) -> str:
    if alert.silenced_by:
        return "[dim]silenced[/dim]"
    return "[yellow]flapping[/yellow]" if alert.flapping else "[red]firing[/red]"
