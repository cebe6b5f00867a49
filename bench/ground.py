"""A platform to measure on: a folder, free ports, the real command line."""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from stationmaster.config import STATE_VARIABLE

_PORTS = iter(random.sample(range(10_000, 30_000), 20_000))
"""Below those from which the kernel takes the ports of outgoing connections: one of them could take a port in the
moment between two lives of a process."""


def free_address() -> str:
    """A loopback address that nobody listens on, each once."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return f"127.0.0.1:{port}"
    raise RuntimeError("no port is free")


@dataclass(frozen=True, slots=True)
class Ground:
    folder: Path
    document: dict[str, Any]

    @property
    def manifest(self) -> Path:
        return self.folder / "platform.yaml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def nodes(self) -> tuple[str, ...]:
        """Where the gateway nodes take requests."""
        return tuple(node["listen"] for node in self.document["gateway"]["nodes"])

    def run(self, *arguments: str) -> str:
        """What a verb prints; RuntimeError with its words when it refuses."""
        done = subprocess.run(
            (sys.executable, "-m", "stationmaster", *arguments),
            check=False,
            env={**os.environ, STATE_VARIABLE: str(self.state)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode:
            raise RuntimeError(f"stationmaster {' '.join(arguments)} refused: {done.stderr}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def client(self) -> httpx.Client:
        """For the control plane's API, as the local administrator."""
        token = (self.state / "admin.token").read_text("utf-8").strip()
        return httpx.Client(
            base_url=f"http://{self.document['control']['api']}",
            headers={"authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=60,
        )

    def up(self) -> None:
        self.manifest.write_text(yaml.safe_dump(self.document, sort_keys=False), "utf-8")
        self.run("up", "--file", str(self.manifest), "--detach")

    def pid_of(self, name: str) -> int:
        """The process of a gateway node, an instance or `control`."""
        seen = self.json("status")
        if name == "control":
            return int(seen["pid"])
        [pid] = [each["pid"] for each in (*seen["nodes"], *seen["instances"]) if each["name"] == name]
        return int(pid)


def nodes(count: int) -> list[dict[str, str]]:
    return [
        {"name": f"gateway-{number}", "listen": free_address(), "admin": free_address()}
        for number in range(1, count + 1)
    ]


@contextmanager
def platform(document: dict[str, Any]) -> Iterator[Ground]:
    """The platform of a document, up while the block runs; where its control plane listens is filled in."""
    whole = {"environment": "bench", "control": {"api": free_address(), "xds": free_address()}, **document}
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder), whole)
        try:
            ground.up()
            yield ground
        finally:
            with suppress(RuntimeError):
                ground.run("down")
