"""`host create|set|add|remove|show|delete|maintenance`: one virtual host at a time."""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from stationmaster.api.wire_catalog import Changed, WeightOrder
from stationmaster.cli import complete, declare
from stationmaster.cli.api import Switch
from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import HOSTS, path_of
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.spec import Algorithm, Protocol

verbs = typer.Typer(help="Virtual hosts: targets behind one name.", no_args_is_help=True)

NewName = Annotated[str, typer.Argument(help="The name of the virtual host.")]
KnownName = Annotated[str, typer.Argument(help="The name of the virtual host.", autocompletion=complete.hosts)]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", help="HOST:PORT or the name of an instance, with =WEIGHT if it is not 100."),
]
AlgorithmOption = Annotated[Algorithm | None, typer.Option(help="How a target is picked.")]
ProtocolOption = Annotated[Protocol | None, typer.Option(help="What its targets speak.")]
SlowStart = Annotated[str, typer.Option(help="After how long a target that comes back has its full share, as 10s.")]
HealthPath = Annotated[str, typer.Option("--health-path", help="Check the targets by GET of this path.")]
TargetArgument = Annotated[str, typer.Argument(help="HOST:PORT or the name of an instance.")]


@verbs.command(
    "create",
    epilog="Example: [bold]stationmaster host create shop --target 127.0.0.1:9000 --target 127.0.0.1:9001=50[/bold]",
)
def create(
    name: NewName,
    target: Targets = None,
    algorithm: AlgorithmOption = None,
    protocol: ProtocolOption = None,
    slow_start: SlowStart = "",
    health_path: HealthPath = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Declare a virtual host with its targets."""
    body = _body(algorithm, protocol, slow_start, health_path)
    body["targets"] = [_target(each) for each in target or ()]
    with refusals():
        made = declare.create(ControlClient(state_dir(state)), HOSTS, name, body)
    declare.say(made, as_json=as_json)


@verbs.command("set", epilog="Example: [bold]stationmaster host set shop --algorithm least-connections[/bold]")
def amend(
    name: KnownName,
    algorithm: AlgorithmOption = None,
    protocol: ProtocolOption = None,
    slow_start: SlowStart = "",
    health_path: HealthPath = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Change fields of a virtual host."""
    with refusals():
        client = ControlClient(state_dir(state))
        changed = declare.amend(client, HOSTS, name, _body(algorithm, protocol, slow_start, health_path))
    declare.say(changed, as_json=as_json)


@verbs.command("add", epilog="Example: [bold]stationmaster host add shop 127.0.0.1:9002 --weight 50[/bold]")
def add(
    name: KnownName,
    target: TargetArgument,
    weight: Annotated[int, typer.Option(min=0, max=65535, help="Its share of the traffic.")] = 100,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Add a target to a virtual host, or change its weight."""
    import msgspec

    with refusals():
        path = f"{path_of(HOSTS, name)}/targets/{quote(target, safe='')}"
        content = msgspec.json.encode(WeightOrder(weight=weight))
        changed = ControlClient(state_dir(state)).send("PUT", path, Changed, content=content)
    declare.say(changed, as_json=as_json)


@verbs.command("remove", epilog="Example: [bold]stationmaster host remove shop 127.0.0.1:9002[/bold]")
def remove(
    name: KnownName, target: TargetArgument, state: StateOption = DEFAULT_STATE, as_json: AsJson = False
) -> None:
    """Take a target away from a virtual host for good; `stationmaster target drain` spares its requests."""
    with refusals():
        ControlClient(state_dir(state)).delete(f"{path_of(HOSTS, name)}/targets/{quote(target, safe='')}")
    if as_json:
        print_json({"virtual_host": name, "target": target, "deleted": True})
    else:
        out.print(f"[red]-[/red] target {target} of {name}")


@verbs.command("show", epilog="Example: [bold]stationmaster host show sample_api[/bold]")
def show(name: KnownName, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show a virtual host as the platform YAML writes it."""
    with refusals():
        declare.show(ControlClient(state_dir(state)), HOSTS, name, as_json=as_json)


@verbs.command("delete", epilog="Example: [bold]stationmaster host delete shop[/bold]")
def delete(name: KnownName, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Delete a virtual host that no API leads to."""
    with refusals():
        declare.remove(ControlClient(state_dir(state)), HOSTS, name, as_json=as_json)


@verbs.command("maintenance", epilog="Example: [bold]stationmaster host maintenance shop on --retry-after 30m[/bold]")
def maintenance(
    name: KnownName,
    switch: Annotated[Switch, typer.Argument(help="on or off.")],
    message: Annotated[str, typer.Option(help="What callers read.")] = "",
    retry_after: Annotated[str, typer.Option(help="When they may come again, as 5m.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Answer every request to a virtual host with 503, or stop doing so."""
    told = declare.given(message=message, retry_after=retry_after) if switch is Switch.ON else None
    with refusals():
        changed = declare.amend(ControlClient(state_dir(state)), HOSTS, name, {"maintenance": told})
    declare.say(changed, as_json=as_json)


def _body(algorithm: Algorithm | None, protocol: Protocol | None, slow_start: str, health_path: str) -> dict[str, Any]:
    return declare.given(
        algorithm=algorithm.value if algorithm else None,
        protocol=protocol.value if protocol else None,
        slow_start=slow_start,
        health={"path": health_path} if health_path else None,
    )


def _target(text: str) -> dict[str, Any]:
    """HOST:PORT or the name of an instance, either with =WEIGHT behind it."""
    place, _, weight = text.partition("=")
    target: dict[str, Any] = {"address" if ":" in place else "instance": place}
    if weight:
        if not weight.isdecimal():
            raise typer.BadParameter(f"{weight!r} is no weight; write it as 127.0.0.1:9000=50")
        target["weight"] = int(weight)
    return target
