"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

from stationmaster.config import STATE_VARIABLE, StateDir

DEFAULT_STATE = Path(".stationmaster")

StateOption = Annotated[
    Path,
    typer.Option("--state", envvar=STATE_VARIABLE, help="Folder that holds everything durable of the platform."),
]


def state_dir(root: Path) -> StateDir:
    return StateDir(root.absolute())
