"""`node list|show|drain|start|stop|restart`: gateway nodes."""

import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_targets import GatewayNodeList, GatewayNodeState, NodeDone, NodeOrder
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(
    help="Gateway nodes: how they do, and draining, stopping, starting, restarting them.", no_args_is_help=True
)

NodeName = Annotated[str, typer.Argument(metavar="NODE", help="A gateway node.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence; it is kept and shown.")]

_PATH = "/api/v1/gateway-nodes"
_LIMIT_S = 45.0
_ASK_EVERY_S = 0.3
_COLOURS = {"serving": "green", "drained": "cyan", "starting": "yellow", "held": "yellow"}


@verbs.command("list", epilog="Example: [bold]stationmaster node list --json | jq '.nodes[].state'[/bold]")
def list_nodes(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List the gateway nodes."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_PATH, GatewayNodeList)
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("node", "listen", "pid", "state", "configuration", "under way", "healthy targets"):
        table.add_column(column.upper())
    for each in found.nodes:
        healthy = "no answer" if each.targets is None else f"{each.healthy_targets} of {each.targets}"
        pid = "none" if each.pid is None else str(each.pid)
        table.add_row(each.name, each.listen, pid, _shown(each), _configuration(each), str(each.under_way), healthy)
    out.print(table)


@verbs.command(epilog="Example: [bold]stationmaster node show gateway-1[/bold]")
def show(node: NodeName, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show one gateway node, what it refuses and what disagrees."""
    with refusals():
        found = ControlClient(state_dir(state)).get(f"{_PATH}/{node}", GatewayNodeState)
    if as_json:
        print_json(found)
        return
    out.print(f"[bold]{found.name}[/bold] is {_shown(found)} on {found.listen} (administration {found.admin})")
    healthy = "it does not say" if found.targets is None else f"{found.healthy_targets} of {found.targets} healthy"
    out.print(f"configuration: {_configuration(found)}; targets: {healthy}; {found.under_way} requests under way")
    if found.held:
        out.print(f"kept stopped: {escape(found.held)}")
    for each in found.problems:
        out.print(f"[yellow]{escape(each)}[/yellow]")


@verbs.command(epilog="Example: [bold]stationmaster node drain gateway-1 -r 'to look at it'[/bold]")
def drain(node: NodeName, reason: Reason = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Let a node finish what it has and take nothing new; `start` starts it anew."""
    _order("drain", node, reason, state, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster node start gateway-1[/bold]")
def start(node: NodeName, reason: Reason = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Start a node that was stopped or drained."""
    _order("start", node, reason, state, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster node stop gateway-1 -r 'new kernel'[/bold]")
def stop(node: NodeName, reason: Reason = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Drain a node and stop it; it stays stopped until `start`."""
    _order("stop", node, reason, state, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster node restart gateway-1 -r 'it answers 503'[/bold]")
def restart(
    node: NodeName,
    reason: Reason = "",
    within: Annotated[float, typer.Option(help="Seconds that it may take to serve again.", min=0.1)] = 45.0,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Drain a node, stop it, start it anew, and wait until it serves. The last one that serves is not restarted."""
    _order("restart", node, reason, state, as_json=as_json)
    with refusals():
        _until_it_serves(ControlClient(state_dir(state)), node, within)


def _until_it_serves(client: ControlClient, node: str, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while True:
        seen = client.get(f"{_PATH}/{node}", GatewayNodeState)
        if seen.state == "serving" and seen.acknowledged:
            return
        if time.monotonic() > deadline:
            hint = f"`stationmaster instance logs {node}` shows what it said"
            raise PlatformError("node-away", f"{node} is {seen.state} {within_s:g} s after its restart", hint=hint)
        time.sleep(_ASK_EVERY_S)


def _order(verb: str, node: str, reason: str, state: StateOption, *, as_json: bool) -> None:
    with refusals():
        client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
        done = client.post(f"{_PATH}/{node}/{verb}", NodeOrder(reason=reason), NodeDone)
    if as_json:
        print_json(done)
    else:
        out.print(f"{done.name}: {done.done}")


def _shown(node: GatewayNodeState) -> str:
    colour = _COLOURS.get(node.state, "red")
    return f"[{colour}]{node.state}[/{colour}]"


def _configuration(node: GatewayNodeState) -> str:
    return "newest" if node.acknowledged else "older" if node.connected else "not connected"
