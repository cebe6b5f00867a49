"""`key create`: credentials of an API user."""

from typing import Annotated

import typer

from stationmaster.api.wire import Credentials, CredentialsRequest
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

verbs = typer.Typer(help="Credentials of API users.", no_args_is_help=True)


@verbs.command("create", epilog="Example: [bold]stationmaster key create ada --json[/bold]")
def create(
    user: Annotated[str, typer.Argument(help="An API user of the platform YAML.")],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make an API key and a client secret for an API user; they replace older ones and are shown only now."""
    with refusals():
        made = ControlClient(state_dir(state)).post("/api/v1/credentials", CredentialsRequest(user=user), Credentials)
    if as_json:
        print_json(made)
        return
    out.print(f"API key        {made.api_key}")
    out.print(f"client id      {made.client_id}")
    out.print(f"client secret  {made.client_secret}")
    out.print("Keep them now: they are not shown again.", style="dim")
