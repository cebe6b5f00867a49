"""`target list|explain|drain|out|in|auto`: targets of virtual hosts, held by hand or left to what is automatic."""

import time
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_targets import (
    ReleaseOrder,
    TargetChange,
    TargetExplanation,
    TargetOrder,
    TargetState,
    TargetStateList,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.near import meant
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="Targets: their states, and why.", no_args_is_help=True)

Names = Annotated[
    list[str],
    typer.Argument(metavar="[HOST] TARGET", help="A target by HOST:PORT or instance, after its virtual host."),
]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence; it is kept and shown.")]
Force = Annotated[bool, typer.Option("--force", help="Pass the share of withdrawn targets that the platform declares.")]

_COLOURS = {"in": "green", "out": "yellow", "drain": "cyan"}
_ASK_EVERY_S = 0.3


@verbs.command("list", epilog="Example: [bold]stationmaster target list --only out[/bold]")
def list_targets(
    virtual_host: Annotated[str, typer.Option("--host", help="Only those of one virtual host.")] = "",
    only: Annotated[str, typer.Option("--only", help="Only those that are in, out or drain.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List every target with its state, who put it there, and why."""
    query = {"virtual_host": virtual_host, "state": only}
    with refusals():
        found = ControlClient(state_dir(state)).get("/api/v1/targets", TargetStateList, **query)
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("virtual host", "target", "instance", "weight", "state", "why"):
        table.add_column(column.upper())
    for each in found.targets:
        why = f"{each.by}: {each.why}" if each.why else ""
        table.add_row(each.virtual_host, each.address, each.instance or "", str(each.weight), _shown(each), escape(why))
    out.print(table)


@verbs.command(epilog="Example: [bold]stationmaster target explain sample-1[/bold]")
def explain(names: Names, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Tell why a target is in its state: holds, nodes, checks, incident, history."""
    with refusals():
        client = ControlClient(state_dir(state))
        found = client.get(f"{_path(client, names)}/explain", TargetExplanation)
    if as_json:
        print_json(found)
        return
    out.print(f"[bold]{escape(found.verdict)}[/bold]")
    for line in found.story:
        out.print(f"  {escape(line)}")


@verbs.command(epilog="Example: [bold]stationmaster target drain sample-1 -r 'new kernel' --wait 30[/bold]")
def drain(
    names: Names,
    reason: Reason,
    force: Force = False,
    wait: Annotated[float, typer.Option("--wait", help="Seconds to wait until no request is under way.", min=0)] = 0,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Let a target finish what it has; it gets nothing new until `auto` or `in`."""
    with refusals():
        client = ControlClient(state_dir(state))
        path = _path(client, names)
        change = client.post(f"{path}/drain", TargetOrder(reason=reason, force=force), TargetChange)
        left = _wait_idle(client, path, wait) if wait else None
    _say(change, as_json=as_json)
    if left:
        out.print(f"[yellow]{left} requests are still under way[/yellow]")
        raise typer.Exit(2)


@verbs.command(
    "out", epilog="Example: [bold]stationmaster target out sample_api 127.0.0.1:8081 -r 'wrong answers'[/bold]"
)
def take_out(
    names: Names, reason: Reason, force: Force = False, state: StateOption = DEFAULT_STATE, as_json: AsJson = False
) -> None:
    """Take a target out of its virtual host until `auto` or `in`."""
    _order("out", names, TargetOrder(reason=reason, force=force), state, as_json=as_json)


@verbs.command("in", epilog="Example: [bold]stationmaster target in sample-1 -r 'its alert is false'[/bold]")
def hold_in(names: Names, reason: Reason, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Hold a target in, even if self-healing or a runbook wants it out, until `auto`."""
    _order("in", names, TargetOrder(reason=reason), state, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster target auto sample-1[/bold]")
def auto(names: Names, reason: Reason = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Release a target: it is in, and automatic changes apply again."""
    _order("auto", names, ReleaseOrder(reason=reason), state, as_json=as_json)


def _order(
    verb: str, names: list[str], order: TargetOrder | ReleaseOrder, state: StateOption, *, as_json: bool
) -> None:
    with refusals():
        client = ControlClient(state_dir(state))
        change = client.post(f"{_path(client, names)}/{verb}", order, TargetChange)
    _say(change, as_json=as_json)


def _say(change: TargetChange, *, as_json: bool) -> None:
    if as_json:
        print_json(change)
        return
    held = "held " if change.manual else ""
    took = ", ".join(f"{node} after {elapsed_ms:.0f} ms" for node, elapsed_ms in sorted(change.acknowledged.items()))
    told = f"acknowledged by {took or 'no node'}" if took or change.pending else "nothing had to change"
    out.print(f"{change.target} of {change.virtual_host} is {held}{change.state}; {told}")
    if change.pending:
        out.print(f"[yellow]not yet by {', '.join(change.pending)}[/yellow]")


def _path(client: ControlClient, names: list[str]) -> str:
    host, target = _named(client, names)
    return f"/api/v1/virtual-hosts/{quote(host, safe='')}/targets/{quote(target, safe='')}"


def _named(client: ControlClient, names: list[str]) -> tuple[str, str]:
    """The virtual host may be left out where only one has the target."""
    if len(names) == 2:
        return names[0], names[1]
    if len(names) != 1:
        raise PlatformError("bad-target", f"{' '.join(names)!r} names no target", hint="say [HOST] TARGET")
    rows = client.get("/api/v1/targets", TargetStateList).targets
    hosts = [row.virtual_host for row in rows if names[0] in (row.address, row.instance)]
    if len(hosts) == 1:
        return hosts[0], names[0]
    if not hosts:
        known = (name for row in rows for name in (row.address, row.instance) if name)
        hint = f"{meant(names[0], known)} `target list` shows them".strip()
        raise PlatformError("unknown-target", f"there is no target {names[0]!r}", hint=hint)
    raise PlatformError("many-targets", f"{names[0]} is a target of {', '.join(hosts)}", hint="say HOST TARGET")


def _wait_idle(client: ControlClient, path: str, limit_s: float) -> int:
    end = time.monotonic() + limit_s
    while True:
        seen = client.get(f"{path}/explain", TargetExplanation)
        under_way = sum(node.under_way for node in seen.nodes)
        if not under_way or time.monotonic() > end:
            return under_way
        time.sleep(_ASK_EVERY_S)


def _shown(target: TargetState) -> str:
    colour = _COLOURS.get(target.state, "white")
    return f"[{colour}]{target.state}[/{colour}]{' (held)' if target.manual else ''}"
