"""The containers of one platform on a Docker engine: listed, shown, made, signalled, taken away, by instance."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiodocker import Docker, DockerError
from aiodocker.containers import DockerContainer

from stationmaster.core.problem import PlatformError
from stationmaster.fleet.executor import Running
from stationmaster.fleet.executors.container import (
    DIGEST_LABEL,
    INSTANCE_LABEL,
    PLATFORM_LABEL,
    container_name,
    moment,
)
from stationmaster.fleet.executors.engine import Engine, is_missing

_POLL_S = 0.03
_KNOWN_FOR_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the engine says of a container, alive or not."""

    live: bool
    pid: int
    started_at: str
    exit_status: int
    digest: str
    env: tuple[str, ...]


class Containers:
    def __init__(self, engine: Engine, root: str) -> None:
        self.engine = engine
        self._root = root
        self._known: dict[str, tuple[float, Running]] = {}

    async def seen(self) -> Mapping[str, Running]:
        """The live ones by instance; what does not change while a container lives is asked once a second."""
        wanted = json.dumps({"label": [f"{PLATFORM_LABEL}={self._root}"]})
        async with self.engine.asked("containers cannot be listed") as docker:
            listed = await docker.containers.list(filters=wanted)
            found = await asyncio.gather(*map(self._running, listed))
        self._known = {key: each for key, each in found if each is not None}
        return {running.name: running for _, running in self._known.values()}

    async def show(self, name: str) -> Shown | None:
        """None where there is none; PlatformError `container-name-taken` where it is somebody else's."""
        async with self.engine.asked(f"{name} cannot be looked at") as docker:
            try:
                shown = await docker.containers.container(container_name(name)).show()
            except DockerError as error:
                if is_missing(error):
                    return None
                raise
        labels = shown["Config"]["Labels"] or {}
        if labels.get(PLATFORM_LABEL) != self._root or labels.get(INSTANCE_LABEL) != name:
            hint = f"`docker rm {container_name(name)}` the other one, or give the instance another name"
            message = f"the container {container_name(name)} is not one of this platform"
            raise PlatformError("container-name-taken", message, hint=hint, status=409)
        return _shown(shown, labels.get(DIGEST_LABEL, ""))

    async def create(self, name: str, config: dict[str, Any]) -> None:
        async with self.engine.asked(f"{name} cannot be started") as docker:
            await docker.containers.create(config, name=container_name(name))

    async def start(self, name: str) -> None:
        async with self.engine.asked(f"{name} cannot be started") as docker:
            await docker.containers.container(container_name(name)).start()

    async def processes(self, name: str) -> Mapping[str, Any]:
        """As `docker top` shows them; empty where the container has ended or nobody can look."""
        async with self.engine.asked(f"{name} cannot be looked at") as docker:
            try:
                return await docker.containers.container(container_name(name)).top()
            except DockerError:
                return {}

    async def remove(self, name: str) -> None:
        async with self.engine.asked(f"the container of {name} cannot be taken away") as docker:
            try:
                await docker.containers.container(container_name(name)).delete(force=True)
            except DockerError as error:
                if not is_missing(error):
                    raise

    async def signal(self, name: str, signal: str) -> None:
        """One that has ended meanwhile takes no signal, and needs none."""
        async with self.engine.asked(f"{name} cannot be signalled") as docker:
            try:
                await docker.containers.container(container_name(name)).kill(signal=signal)
            except DockerError as error:
                if not is_missing(error) and await self._lives(docker, name):
                    raise

    async def gone(self, name: str, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while True:
            shown = await self.show(name)
            if shown is None or not shown.live:
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_S)

    async def lines(self, name: str, tail: int) -> list[str]:
        """The end of what the present container wrote."""
        async with self.engine.asked(f"the log of {name} cannot be read") as docker:
            container = docker.containers.container(container_name(name))
            try:
                pieces = await container.log(stdout=True, stderr=True, tail=str(tail))
            except DockerError as error:
                if is_missing(error):
                    return []
                raise
        return "".join(pieces).splitlines()[-tail:]

    async def _running(self, listed: DockerContainer) -> tuple[str, tuple[float, Running] | None]:
        key, now = listed.id, time.monotonic()
        known = self._known.get(key)
        if known is not None and now - known[0] < _KNOWN_FOR_S:
            return key, known
        try:
            shown = await listed.show()
        except DockerError as error:
            if is_missing(error):
                return key, None
            raise
        found = _shown(shown, "")
        name = shown["Config"]["Labels"][INSTANCE_LABEL]
        running = Running(name=name, pid=found.pid, started_at=moment(found.started_at))
        return key, (now, running) if found.live else None

    async def _lives(self, docker: Docker, name: str) -> bool:
        shown = await docker.containers.container(container_name(name)).show()
        return bool(shown["State"]["Running"])


def _shown(shown: Mapping[str, Any], digest: str) -> Shown:
    state = shown["State"]
    return Shown(
        live=state["Running"],
        pid=state["Pid"],
        started_at=state["StartedAt"],
        exit_status=state["ExitCode"],
        digest=digest,
        env=tuple(shown["Config"]["Env"] or ()),
    )
