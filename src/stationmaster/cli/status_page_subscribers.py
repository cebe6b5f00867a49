"""`status-page subscribers list|add|remove`: who is told of what stands on the status page."""

from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_status_page import PageSubscriber, PageSubscriberList, SubscriberOrder
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of

verbs = typer.Typer(help="Who is told of what stands on the status page.", no_args_is_help=True)

_PATH = "/api/v1/status-page/subscribers"


@verbs.command("list", epilog="Example: [bold]stationmaster status-page subscribers list[/bold]")
def list_subscribers(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List subscribers, those that have not confirmed as well."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PATH, PageSubscriberList)
    if as_json:
        print_json(found)
        return
    if not found.subscribers:
        out.print("no subscribers")
        return
    table = table_of("id", "kind", "address", "about", "confirmed", "lost", whole=frozenset({"id"}))
    for each in found.subscribers:
        confirmed = "no" if each.confirmed_at is None else f"{each.confirmed_at.astimezone():%Y-%m-%d %H:%M}"
        about = ", ".join(each.components) or "everything"
        table.add_row(each.id, each.kind, escape(each.address), escape(about), confirmed, str(each.lost))
    print_table(table)


@verbs.command(
    epilog="Example: [bold]stationmaster status-page subscribers add http://127.0.0.1:9000/hook -c Orders[/bold]"
)
def add(
    address: Annotated[str, typer.Argument(help="An e-mail address, or the URL of a webhook.")],
    component: Annotated[list[str] | None, typer.Option("--component", "-c", help="About this one alone.")] = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Add a subscriber who need not confirm it; a webhook may lie in a private network."""
    with refusals():
        kind = "webhook" if "://" in address else "email"
        order = SubscriberOrder(kind=kind, address=address, components=tuple(component or ()))
        made = ControlClient(state_dir(state)).post(_PATH, order, PageSubscriber)
    if as_json:
        print_json(made)
        return
    out.print(made.id, markup=False)


@verbs.command(epilog="Example: [bold]stationmaster status-page subscribers remove 4xk2abcdefgh[/bold]")
def remove(
    ids: Annotated[list[str], typer.Argument(help="Ids, as the list shows them.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Forget subscribers."""
    with refusals():
        client = ControlClient(state_dir(state))
        for each in ids:
            client.delete(f"{_PATH}/{each}")
            out.print(f"{each} removed", markup=False)
