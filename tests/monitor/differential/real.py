"""A real Prometheus for tests: started on a free port with a configuration, asked over HTTP, ended with the test."""

import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from stationmaster.monitor.promql.samples import Labels
from tests.monitor.differential.remote_write import write_request

_LIMIT_S = 30.0


def needed(program: str) -> str:
    """Where the program is; skips the test where it is missing."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}, which is not installed here")
    return found


@dataclass(frozen=True, slots=True)
class RealPrometheus:
    url: str
    http: httpx.Client

    def ask(self, path: str, **asked: Any) -> httpx.Response:
        """By a form; a list is sent as several values."""
        return self.http.post(f"/api/v1/{path}", data=asked)

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return self.http.get(f"/api/v1/{path}", params=asked)

    def data(self, path: str, **asked: Any) -> Any:
        answer = self.ask(path, **asked)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def write(self, series: Iterable[tuple[Labels, Sequence[tuple[int, float]]]]) -> None:
        """By remote write; the samples of a series have to come in the order of time."""
        answer = self.http.post("/api/v1/write", content=write_request(series), headers=_REMOTE_WRITE)
        assert answer.status_code == 204, answer.text


_REMOTE_WRITE: Mapping[str, str] = {
    "content-encoding": "snappy",
    "content-type": "application/x-protobuf",
    "x-prometheus-remote-write-version": "0.1.0",
}


@contextmanager
def running(folder: Path, port: int, config: str = "", *flags: str) -> Iterator[RealPrometheus]:
    """Its data are in `folder / "data"`; what stands there before is served."""
    program = needed("prometheus")
    (folder / "prometheus.yml").write_text(config or "global: {}\n", "utf-8")
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
        *flags,
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        try:
            _wait_until_ready(process, http, folder / "prometheus.log")
            yield RealPrometheus(url, http)
        finally:
            process.terminate()
            try:
                process.wait(_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: "subprocess.Popen[bytes]", http: httpx.Client, log: Path) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while True:
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"prometheus is not ready: {log.read_text()[-2000:]}")
        try:
            if http.get("/-/ready").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
