"""`cipher status|rotate|new-key`: the master key that stored secrets are sealed under."""

import typer
from rich.markup import escape

from stationmaster.api.wire import Empty
from stationmaster.api.wire_keys import CipherRotated, CipherState
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.runtime.master_key import new_key, written

verbs = typer.Typer(help="The master key that stored secrets are sealed under.", no_args_is_help=True)

_LIMIT_S = 120.0
"""A hundred thousand secrets are sealed anew in some seconds."""


@verbs.command(epilog="Example: [bold]stationmaster cipher status[/bold]")
def status(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show where the master key comes from and whether every secret stands under the newest one."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/api/v1/cipher", CipherState)
    if as_json:
        print_json(found)
        return
    out.print(f"master key {found.key_id} from {escape(found.source)} ({found.origin})")
    out.print(f"{found.secrets} secrets, {found.stale} of them under an older key")
    if found.unfinished:
        out.print("older keys are still known: `stationmaster cipher rotate` finishes the rotation", style="yellow")


@verbs.command(epilog="Example: [bold]stationmaster cipher rotate[/bold]")
def rotate(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Make a new master key and seal every stored secret anew; what was cut off is finished."""
    with refusals():
        client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
        done = client.post("/api/v1/cipher/rotate", Empty(), CipherRotated)
    if as_json:
        print_json(done)
        return
    out.print(f"master key {done.key_id}: {done.secrets} secrets sealed anew")


@verbs.command("new-key", epilog="Example: [bold]stationmaster cipher new-key | vault kv put stm/key value=-[/bold]")
def print_new_key() -> None:
    """Print a new master key for a platform that gets it from the environment or a command."""
    typer.echo(written(new_key()), nl=False)
