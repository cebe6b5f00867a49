"""Real server processes for tests: started from a line of Python, waited for by a condition, ended with the test."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

LIMIT_S = 60.0


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {LIMIT_S:g} s: {what}")
        time.sleep(0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    process: "subprocess.Popen[bytes]"
    url: str
    log: Path

    def call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Blocks, also in an async test: who answers is another process. `sent` as of `httpx.request`."""
        return httpx.request(method, self.url + path, timeout=10, trust_env=False, **sent)

    def get(self, path: str) -> httpx.Response:
        return self.call("GET", path)

    def answers(self) -> bool:
        """Whether anything listens; a refusal is an answer too."""
        if self.process.poll() is not None:
            raise AssertionError(f"ended with {self.process.returncode}: {self.log.read_text()}")
        try:
            self.get("/healthz")
        except httpx.TransportError:
            return False
        return True

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)


class Server:
    """Starts programs; `close` ends those that still run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[Served] = []

    def start(self, call: str, port: int) -> Served:
        """`call` is the statement that serves; `Address`, `StateDir` and `Path` are at hand."""
        served = self.launch(call, port)
        eventually(served.answers, f"{call} answers")
        return served

    def launch(self, call: str, port: int) -> Served:
        program = (
            "from pathlib import Path\n"
            "from stationmaster.config import StateDir\n"
            "from stationmaster.core.spec import Address\n"
            "from stationmaster.runtime import log\n"
            "log.configure(json_lines=True)\n" + call
        )
        path = self._folder / f"served-{len(self._running)}.log"
        with path.open("wb") as log:
            process = subprocess.Popen([sys.executable, "-c", program], stdout=log, stderr=log)
        served = Served(process=process, url=f"http://127.0.0.1:{port}", log=path)
        self._running.append(served)
        return served

    def close(self) -> None:
        for each in self._running:
            if each.process.poll() is None:
                each.process.kill()
                each.process.wait(LIMIT_S)
