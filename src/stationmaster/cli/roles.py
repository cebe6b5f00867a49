"""The roles of the platform, one process each: `control`, `gateway`, `keys`, `doctor`, `sample-api`."""

from pathlib import Path
from typing import Annotated

import typer

from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import refusals
from stationmaster.core.drills import FaultKind
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address
from stationmaster.runtime import log

Listen = Annotated[str, typer.Option("--listen", help="HOST:PORT to listen on.", metavar="HOST:PORT")]
InstanceOption = Annotated[str, typer.Option("--instance", help="Name of this instance.")]
ManifestOption = Annotated[Path, typer.Option("--file", "-f", help="The platform YAML.")]

GATEWAY_EXAMPLE = "Example: [bold]stationmaster gateway --node gateway-1 -f platform.yaml[/bold]"


def control(
    file: ManifestOption,
    state: StateOption = DEFAULT_STATE,
    nodes: Annotated[int | None, typer.Option("--nodes", min=1, max=100, help="How many gateway nodes to run.")] = None,
) -> None:
    """Run the control plane alone (`up` runs it and keeps it alive)."""
    from stationmaster.app import serve_control
    from stationmaster.runtime import process

    log.configure(json_lines=True)
    process.prepare()
    with refusals():
        serve_control(file, state_dir(state), nodes=nodes)


def gateway(
    node: Annotated[str, typer.Option("--node", help="Which of the declared gateway nodes.")],
    file: ManifestOption,
    concurrency: Annotated[int, typer.Option("--concurrency", help="Worker threads.", min=1)] = 1,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Run one gateway node; SIGTERM drains it first."""
    import os

    from stationmaster.gateway.node import agent_argv
    from stationmaster.manifest.read import load

    with refusals():
        argv = agent_argv(load(file), node, state_dir(state).nodes, concurrency=concurrency)
    os.execv(argv[0], argv)  # noqa: S606 the agent takes this process over: it is small, and nothing of ours is left


def keys(listen: Listen, instance: InstanceOption, region: str = "", state: StateOption = DEFAULT_STATE) -> None:
    """Run one instance of the key service."""
    from stationmaster.keys.service import serve

    log.configure(json_lines=True)
    with refusals():
        serve(address(listen), instance=instance, region=region, state=state_dir(state))


def doctor(listen: Listen, state: StateOption = DEFAULT_STATE) -> None:
    """Run the registry API."""
    from stationmaster.doctor.service import serve

    log.configure(json_lines=True)
    with refusals():
        serve(address(listen), state_dir(state))


def sample_api(listen: Listen, instance: InstanceOption) -> None:
    """Run one instance of the sample API."""
    from stationmaster.sample.service import serve

    log.configure(json_lines=True)
    with refusals():
        serve(address(listen), instance=instance)


def stand_in(
    listen: Listen,
    kind: Annotated[FaultKind, typer.Option("--kind", help="How it is broken.")],
    delay_ms: Annotated[int, typer.Option("--delay-ms", min=0, help="Of slow: so much later.")] = 1000,
    status: Annotated[int, typer.Option("--status", min=400, max=599, help="Of errors: what it answers.")] = 503,
) -> None:
    """Stand in for a process that a drill has broken."""
    from stationmaster.drills.stand_in import stand_in

    with refusals():
        stand_in(address(listen), kind, delay_ms=delay_ms, status=status)


def address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise PlatformError("bad-address", f"{text!r} is no HOST:PORT", hint="for example 127.0.0.1:8888")
    return Address(host=host.strip("[]"), port=int(port))
