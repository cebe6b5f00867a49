"""Where a verb that only computes takes the declaration from: a YAML file, or the running platform."""

from pathlib import Path
from typing import Annotated

import typer

from stationmaster.core.spec import PlatformSpec

FileOption = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="Take the declaration from this YAML instead of the running platform."),
]


def spec_of(file: Path | None, state: Path) -> PlatformSpec:
    """Raises InvalidInputError of a broken file, PlatformError where no platform runs."""
    from stationmaster.cli.client import ControlClient
    from stationmaster.cli.options import state_dir
    from stationmaster.manifest.read import load, parse

    if file is not None:
        return load(file)
    text = ControlClient(state_dir(state)).text("/api/v1/declared")
    return parse(text, file="the running platform", folder=Path("/"))
