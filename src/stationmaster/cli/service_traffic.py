"""`service maintenance`: gateway nodes answer everything that is for a service themselves, or let it through."""

from typing import Annotated, Any

import msgspec
import typer

from stationmaster.api.wire import PlatformStatus
from stationmaster.api.wire_catalog import Changed
from stationmaster.cli import declare
from stationmaster.cli.api import Switch
from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import HOSTS, path_of
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.cli.service import Name
from stationmaster.cli.service_places import hosts_of

EXAMPLES = (
    "Example: [bold]stationmaster service maintenance sample_api on --message 'back at nine' --retry-after 5m[/bold]"
)
CLOSED, OPEN, PARTLY = "closed", "open", "partly"


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """`hosts` lead to the service; those in `changed` were switched just now."""

    service: str
    switch: str
    hosts: tuple[str, ...]
    changed: tuple[str, ...]


def maintenance(
    name: Name,
    switch: Annotated[Switch, typer.Argument(help="on or off.")],
    message: Annotated[str, typer.Option(help="What callers read.")] = "",
    retry_after: Annotated[str, typer.Option(help="When they may come again, as 5m.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Answer every request to a service with 503 and Retry-After at the gateway, or stop doing so: all virtual hosts
    that lead to it."""
    told = declare.given(message=message, retry_after=retry_after) if switch is Switch.ON else None
    with refusals():
        client = ControlClient(state_dir(state))
        hosts = hosts_of(client, name)
        changed = tuple(each for each in hosts if _switched(client, each, told, as_json=as_json))
    if as_json:
        print_json(Traffic(service=name, switch=switch.value, hosts=hosts, changed=changed))
        return
    for each in hosts:
        what = "gateway nodes answer 503" if switch is Switch.ON else "requests pass"
        out.print(f"{each}: {what}{'' if each in changed else ' already'}", markup=False)


def traffic_of(client: ControlClient, service: str) -> str:
    """closed where every virtual host that leads to it is, and every gateway node has taken that; open, or partly."""
    told = [_maintained(client, each) for each in hosts_of(client, service)]
    nodes = client.get("/api/v1/status", PlatformStatus).nodes
    if not all(each.held or each.acknowledged for each in nodes):
        return PARTLY
    return CLOSED if all(told) else PARTLY if any(told) else OPEN


def _switched(client: ControlClient, host: str, told: dict[str, Any] | None, *, as_json: bool) -> bool:
    """Whether it was otherwise. What is closed stays as whoever closed it told."""
    if _maintained(client, host) is (told is not None):
        return False
    changed = declare.amend(client, HOSTS, host, {"maintenance": told})
    _warn(changed, as_json=as_json)
    return changed.change is not None


def _maintained(client: ControlClient, host: str) -> bool:
    return client.get(path_of(HOSTS, host), dict[str, Any]).get("maintenance") is not None


def _warn(changed: Changed, *, as_json: bool) -> None:
    for each in changed.warnings if not as_json else ():
        err.print(f"warning: {each.message}", markup=False)
