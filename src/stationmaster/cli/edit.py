"""`edit`: one declared thing in an editor, put back if nobody changed it meanwhile."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from stationmaster.api.wire_catalog import Changed
from stationmaster.cli import complete
from stationmaster.cli.changes import print_changed
from stationmaster.cli.client import ControlClient
from stationmaster.cli.entities import path_of, shown_as
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import out, refusals
from stationmaster.core.problem import PlatformError
from stationmaster.manifest.entity import SETTINGS, Entity, EntityKind

EXAMPLES = (
    "Examples: [bold]stationmaster edit api sample[/bold]; [bold]EDITOR='code -w' stationmaster edit settings[/bold]"
)

_YAML = {"content-type": "application/yaml"}

KindArgument = Annotated[
    str, typer.Argument(help="api, user, host, service, ..., or settings.", autocompletion=complete.kinds)
]
NameArgument = Annotated[str, typer.Argument(help="Which one.", autocompletion=complete.of_kind)]


def edit(kind: KindArgument, name: NameArgument = "", state: StateOption = DEFAULT_STATE) -> None:
    """Open one declared thing in $VISUAL or $EDITOR, and apply what was saved."""
    with refusals():
        client = ControlClient(state_dir(state))
        path, of_kind = _place(kind, name)
        body, etag = client.read(path, dict[str, Any])
        file = _written(Entity(kind=of_kind, name=name or SETTINGS, body=body))
        before = file.read_bytes()
        open_in_editor(file)
        after = file.read_bytes()
        if after == before:
            file.unlink()
            out.print("nothing was changed")
            return
        changed = _put(client, path, after, etag=etag, kept=file)
        file.unlink()
    print_changed(changed)


def _place(kind: str, name: str) -> tuple[str, EntityKind]:
    if kind == SETTINGS:
        return "/api/v1/settings", EntityKind.SETTINGS
    if not name:
        raise PlatformError("no-name", f"which of the {kind}?", hint=f"`stationmaster get {kind}` lists them")
    shown = shown_as(kind)
    return path_of(shown, name), shown.kind


def _written(entity: Entity) -> Path:
    from stationmaster.manifest.entities import entity_yaml

    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix=f"{entity.name}-", suffix=".yaml", delete=False
    ) as file:
        file.write(entity_yaml(entity))
    return Path(file.name)


def open_in_editor(file: Path) -> None:
    """Returns when the editor has ended. Raises PlatformError `editor-failed`."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        subprocess.run([*shlex.split(editor), str(file)], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise PlatformError(
            "editor-failed", f"the editor {editor!r} failed: {error}", hint="set EDITOR to one that works"
        ) from error


def _put(client: ControlClient, path: str, text: bytes, *, etag: str, kept: Path) -> Changed:
    """What was written stays in its file when it is refused."""
    try:
        return client.send("PUT", path, Changed, content=text, headers={**_YAML, "if-match": etag})
    except PlatformError as error:
        error.hint = f"{error.hint}; what you wrote is in {kept}"
        raise
