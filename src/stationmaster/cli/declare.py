"""What the verbs of all declared nouns have in common: create, set, delete and show one by its name."""

from collections.abc import Mapping
from typing import Any

import msgspec

from stationmaster.api.wire_catalog import Changed
from stationmaster.cli.changes import print_changed
from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import Shown, path_of
from stationmaster.cli.get import print_yaml
from stationmaster.cli.output import out, print_json
from stationmaster.core.problem import PlatformError


def create(client: ControlClient, shown: Shown, name: str, body: Mapping[str, Any]) -> Changed:
    """Refused when there is one of that name."""
    return _put(client, shown, {"name": name, **body}, {"if-none-match": "*"})


def put(client: ControlClient, shown: Shown, body: Mapping[str, Any], *, etag: str) -> Changed:
    """Replaces what still has that ETag."""
    return _put(client, shown, body, {"if-match": etag})


def _put(client: ControlClient, shown: Shown, body: Mapping[str, Any], condition: Mapping[str, str]) -> Changed:
    headers = {"content-type": "application/json", **condition}
    content = msgspec.json.encode(body)
    return client.send("PUT", path_of(shown, body["name"]), Changed, content=content, headers=headers)


def amend(client: ControlClient, shown: Shown, name: str, changes: Mapping[str, Any]) -> Changed:
    if not changes:
        raise PlatformError("nothing-to-change", "no field was named", hint="--help lists the fields")
    return client.patch(path_of(shown, name), changes, Changed)


def say(changed: Changed, *, as_json: bool) -> None:
    if as_json:
        print_json(changed)
    else:
        print_changed(changed)


def remove(client: ControlClient, shown: Shown, name: str, *, as_json: bool) -> None:
    client.delete(path_of(shown, name))
    if as_json:
        print_json({"kind": shown.kind.value, "name": name, "deleted": True})
    else:
        out.print(f"[red]-[/red] {shown.kind.value} {name}")


def show(client: ControlClient, shown: Shown, name: str, *, as_json: bool) -> None:
    body = client.get(path_of(shown, name), dict[str, Any])
    if as_json:
        print_json(body)
    else:
        print_yaml(shown, name, body)


def given(**fields: Any) -> dict[str, Any]:
    """The fields that were named on the command line: those that are neither None nor empty."""
    return {name: value for name, value in fields.items() if value not in (None, [], "")}
