"""A whole platform for a test: its own state folder, its own ports, the real command line."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from stationmaster.config import STATE_VARIABLE
from stationmaster.runtime.lock import holder

PROGRAM = (sys.executable, "-m", "stationmaster")
SAMPLE = Path(__file__).parents[2] / "src" / "stationmaster" / "sample" / "platform.yaml"


def sample_with_free_ports(free_port: Callable[[], int], runbooks: Sequence[Path]) -> dict[str, Any]:
    """The bundled sample platform, on ports that nobody uses and with restarts for a whole module of tests."""
    document: dict[str, Any] = yaml.safe_load(SAMPLE.read_text("utf-8"))

    def address() -> str:
        return f"127.0.0.1:{free_port()}"

    document["control"] = {"api": address(), "xds": address()}
    for node in document["gateway"]["nodes"]:
        node.update(listen=address(), admin=address(), listen_tls=address())
    for service in document["services"]:
        for instance in service["instances"]:
            instance["address"] = address()
    document["healing"]["max_restarts_per_hour"] = 100
    document["runbooks"] = [str(each) for each in runbooks]
    return document


@dataclass
class Station:
    folder: Path
    document: dict[str, Any]

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def surroundings(self) -> dict[str, str]:
        """Journals of runs without a server stay in the test's folder as well."""
        journals = str(self.folder / "journals")
        return {**os.environ, STATE_VARIABLE: str(self.state), "XDG_STATE_HOME": journals}

    @property
    def manifest(self) -> Path:
        return self.folder / "platform.yaml"

    def write_manifest(self) -> None:
        self.manifest.write_text(yaml.safe_dump(self.document, sort_keys=False), "utf-8")

    def up(self, *options: str) -> None:
        """Until all is ready. On a busy machine `up` may say that it is not ready yet, and goes on."""
        done = self.run("up", "--file", str(self.manifest), "--detach", *options, limit_s=120)
        assert done.returncode == 0 or "[not-ready]" in done.stderr, done.stdout + done.stderr + self.log("control")
        if done.returncode:
            wait_until(self.is_ready, "the platform is ready", limit_s=120)

    def is_ready(self) -> bool:
        """False also while nobody answers."""
        done = self.run("status", "--json")
        return done.returncode == 0 and bool(json.loads(done.stdout)["ready"])

    def is_quiet(self) -> bool:
        """Ready, and no incident is open."""
        seen = self.status()
        return bool(seen["ready"]) and not seen["open_incidents"]

    def begin_up(self) -> "subprocess.Popen[bytes]":
        """`up` without waiting for its end."""
        return subprocess.Popen(
            (*PROGRAM, "up", "--file", str(self.manifest), "--detach"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.surroundings,
        )

    def begin_attached(self) -> "subprocess.Popen[bytes]":
        """`up` as a person runs it; what it says is in its `stdout`."""
        return subprocess.Popen(
            (*PROGRAM, "up", "--file", str(self.manifest)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self.surroundings, "COLUMNS": "400"},
        )

    def is_up(self) -> bool:
        return holder(self.state / "up.lock") is not None and holder(self.state / "control.lock") is not None

    def down(self) -> None:
        self.run("down", limit_s=60)

    def run(self, *arguments: str, limit_s: float = 30) -> "subprocess.CompletedProcess[str]":
        environment = {**self.surroundings, "COLUMNS": "200"}
        return subprocess.run(
            (*PROGRAM, *arguments), capture_output=True, text=True, env=environment, timeout=limit_s, check=False
        )

    def json(self, *arguments: str, limit_s: float = 30) -> Any:
        done = self.run(*arguments, "--json", limit_s=limit_s)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def status(self) -> Any:
        return self.json("status")

    def log(self, name: str) -> str:
        path = self.state / "logs" / f"{name}.log"
        return path.read_text("utf-8", "replace")[-6000:] if path.exists() else ""

    def control_pid(self) -> int:
        return int((self.state / "control.lock").read_text("ascii"))

    def supervisor_pid(self) -> int:
        return int((self.state / "up.lock").read_text("ascii"))

    def kill_control_plane(self) -> None:
        """SIGKILL to the control plane and to the supervisor that would start it again."""
        for pid in (self.supervisor_pid(), self.control_pid()):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, (self.supervisor_pid(), self.control_pid()))), "both are gone")

    def facts(self, kind: str | None = None, *, since: int = 0) -> list[dict[str, Any]]:
        """The facts in the store behind the number `since`, read behind the control plane's back."""
        if not (self.state / "stationmaster.db").exists():
            return []
        query = "SELECT id, kind, body FROM outbox WHERE id > ? ORDER BY id"
        with closing(sqlite3.connect(self.state / "stationmaster.db", timeout=10)) as connection:
            rows = connection.execute(query, (since,)).fetchall()
        return [{"id": number, "kind": name, **json.loads(body)} for number, name, body in rows if kind in (None, name)]

    def last_fact(self) -> int:
        return max((fact["id"] for fact in self.facts()), default=0)

    def processes(self) -> list[str]:
        """Command lines of every live process that belongs to this platform."""
        mark = str(self.state)
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(STATE_VARIABLE) == mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found

    def node_url(self, number: int = 0) -> str:
        return f"http://{self.document['gateway']['nodes'][number]['listen']}"

    def instance_url(self, name: str) -> str:
        for service in self.document["services"]:
            for instance in service["instances"]:
                if instance["name"] == name:
                    return f"http://{instance['address']}"
        raise LookupError(name)


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def running(folder: Path, document: dict[str, Any]) -> Iterator["Station"]:
    """A platform of this declaration that is up, and is down afterwards."""
    built = Station(folder, document)
    built.write_manifest()
    built.up()
    try:
        yield built
    finally:
        built.down()


def drilled(station: "Station", name: str, *options: str, steady_s: float = 90, limit_s: float = 320) -> dict[str, Any]:
    """The report of a drill that begins in the steady state."""
    wait_until(station.is_quiet, "the platform is in its steady state", limit_s=steady_s)
    report: dict[str, Any] = station.json("drill", "run", name, *options, limit_s=limit_s)
    return report


def wait_until(done: Callable[[], object], what: str, *, limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s in vain: {what}"
        time.sleep(0.02)
