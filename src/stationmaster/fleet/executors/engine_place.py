"""Where a Docker engine would be, told without a client of it."""

import os
from pathlib import Path

_SOCKET = "unix:///var/run/docker.sock"


def engine_url() -> str:
    """DOCKER_HOST's, else the socket that every engine has."""
    return os.environ.get("DOCKER_HOST") or _SOCKET


def may_be_there(url: str) -> bool:
    """False where the engine would be a socket of this machine and there is none."""
    socket = url.removeprefix("unix://")
    return socket == url or Path(socket).exists()
