"""`wait`: until an instance, a node, a target, an incident or an expression is as wanted, or the time is over."""

import time
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Annotated, TypeVar

import msgspec
import typer

from stationmaster.api.wire import PlatformStatus
from stationmaster.api.wire_incidents import IncidentStory
from stationmaster.api.wire_intake import SilenceList
from stationmaster.api.wire_services import ServiceVersions
from stationmaster.api.wire_targets import TargetStateList
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.core.problem import PlatformError

EXAMPLES = (
    "Examples: [bold]stm wait instance/key-us-south --for up[/bold]; [bold]stm wait node/gateway-1 --for serving "
    "--timeout 2m[/bold]; [bold]stm wait target/orders/127.0.0.1:9001 --for in[/bold]; [bold]stm wait incident/7 --for "
    "resolved[/bold]; [bold]stm wait 'query/up == 0' --for none[/bold]; [bold]stm wait service/orders "
    "--for standing[/bold]"
)
_EVERY_S = 0.5
_LONGEST_S = 24 * 3600.0
_STATES: Mapping[str, tuple[str, ...]] = {
    "instance": ("up", "down", "held"),
    "node": ("serving", "away", "held"),
    "target": ("in", "out", "drain"),
    "incident": ("acknowledged", "mitigated", "resolved", "reviewed"),
    "query": ("some", "none"),
    "service": ("standing", "moving", "stuck"),
    "version": ("wanted", "left"),
    "traffic": ("closed", "open"),
    "maintenance": ("on", "off"),
}
_FORMS = (
    "instance/NAME",
    "node/NAME",
    "target/HOST/ADDRESS",
    "incident/N",
    "query/EXPRESSION",
    "service/NAME",
    "version/SERVICE/NUMBER",
    "traffic/SERVICE",
    "maintenance/NAME",
)
_LATER = {"acknowledged": 1, "mitigated": 2, "resolved": 3, "reviewed": 4}
"""An incident that is further than what is waited for has got there too."""

T = TypeVar("T")
See = Callable[[ControlClient, str], str]


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    of: str
    wanted: str
    seen: str
    reached: bool
    took_s: float


def wait(
    of: Annotated[str, typer.Argument(help=f"{', '.join(_FORMS)}.")],
    for_: Annotated[
        str,
        typer.Option("--for", help="; ".join(", ".join(each) for each in _STATES.values()) + "."),
    ],
    timeout: Annotated[str, typer.Option(help="At most so long, as 30s or 2m.")] = "60s",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Wait until something is as wanted. Exit status: 0 it is, 1 it is not after that time."""
    with refusals():
        kind, name = _understood(of, for_)
        limit_s = min(duration(timeout).total_seconds(), _LONGEST_S)
        client = ControlClient(state_dir(state))
        waited = _wait(client, kind, name, for_, limit_s)
    if as_json:
        print_json(waited)
    elif waited.reached:
        out.print(f"{of} is {waited.seen} (after {waited.took_s:.1f} s)", markup=False)
    else:
        err.print(f"{of} is not {for_} after {waited.took_s:.0f} s: it is {waited.seen}", style="red", markup=False)
    if not waited.reached:
        raise typer.Exit(1)


def _understood(of: str, wanted: str) -> tuple[str, str]:
    kind, _, name = of.partition("/")
    states = _STATES.get(kind)
    if states is None or not name:
        hint = f"as {', '.join(_FORMS)}"
        raise PlatformError("bad-wait", f"{of!r} names nothing to wait for", hint=hint)
    if wanted not in states:
        raise PlatformError("bad-wait", f"a {kind} is never {wanted!r}", hint=f"known are {', '.join(states)}")
    return kind, name


def _wait(client: ControlClient, kind: str, name: str, wanted: str, limit_s: float) -> Waited:
    began = time.monotonic()
    while True:
        seen, reached = _seen(client, kind, name, wanted)
        took_s = time.monotonic() - began
        if reached or took_s >= limit_s:
            return Waited(of=f"{kind}/{name}", wanted=wanted, seen=seen, reached=reached, took_s=took_s)
        time.sleep(min(_EVERY_S, limit_s - took_s))


def _seen(client: ControlClient, kind: str, name: str, wanted: str) -> tuple[str, bool]:
    """A control plane that is away for a moment is waited for too."""
    try:
        seen = _SEE[kind](client, name)
    except PlatformError as error:
        if error.code != "control-plane-away":
            raise
        return "unknown: the control plane is away", False
    if kind == "incident":
        return seen, _LATER.get(seen, 0) >= _LATER[wanted]
    return seen, seen == wanted


def _known(found: Mapping[str, T], name: str, kind: str) -> T:
    if name not in found:
        hint = (
            f"did you mean {near[0]}?" if (near := get_close_matches(name, found, n=1)) else f"`{kind} list` shows them"
        )
        raise PlatformError(f"unknown-{kind}", f"there is no {kind} {name!r}", hint=hint, status=404)
    return found[name]


def _instance(client: ControlClient, name: str) -> str:
    found = {each.name: each for each in client.get("/api/v1/status", PlatformStatus).instances}
    return _known(found, name, "instance").health


def _node(client: ControlClient, name: str) -> str:
    node = _known({each.name: each for each in client.get("/api/v1/status", PlatformStatus).nodes}, name, "node")
    if node.held:
        return "held"
    return "serving" if node.connected and node.acknowledged else "away"


def _target(client: ControlClient, name: str) -> str:
    rows = client.get("/api/v1/targets", TargetStateList).targets
    return _known({f"{each.virtual_host}/{each.address}": each for each in rows}, name, "target").state


def _incident(client: ControlClient, name: str) -> str:
    if not name.isdecimal():
        raise PlatformError("bad-wait", f"{name!r} is no number of an incident", hint="as incident/7")
    return client.get(f"/api/v1/incidents/{name}", IncidentStory).incident.status


def _query(client: ControlClient, expression: str) -> str:
    from stationmaster.cli.query import answered

    return "some" if answered(client, expression) else "none"


def _service(client: ControlClient, name: str) -> str:
    """standing: every instance that is to run is well and runs the wanted version."""
    found = client.get(f"/api/v1/services/{name}/versions", ServiceVersions)
    if found.deployment is not None and found.deployment.phase == "stuck":
        return "stuck"
    running = [each for each in found.instances if not each.held]
    stands = running and all((each.build, each.health) == ("current", "up") for each in running)
    arrived = found.deployment is None or found.deployment.phase in ("baking", "good", "rolled-back")
    return "standing" if stands and arrived else "moving"


def _version(client: ControlClient, name: str) -> str:
    service, _, number = name.partition("/")
    found = client.get(f"/api/v1/services/{service}/versions", ServiceVersions)
    known = {str(each.number): each for each in found.versions}
    return "wanted" if _known(known, number, "version").wanted else "left"


def _maintenance(client: ControlClient, name: str) -> str:
    every = client.get("/api/v1/silences", SilenceList).silences
    return "on" if any(each.name == name and each.state == "active" for each in every) else "off"


def _traffic(client: ControlClient, name: str) -> str:
    from stationmaster.cli.service_traffic import traffic_of

    return traffic_of(client, name)


_SEE: Mapping[str, See] = {
    "instance": _instance,
    "node": _node,
    "target": _target,
    "incident": _incident,
    "query": _query,
    "service": _service,
    "version": _version,
    "traffic": _traffic,
    "maintenance": _maintenance,
}
