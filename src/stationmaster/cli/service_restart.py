"""`service restart`: the instances of a service anew, one after the other, each only when the one before is well."""

import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from stationmaster.api.wire import InstanceStatus, PlatformStatus, TargetStatus
from stationmaster.api.wire_instances import InstanceChange, InstanceOrder
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.service import Name, Reason, Within
from stationmaster.cli.service_places import instances_of
from stationmaster.core.problem import PlatformError

EXAMPLES = "Example: [bold]stationmaster service restart sample_api -r 'leaks memory'[/bold]"
_ONE_TAKES_S = 60.0
"""A restart waits for requests under way, and for the process to end."""
_ASK_EVERY_S = 0.3
_WELL = ("up", "unchecked")


class Restarted(msgspec.Struct, frozen=True, kw_only=True):
    """`restarted` in this order; `left` did not need it, or is kept stopped by somebody."""

    service: str
    restarted: tuple[str, ...]
    left: tuple[str, ...]


def restart(
    name: Name,
    only_down: Annotated[bool, typer.Option("--only-down", help="Leave those alone that are well.")] = False,
    reason: Reason = "",
    within: Within = 30.0,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Restart its instances one after the other without losing a request; stops at the first that is not well then."""
    done: list[str] = []
    with refusals():
        client = ControlClient(state_dir(state), limit_s=_ONE_TAKES_S)
        wanted, left = _chosen(client, name, only_down=only_down)
        for each in wanted:
            order = InstanceOrder(reason=reason or f"all instances of {name} are restarted")
            _until_well(client, name, client.post(f"/api/v1/instances/{each}/restart", order, InstanceChange), within)
            done.append(each)
            if not as_json:
                out.print(f"{each} is well again", markup=False)
    if as_json:
        print_json(Restarted(service=name, restarted=tuple(done), left=left))
    elif not done:
        out.print("nothing was restarted", markup=False)


def _chosen(client: ControlClient, service: str, *, only_down: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that are down come first: they have no traffic to lose."""
    health = {each.name: each.health for each in client.get("/api/v1/status", PlatformStatus).instances}
    every = sorted(instances_of(client, service), key=lambda each: health.get(each) in _WELL)
    left = [each for each in every if health.get(each) == "held" or (only_down and health.get(each) in _WELL)]
    return tuple(each for each in every if each not in left), tuple(left)


def _until_well(client: ControlClient, service: str, made: InstanceChange, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while True:
        status = client.get("/api/v1/status", PlatformStatus)
        seen = next((each for each in status.instances if each.name == made.name), None)
        if seen is not None and _is_back(seen, made, status.targets):
            return
        if time.monotonic() > deadline:
            said = _missing(seen, made)
            hint = f"`stationmaster instance logs {made.name}` shows what it said; the others were left as they are"
            text = f"{made.name} of {service} is not well {within_s:g} s after its restart: {said}"
            raise PlatformError("restart-failed", text, hint=hint)
        time.sleep(_ASK_EVERY_S)


def _is_back(seen: InstanceStatus, made: InstanceChange, targets: Sequence[TargetStatus]) -> bool:
    """Its new process is well and takes requests: until then what is known of its health is of the one before."""
    out = any(each.instance == made.name and each.state != "in" and not each.manual for each in targets)
    return seen.pid == made.pid and seen.health in _WELL and not out


def _missing(seen: InstanceStatus | None, made: InstanceChange) -> str:
    if seen is None:
        return "it is gone"
    if seen.pid != made.pid:
        return f"process {made.pid} is not seen to run"
    return seen.detail or "it takes no requests yet"
