"""`user create|set|allow|forbid|show|delete`: one API user at a time."""

from typing import Annotated, Any

import typer

from stationmaster.cli import complete, declare
from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import USERS, path_of
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, refusals
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="API users: who may call which API.", no_args_is_help=True)

NewName = Annotated[str, typer.Argument(help="The name of the API user.")]
KnownName = Annotated[str, typer.Argument(help="The name of the API user.", autocompletion=complete.users)]
ApiNames = Annotated[list[str], typer.Argument(help="APIs.", autocompletion=complete.apis)]
Apis = Annotated[list[str] | None, typer.Option("--api", help="An API that it may call.", autocompletion=complete.apis)]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group that it is in.")]


@verbs.command("create", epilog="Example: [bold]stationmaster user create lin --api orders --group partners[/bold]")
def create(
    name: NewName, api: Apis = None, group: Groups = None, state: StateOption = DEFAULT_STATE, as_json: AsJson = False
) -> None:
    """Declare an API user; `stationmaster key create` makes its credentials."""
    with refusals():
        body = declare.given(apis=api, groups=group)
        made = declare.create(ControlClient(state_dir(state)), USERS, name, body)
    declare.say(made, as_json=as_json)


@verbs.command("set", epilog="Example: [bold]stationmaster user set lin --group partners[/bold]")
def amend(
    name: KnownName, api: Apis = None, group: Groups = None, state: StateOption = DEFAULT_STATE, as_json: AsJson = False
) -> None:
    """Replace the APIs or the groups of an API user."""
    with refusals():
        client = ControlClient(state_dir(state))
        changed = declare.amend(client, USERS, name, declare.given(apis=api, groups=group))
    declare.say(changed, as_json=as_json)


@verbs.command("allow", epilog="Example: [bold]stationmaster user allow lin orders[/bold]")
def allow(name: KnownName, apis: ApiNames, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Let an API user call more APIs."""
    _change_apis(name, add=apis, state=state, as_json=as_json)


@verbs.command("forbid", epilog="Example: [bold]stationmaster user forbid lin orders[/bold]")
def forbid(name: KnownName, apis: ApiNames, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Take APIs away from an API user."""
    _change_apis(name, remove=apis, state=state, as_json=as_json)


@verbs.command("show", epilog="Example: [bold]stationmaster user show ada[/bold]")
def show(name: KnownName, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show an API user as the platform YAML writes it."""
    with refusals():
        declare.show(ControlClient(state_dir(state)), USERS, name, as_json=as_json)


@verbs.command("delete", epilog="Example: [bold]stationmaster user delete lin[/bold]")
def delete(name: KnownName, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Delete an API user."""
    with refusals():
        declare.remove(ControlClient(state_dir(state)), USERS, name, as_json=as_json)


def _change_apis(
    name: str, *, add: list[str] | None = None, remove: list[str] | None = None, state: Any, as_json: bool
) -> None:
    """Reads, changes and puts back only what nobody changed meanwhile."""
    with refusals():
        client = ControlClient(state_dir(state))
        body, etag = client.read(path_of(USERS, name), dict[str, Any])
        before = list(body.get("apis", ()))
        for each in remove or ():
            if each not in before:
                held = ", ".join(before) or "none"
                raise PlatformError("not-allowed-yet", f"{name} does not name {each!r}", hint=f"it names {held}")
        apis = [each for each in dict.fromkeys((*before, *(add or ()))) if each not in (remove or ())]
        changed = declare.put(client, USERS, {**body, "apis": apis}, etag=etag)
    declare.say(changed, as_json=as_json)
