"""`status`: the platform at a glance."""

from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire import PlatformStatus
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

EXAMPLES = "Examples: [bold]stationmaster status[/bold]; [bold]stationmaster status --json | jq .targets[/bold]"

_COLOURS = {"up": "green", "in": "green", "down": "red", "out": "yellow"}


def status(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show gateway nodes, instances, targets and open incidents."""
    with refusals():
        seen = ControlClient(state_dir(state)).get("/api/v1/status", PlatformStatus)
    if as_json:
        print_json(seen)
        return
    ready = "[green]ready[/green]" if seen.ready else "[yellow]not ready[/yellow]"
    out.print(f"environment [bold]{seen.environment}[/bold]: {ready}, {seen.open_incidents} open incident(s)")
    for table in (_nodes(seen), instance_table(seen), _targets(seen)):
        out.print(table)
    for loop in seen.failing_loops:
        out.print(f"[red]loop {loop} is failing; see the control plane's log[/red]")
    for problem in seen.problems:
        out.print(problem, style="red", markup=False)


def _nodes(seen: PlatformStatus) -> Table:
    table = _table("gateway node", "listen", "pid", "configuration", "healthy targets")
    for node in seen.nodes:
        configuration = "newest" if node.acknowledged else "older" if node.connected else "not connected"
        healthy = "no answer" if node.targets is None else f"{node.healthy_targets} of {node.targets}"
        listen = f"{node.listen}, https {node.listen_tls}" if node.listen_tls else node.listen
        table.add_row(node.name, listen, _pid(node.pid), escape(node.held) or configuration, healthy)
    return table


def instance_table(seen: PlatformStatus) -> Table:
    table = _table("instance", "service", "region", "address", "pid", "health")
    for each in seen.instances:
        health = f"{_coloured(each.health)} {escape(each.detail)}".strip()
        table.add_row(each.name, each.service, each.region, each.address, _pid(each.pid), health)
    return table


def _targets(seen: PlatformStatus) -> Table:
    table = _table("virtual host", "target", "instance", "state", "why")
    for target in seen.targets:
        why = escape(f"{target.by}: {target.why}") if target.why else ""
        state = _coloured(target.state) + (" (held)" if target.manual else "")
        table.add_row(target.virtual_host, target.address, target.instance or "", state, why)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper())
    return table


def _pid(pid: int | None) -> str:
    return "[red]none[/red]" if pid is None else str(pid)


def _coloured(word: str) -> str:
    colour = _COLOURS.get(word, "yellow")
    return f"[{colour}]{word}[/{colour}]"
