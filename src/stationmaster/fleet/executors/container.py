"""How an instance is said to a Docker engine: its container's name, its labels, what the container consists of."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stationmaster.fleet.inventory import OWN_PROGRAM, Launch

PLATFORM_LABEL = "stationmaster.platform"
"""The state folder: whose container it is. Two platforms on one engine do not see each other's."""

ENVIRONMENT_LABEL = "stationmaster.environment"
INSTANCE_LABEL = "stationmaster.instance"
DIGEST_LABEL = "stationmaster.digest"
"""Of the launch: a container that was made for another one is made anew."""

INIT = "docker-init"
"""The first process of every container: it hands signals on and collects what the instance leaves behind."""

_GOOD_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_LOG_SIZE, _LOG_FILES = "10m", "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The platform that containers belong to."""

    root: str
    environment: str


def container_name(name: str) -> str:
    """The instance's name, so that `docker logs NAME` works; one that an engine refuses is made good and unlike any
    other."""
    if _GOOD_NAME.fullmatch(name):
        return name
    plain = re.sub(r"[^a-zA-Z0-9_.-]", "_", name).lstrip("_.-") or "instance"
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def container_config(launch: Launch, owner: Owner, secrets: Mapping[str, str]) -> dict[str, Any]:
    """The body of `POST /containers/create` of the Engine API.

    The network is the machine's, so that an instance listens where it is declared; the engine starts nothing again by
    itself. Our own program finds the state folder where it is.
    """
    own_program = launch.argv[0] == OWN_PROGRAM
    env = dict(launch.env) | (dict(secrets) if launch.opens_secrets else {})
    env |= {"STATIONMASTER_STATE": owner.root} if own_program else {}
    mounts = [*launch.mounts, *([f"{owner.root}:{owner.root}"] if own_program else [])]
    return {
        "Image": launch.image,
        "Entrypoint": [launch.argv[0]],
        "Cmd": list(launch.argv[1:]),
        "Env": [f"{name}={value}" for name, value in env.items()],
        "WorkingDir": launch.directory,
        "Labels": {
            PLATFORM_LABEL: owner.root,
            ENVIRONMENT_LABEL: owner.environment,
            INSTANCE_LABEL: launch.name,
            DIGEST_LABEL: launch.digest,
        },
        "HostConfig": {
            "NetworkMode": "host",
            "RestartPolicy": {"Name": "no"},
            "Init": True,
            "Binds": mounts,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": _LOG_SIZE, "max-file": _LOG_FILES}},
        },
    }


def moment(text: str) -> datetime:
    """A time of the engine, which counts nanoseconds."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}+00:00")


def never_began(processes: Mapping[str, Any], init_pid: int) -> bool:
    """Whether of the container's processes (`GET /containers/ID/top`) none is the instance's program yet: its init
    alone, or the copy of it that is about to become the program."""
    titles = processes.get("Titles") or []
    rows = processes.get("Processes") or []
    if "PID" not in titles or not titles:
        return False
    pid, command = titles.index("PID"), len(titles) - 1
    others = [row for row in rows if row[pid] != str(init_pid)]
    return not others or all(INIT in row[command].split(" ", 1)[0] for row in others)
