"""`instance`: processes of the platform one by one."""

from contextlib import suppress
from typing import Annotated

import typer

from stationmaster.api.wire import PlatformStatus
from stationmaster.api.wire_instances import (
    ExecOrder,
    ExecResult,
    InstanceChange,
    InstanceLog,
    InstanceOrder,
    InstanceUsage,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.status import instance_table

verbs = typer.Typer(
    help="Processes of the platform one by one: list, restart, stop, start, logs, exec, usage.", no_args_is_help=True
)

_LIMIT_S = 60.0
"""A restart waits for requests under way, and for the process to end."""

_ENDS_WITHIN_S = 15.0
_NOT_RUN = 125
"""The exit status where the command could not be run or was stopped, as `docker run` has it."""

Name = Annotated[str, typer.Argument(help="An instance or a gateway node, as `status` names them.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence; it is kept and shown.")]


@verbs.command("list", epilog="Example: [bold]stationmaster instance list --json[/bold]")
def list_all(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show every instance, its process and its health."""
    with refusals():
        seen = ControlClient(state_dir(state)).get("/api/v1/status", PlatformStatus)
    if as_json:
        print_json(seen.instances)
    else:
        out.print(instance_table(seen))


@verbs.command(epilog='Example: [bold]stationmaster instance restart sample-1 --reason "leaks memory"[/bold]')
def restart(name: Name, reason: Reason = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Restart one process without losing a request; its targets return when its check is good."""
    _ask(name, "restart", reason, state, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster instance stop sample-1 --reason maintenance[/bold]")
def stop(name: Name, reason: Reason = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Stop one process without losing a request, and keep it stopped until `start`."""
    _ask(name, "stop", reason, state, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster instance start sample-1[/bold]")
def start(name: Name, reason: Reason = "", state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Let a stopped process run again."""
    _ask(name, "start", reason, state, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster instance logs key-us-south --tail 20[/bold]")
def logs(
    name: Name,
    tail: Annotated[int, typer.Option("--tail", "-n", min=1, max=10_000, help="How many lines.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what it writes, until Ctrl-C.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show the end of what a process wrote."""
    if follow:
        _follow(name, tail, state)
        return
    with refusals():
        found = ControlClient(state_dir(state)).get(f"/api/v1/instances/{name}/log", InstanceLog, tail=str(tail))
    if as_json:
        print_json(found)
    else:
        out.print(found.text, markup=False)


@verbs.command("exec", epilog="Example: [bold]stationmaster instance exec sample-1 -- env[/bold]")
def execute(
    name: Name,
    argv: Annotated[list[str], typer.Argument(help="The command, behind `--`; no shell reads it.")],
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds until it is stopped.", min=0.1, max=600)] = 30.0,
    reason: Reason = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Run a command in the surroundings of a live process: its environment, its folder, its container. It ends as the
    command does."""
    with refusals():
        client = ControlClient(state_dir(state), limit_s=timeout + _ENDS_WITHIN_S)
        order = ExecOrder(argv=tuple(argv), timeout_s=timeout, reason=reason)
        done = client.post(f"/api/v1/instances/{name}/exec", order, ExecResult)
    if as_json:
        print_json(done)
    else:
        out.print(done.output, markup=False, end="" if done.output.endswith("\n") else "\n")
    raise typer.Exit(_NOT_RUN if done.exit_status is None else done.exit_status)


@verbs.command(epilog="Example: [bold]stationmaster instance usage sample-1[/bold]")
def usage(name: Name, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show what a process with all that it started uses."""
    with refusals():
        used = ControlClient(state_dir(state)).get(f"/api/v1/instances/{name}/usage", InstanceUsage)
    if as_json:
        print_json(used)
    elif used.cpu_s is None or used.memory_bytes is None:
        out.print(f"{name} does not live", markup=False)
    else:
        megabytes = used.memory_bytes / 1e6
        out.print(f"{name}: {used.cpu_s:.1f} s of CPU, {megabytes:.0f} MB, {used.processes} processes", markup=False)


def _follow(name: str, tail: int, state: StateOption) -> None:
    with refusals(), suppress(KeyboardInterrupt):
        client = ControlClient(state_dir(state))
        for text in client.stream(f"/api/v1/instances/{name}/log/follow", tail=str(tail)):
            out.print(text, markup=False, end="")


def _ask(name: str, action: str, reason: str, state: StateOption, *, as_json: bool) -> None:
    with refusals():
        client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
        done = client.post(f"/api/v1/instances/{name}/{action}", InstanceOrder(reason=reason), InstanceChange)
    if as_json:
        print_json(done)
        return
    said = {"restart": "restarted", "stop": "stopped, and kept stopped until `instance start`", "start": "started"}
    out.print(f"{done.name} {said[action]}" + (f", pid {done.pid}" if done.pid else ""), markup=False)
