"""`api create|set|show|delete|maintenance`: one API at a time."""

from enum import Enum
from typing import Annotated, Any

import typer

from stationmaster.cli import complete, declare
from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import APIS
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, refusals

verbs = typer.Typer(help="APIs: routes into virtual hosts.", no_args_is_help=True)


class Switch(Enum):
    ON = "on"
    OFF = "off"


class Credential(Enum):
    JWT = "jwt"
    API_KEY = "api-key"


NewName = Annotated[str, typer.Argument(help="The name of the API.")]
KnownName = Annotated[str, typer.Argument(help="The name of the API.", autocompletion=complete.apis)]
Paths = Annotated[
    list[str] | None, typer.Option("--path", help="/prefix, =/exact or ~/regex; may be given several times.")
]
Host = Annotated[str, typer.Option("--host", help="The virtual host it leads to.", autocompletion=complete.hosts)]
Hostnames = Annotated[list[str] | None, typer.Option("--hostname", help="A host name it answers to.")]
Methods = Annotated[list[str] | None, typer.Option("--method", help="A method it answers to.")]
Accepts = Annotated[list[Credential] | None, typer.Option("--accept", help="What opens it; without it it is public.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group of API users that may call it.")]
AnyUser = Annotated[bool | None, typer.Option("--any-user/--named-users", help="Whether every API user may call it.")]
Strip = Annotated[bool | None, typer.Option("--strip-path/--keep-path", help="Whether the matched prefix is cut off.")]
Timeout = Annotated[str, typer.Option("--timeout", help="How long a request may take, as 15s.")]


@verbs.command(
    "create",
    epilog="Example: [bold]stationmaster api create orders --path /orders --host shop --accept api-key[/bold]",
)
def create(
    name: NewName,
    path: Paths = None,
    host: Host = "",
    hostname: Hostnames = None,
    method: Methods = None,
    accept: Accepts = None,
    group: Groups = None,
    any_user: AnyUser = None,
    strip_path: Strip = None,
    timeout: Timeout = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Declare an API."""
    body = declare.given(
        paths=path or [f"/{name}"],
        virtual_host=host,
        hosts=hostname,
        methods=method,
        accepts=_values(accept),
        groups=group,
        any_user=any_user,
        strip_path=strip_path,
        timeout=timeout,
    )
    with refusals():
        made = declare.create(ControlClient(state_dir(state)), APIS, name, body)
    declare.say(made, as_json=as_json)


@verbs.command(
    "set", epilog="Example: [bold]stationmaster api set orders --timeout 5s --method GET --method POST[/bold]"
)
def amend(
    name: KnownName,
    path: Paths = None,
    host: Host = "",
    hostname: Hostnames = None,
    method: Methods = None,
    accept: Accepts = None,
    public: Annotated[bool, typer.Option("--public", help="Open it to everybody.")] = False,
    group: Groups = None,
    any_user: AnyUser = None,
    strip_path: Strip = None,
    timeout: Timeout = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Change fields of an API; a list that is given replaces the one that was there."""
    changes = declare.given(
        paths=path,
        virtual_host=host,
        hosts=hostname,
        methods=method,
        accepts=_values(accept),
        groups=group,
        any_user=any_user,
        strip_path=strip_path,
        timeout=timeout,
    )
    if public:
        changes["accepts"] = None
    with refusals():
        changed = declare.amend(ControlClient(state_dir(state)), APIS, name, changes)
    declare.say(changed, as_json=as_json)


@verbs.command("show", epilog="Example: [bold]stationmaster api show sample[/bold]")
def show(name: KnownName, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show an API as the platform YAML writes it."""
    with refusals():
        declare.show(ControlClient(state_dir(state)), APIS, name, as_json=as_json)


@verbs.command("delete", epilog="Example: [bold]stationmaster api delete orders[/bold]")
def delete(name: KnownName, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Delete an API that no API user names."""
    with refusals():
        declare.remove(ControlClient(state_dir(state)), APIS, name, as_json=as_json)


@verbs.command(
    "maintenance",
    epilog="Example: [bold]stationmaster api maintenance orders on --message 'back at nine' --retry-after 30m[/bold]",
)
def maintenance(
    name: KnownName,
    switch: Annotated[Switch, typer.Argument(help="on or off.")],
    message: Annotated[str, typer.Option(help="What callers read.")] = "",
    retry_after: Annotated[str, typer.Option(help="When they may come again, as 5m.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Answer every request to an API with 503, or stop doing so."""
    told: dict[str, Any] | None = None
    if switch is Switch.ON:
        told = declare.given(message=message, retry_after=retry_after)
    with refusals():
        client = ControlClient(state_dir(state))
        changed = declare.amend(client, APIS, name, {"policies": {"maintenance": told}})
    declare.say(changed, as_json=as_json)


def _values(accept: list[Credential] | None) -> list[str]:
    return [each.value for each in accept or ()]
