"""A Docker engine of the tests' own: on a socket in a folder of its own, without bridge, without firewall rules."""

import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

IMAGE = "stationmaster-test/empty:1"
"""Nothing but folders: what containers need is mounted from this machine, for reading alone."""

_FOLDERS = ("usr", "lib", "lib64", "bin", "tmp", "etc")
_STARTS_WITHIN_S = 30.0
_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class TestEngine:
    socket: Path
    data: Path

    __test__ = False

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://engine", timeout=30
        ) as client:
            yield client

    def import_image(self, name: str) -> None:
        repository, _, tag = name.partition(":")
        with self.client() as client:
            client.post(
                "/images/create",
                params={"fromSrc": "-", "repo": repository, "tag": tag},
                content=_tar(),
                headers={"content-type": "application/x-tar"},
            ).raise_for_status()

    def remove_containers(self) -> None:
        with self.client() as client:
            for each in client.get("/containers/json", params={"all": "1"}).raise_for_status().json():
                client.delete(f"/containers/{each['Id']}", params={"force": "1"})


def mounts() -> tuple[str, ...]:
    """All that Python and this project need of the machine."""
    wanted = ["/usr", "/lib", "/lib64", "/bin", sys.base_prefix, sys.prefix, str(_REPOSITORY / "src")]
    return tuple(f"{path}:{path}:ro" for path in dict.fromkeys(wanted) if Path(path).exists())


@contextmanager
def running_engine() -> Iterator[TestEngine]:
    """Skips, with the reason, where no engine can be started."""
    program = shutil.which("dockerd") or shutil.which("dockerd", path="/usr/sbin:/sbin")
    if program is None:
        pytest.skip("needs dockerd, which this machine does not have")
    if os.geteuid() != 0:
        pytest.skip("needs root, as whom dockerd runs")
    # Not pytest's own folder: the path of a socket has to be short.
    folder = Path(tempfile.mkdtemp(prefix="stm-engine-"))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(_command(program, folder), stdout=output, stderr=output)
    engine = TestEngine(socket=folder / "d.sock", data=folder / "data")
    try:
        _await(engine, process, log)
        engine.import_image(IMAGE)
        try:
            yield engine
        finally:
            engine.remove_containers()
    finally:
        process.terminate()
        process.wait(timeout=30)
        for namespace in (folder / "exec" / "netns").glob("*"):
            subprocess.run(["umount", str(namespace)], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _command(program: str, folder: Path) -> list[str]:
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    return [
        program,
        f"--host=unix://{folder}/d.sock",
        *(f"--{option}={folder}/{name}" for option, name in places.items()),
        "--iptables=false",
        "--ip6tables=false",
        "--bridge=none",
        "--storage-driver=vfs",
    ]


def _await(engine: TestEngine, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        if _takes_connections(engine.socket):
            with engine.client() as client:
                client.get("/_ping").raise_for_status()
            return
        time.sleep(0.05)
    last = log.read_text("utf-8", "replace").splitlines()[-1:]
    pytest.skip(f"no Docker engine can be started here: {' '.join(last)}")


def _takes_connections(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as tried:
        return tried.connect_ex(str(path)) == 0


def _tar() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name in _FOLDERS:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(folder)
    return raw.getvalue()
