"""`token revoke`: tokens of the key service that must not open anything any more."""

import sys
from typing import Annotated

import typer

from stationmaster.api.wire_keys import TokenEnd, TokenRevocation
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

verbs = typer.Typer(help="Tokens that the key service issued.", no_args_is_help=True)


@verbs.command(epilog="Example: [bold]stationmaster token revoke - < leaked.jwt[/bold]")
def revoke(
    token: Annotated[str, typer.Argument(help="The token, or - to read it from standard input.")],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Revoke a token: every gateway node refuses it from now on."""
    text = sys.stdin.read().strip() if token == "-" else token  # noqa: S105 stands for standard input
    with refusals():
        order = TokenRevocation(token=text)
        ended = ControlClient(state_dir(state)).post("/api/v1/access-tokens/revoke", order, TokenEnd)
    if as_json:
        print_json(ended)
        return
    waiting = f"; not yet taken by {', '.join(ended.pending)}" if ended.pending else ""
    out.print(f"token {ended.token_id} is revoked{waiting}")
