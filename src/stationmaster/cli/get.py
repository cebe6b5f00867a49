"""`get`: what is declared, as a table, JSON, YAML or names."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire import PlatformStatus
from stationmaster.api.wire_catalog import Entry
from stationmaster.cli import complete
from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import HOSTS, Shown, every_entry, path_of, shown_as
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, CarefulConsole, out, print_json, refusals
from stationmaster.core.problem import PlatformError

EXAMPLES = (
    "Examples: [bold]stationmaster get apis[/bold]; [bold]stationmaster get apis --user ada -o wide[/bold]; "
    "[bold]stationmaster get api sample -o yaml[/bold]; [bold]stationmaster get targets[/bold]; "
    "[bold]stationmaster get platform > platform.yaml[/bold]"
)

_WIDEST = 10_000
_TARGETS, _SETTINGS, _PLATFORM = ("targets", "target"), ("settings",), ("platform",)


class Output(Enum):
    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


KindArgument = Annotated[
    str,
    typer.Argument(
        help="apis, users, hosts, targets, services, nodes, issuers, settings, or platform for all of it as YAML.",
        autocompletion=complete.kinds,
    ),
]
NameArgument = Annotated[str, typer.Argument(help="One of them; without it all.", autocompletion=complete.of_kind)]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print it.")]
NameFilter = Annotated[str, typer.Option("--name", help="Part of the name, or a pattern with * and ?.")]
HostFilter = Annotated[str, typer.Option("--host", help="APIs: part of a host name, or a pattern.")]
PathFilter = Annotated[str, typer.Option("--path", help="APIs: part of a path, or a pattern.")]
VirtualHostFilter = Annotated[str, typer.Option("--virtual-host", help="APIs that lead there.")]
UserFilter = Annotated[str, typer.Option("--user", help="APIs that this API user may call.")]
ApiFilter = Annotated[str, typer.Option("--api", help="API users who may call this API.")]
GroupFilter = Annotated[str, typer.Option("--group", help="APIs or API users with this group.")]
TargetFilter = Annotated[str, typer.Option("--target", help="Virtual hosts with this instance or address.")]


def get(
    kind: KindArgument,
    name: NameArgument = "",
    output: OutputOption = Output.TABLE,
    name_like: NameFilter = "",
    host: HostFilter = "",
    path: PathFilter = "",
    virtual_host: VirtualHostFilter = "",
    user: UserFilter = "",
    api: ApiFilter = "",
    group: GroupFilter = "",
    target: TargetFilter = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show what is declared: everything of a kind, or one by its name."""
    output = Output.JSON if as_json else output
    wanted = {
        "name": name_like,
        "host": host,
        "path": path,
        "virtual_host": virtual_host,
        "user": user,
        "api": api,
        "group": group,
        "target": target,
    }
    with refusals():
        client = ControlClient(state_dir(state))
        if kind in _PLATFORM:
            typer.echo(client.text("/api/v1/declared"), nl=False)
        elif kind in _SETTINGS:
            _print_settings(client, output)
        elif kind in _TARGETS:
            _print_targets(client, name, output)
        elif name:
            _print_one(client, shown_as(kind), name, output)
        else:
            shown = shown_as(kind)
            asked = _asked(shown, {word: value for word, value in wanted.items() if value})
            _print_entries(shown, tuple(every_entry(client, shown, asked)), output)


def _asked(shown: Shown, wanted: dict[str, str]) -> dict[str, str]:
    for word in wanted.keys() - set(shown.filters):
        known = ", ".join(f"--{each.replace('_', '-')}" for each in shown.filters)
        message = f"{shown.words[0]} cannot be asked for by {word.replace('_', ' ')}"
        raise PlatformError("unknown-filter", message, hint=f"known are {known}")
    return wanted


def _print_one(client: ControlClient, shown: Shown, name: str, output: Output) -> None:
    body = client.get(path_of(shown, name), dict[str, Any])
    match output:
        case Output.JSON:
            print_json(body)
        case Output.YAML:
            print_yaml(shown, name, body)
        case Output.NAME:
            typer.echo(f"{shown.kind.value}/{name}")
        case Output.TABLE | Output.WIDE:
            _print_table(shown, [(name, body, ())], output)


def _print_entries(shown: Shown, entries: Sequence[Entry], output: Output) -> None:
    match output:
        case Output.JSON:
            print_json(entries)
        case Output.YAML:
            for each in entries:
                typer.echo("---")
                print_yaml(shown, each.name, each.declared)
        case Output.NAME:
            for each in entries:
                typer.echo(f"{each.kind}/{each.name}")
        case Output.TABLE | Output.WIDE:
            rows = [(each.name, each.declared, (_when(each), each.changed_by)) for each in entries]
            _print_table(shown, rows, output)


def print_yaml(shown: Shown, name: str, body: dict[str, Any]) -> None:
    from stationmaster.manifest.entities import entity_yaml
    from stationmaster.manifest.entity import Entity

    typer.echo(entity_yaml(Entity(kind=shown.kind, name=name, body=body)), nl=False)


def _print_table(shown: Shown, rows: Sequence[tuple[str, dict[str, Any], tuple[str, ...]]], output: Output) -> None:
    if not rows:
        out.print(f"no {shown.words[0]}")
        return
    columns = (*shown.columns, *(shown.wide if output is Output.WIDE else ()))
    changed = output is Output.WIDE and bool(rows[0][2])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", *(title for title, _ in columns), *(("changed", "by") if changed else ())):
        table.add_column(title.upper())
    for name, body, when in rows:
        cells = (escape(cell(body)) for _, cell in columns)
        table.add_row(escape(name), *cells, *(map(escape, when) if changed else ()))
    print_table(table)


def print_table(table: Table) -> None:
    """Whole lines where nobody looks at a terminal: a program that reads them must not find them cut off."""
    console = out if out.is_terminal else CarefulConsole(width=_WIDEST, highlight=False, emoji=False)
    console.print(table)


def _when(each: Entry) -> str:
    return each.changed_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _print_settings(client: ControlClient, output: Output) -> None:
    from stationmaster.manifest.entities import entity_yaml
    from stationmaster.manifest.entity import SETTINGS, Entity, EntityKind

    body = client.get("/api/v1/settings", dict[str, Any])
    if output is Output.JSON:
        print_json(body)
    else:
        typer.echo(entity_yaml(Entity(kind=EntityKind.SETTINGS, name=SETTINGS, body=body)), nl=False)


def _print_targets(client: ControlClient, host: str, output: Output) -> None:
    """The targets of one virtual host or of all, with the state that they are in."""
    seen = client.get("/api/v1/status", PlatformStatus).targets
    if host:
        client.get(path_of(HOSTS, host), dict[str, Any])
    weights = {
        (each.name, target.get("instance") or target.get("address")): str(target.get("weight", 100))
        for each in every_entry(client, HOSTS, {})
        for target in each.declared.get("targets", ())
    }
    rows = [each for each in seen if host in ("", each.virtual_host)]
    if output is Output.JSON:
        print_json(rows)
    elif output is Output.NAME:
        for each in rows:
            typer.echo(f"{each.virtual_host}/{each.address}")
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("virtual host", "target", "instance", "weight", "state", "why"):
            table.add_column(title.upper())
        for each in rows:
            weight = weights.get((each.virtual_host, each.instance or each.address), "")
            why = f"{each.by}: {each.why}" if each.why else ""
            cells = (each.virtual_host, each.address, each.instance or "", weight, each.state, why)
            table.add_row(*map(escape, cells))
        print_table(table)
