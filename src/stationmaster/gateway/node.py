"""A gateway node to be started: the files that it begins with, and the command that the fleet runs."""

import sys
from dataclasses import dataclass
from pathlib import Path

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, GatewayNode, PlatformSpec
from stationmaster.gateway.admin import Endpoints, drain, endpoints, ready
from stationmaster.gateway.envoy.bootstrap import bootstrap as bootstrap_text
from stationmaster.gateway.program import argv, program
from stationmaster.runtime.files import write_private

__all__ = [
    "Endpoints",
    "Start",
    "agent_argv",
    "argv",
    "bootstrap",
    "drain",
    "endpoints",
    "launch_argv",
    "prepare",
    "program",
    "ready",
]

AGENT = "stationmaster.gateway.agent"
BOOTSTRAP = "bootstrap.json"
SOCKET = "xds.sock"
"""Where the agent of a node listens, in the node's folder, which is the working folder of both: a path of a socket may
not be long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`config` is the text of the file that the command reads when it starts."""

    argv: tuple[str, ...]
    config: str


def bootstrap(node: GatewayNode, control: Address, environment: str, folder: Path) -> Path:
    """Writes the file that `node` starts from without an agent; `control` is the address of the xDS server."""
    path = folder / f"{node.name}.json"
    write_private(path, bootstrap_text(node, control=control, environment=environment).encode())
    return path


def prepare(node: GatewayNode, control: Address, environment: str, folder: Path) -> Start:
    """Writes what the agent of `node` starts from into the node's own folder below `folder`.

    The agent runs Envoy as its child, keeps what Envoy acknowledged, and stands in for a control plane that is away.
    """
    own = folder / node.name
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = bootstrap_text(node, control=Path(SOCKET), environment=environment)
    write_private(own / BOOTSTRAP, text.encode())
    return Start(argv=launch_argv(node, control, own), config=text)


def agent_argv(spec: PlatformSpec, name: str, folder: Path, *, concurrency: int = 1) -> tuple[str, ...]:
    """Prepares a declared node and returns the command of its agent. Raises PlatformError `unknown-node`."""
    for node in spec.nodes:
        if node.name == name:
            prepare(node, spec.control.xds, spec.environment, folder)
            return launch_argv(node, spec.control.xds, folder / name, concurrency=concurrency)
    known = ", ".join(node.name for node in spec.nodes) or "none"
    raise PlatformError("unknown-node", f"there is no gateway node {name!r}", hint=f"known are {known}", status=404)


def launch_argv(node: GatewayNode, control: Address, own_folder: Path, *, concurrency: int = 1) -> tuple[str, ...]:
    """The command of a node's agent, which is sent SIGTERM to drain and stop the node."""
    return (
        sys.executable,
        "-m",
        AGENT,
        "--node",
        node.name,
        "--control",
        str(control),
        "--admin",
        str(node.admin),
        "--folder",
        str(own_folder.absolute()),
        "--concurrency",
        str(concurrency),
    )
