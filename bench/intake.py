"""Alerts taken in by Alertmanager's API: ours, on disk before it is answered, beside Debian's, which stores nothing."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.figures import row

_BATCH, _SENDERS, _SPAN_S, _ROUNDS = 64, 4, 4.0, 3
_SERIES = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    alerts: int
    span_s: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        return self.alerts / self.span_s


def rows() -> Iterator[str]:
    program = shutil.which("prometheus-alertmanager")
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        with TemporaryDirectory() as folder:
            token = Path(folder) / "state" / "sender.token"
            ours.append(_measured(_our_server(Path(folder)), "/alertmanager", token))
            if program is not None:
                theirs.append(_measured(_their_server(program, Path(folder)), "", None))
    yield from _both("ours (durable)", ours)
    if theirs:
        yield from _both("Alertmanager (in memory)", theirs)
        ratios = [mine.per_s / peer.per_s for mine, peer in zip(ours, theirs, strict=True)]
        yield row("ours / Alertmanager", ratios, "", note="same run, in turns")


def _both(name: str, found: Sequence[_Found]) -> Iterator[str]:
    note = f"{_SENDERS} senders, {_BATCH} a batch"
    yield row(f"alerts taken in, {name}", [each.per_s for each in found], "alerts/s", note=note)
    yield row(f"p99 of the answer, {name}", [each.p99_ms for each in found], "ms")


def _our_server(folder: Path) -> tuple[list[str], int]:
    port = _free_port()
    program = (
        "from pathlib import Path\nfrom stationmaster.config import StateDir\n"
        "from tests.api.only_intake import serve\n"
        f"serve(StateDir(Path({str(folder / 'state')!r})), {port})"
    )
    return [sys.executable, "-c", program], port


def _their_server(program: str, folder: Path) -> tuple[list[str], int]:
    port, config = _free_port(), folder / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n", "utf-8")
    flags = [f"--storage.path={folder / 'am'}", f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    return [program, f"--config.file={config}", *flags], port


def _measured(server: tuple[list[str], int], prefix: str, token: Path | None) -> _Found:
    command, port = server
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ})
    try:
        _wait(port)
        headers = {} if token is None else {"authorization": f"Bearer {token.read_text()}"}
        return asyncio.run(_sent(f"http://127.0.0.1:{port}{prefix}/api/v2/alerts", headers))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


async def _sent(url: str, headers: Mapping[str, str]) -> _Found:
    bodies = [_body(number) for number in range(_SERIES // _BATCH)]
    took: list[float] = []
    begun = time.perf_counter()

    async def sender(first: int, http: httpx.AsyncClient) -> None:
        number = first
        while time.perf_counter() - begun < _SPAN_S:
            sent = time.perf_counter()
            answer = await http.post(url, content=bodies[number % len(bodies)])
            answer.raise_for_status()
            took.append(time.perf_counter() - sent)
            number += _SENDERS

    headers = {**headers, "content-type": "application/json"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=30) as http:
        await asyncio.gather(*(sender(number, http) for number in range(_SENDERS)))
    span_s = time.perf_counter() - begun
    took.sort()
    return _Found(alerts=len(took) * _BATCH, span_s=span_s, p99_ms=took[int(len(took) * 0.99)] * 1000)


def _body(number: int) -> bytes:
    alerts = [
        {
            "labels": {
                "alertname": f"Alert{each % 20}",
                "instance": f"host-{number * _BATCH + each}:9100",
                "job": "node",
                "service": "orders",
                "severity": "warning",
            },
            "annotations": {"summary": f"host {each} is slow", "description": "it has been slow for ten minutes"},
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        }
        for each in range(_BATCH)
    ]
    return json.dumps(alerts).encode()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait(port: int) -> None:
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")
