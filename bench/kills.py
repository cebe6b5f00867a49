"""One of three targets is killed with SIGKILL under load, over and over: what is lost, and how soon it is out."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

from bench.figures import row
from bench.ground import Ground, free_address, nodes, platform
from stationmaster.cli.load import Load

KILLS = int(os.environ.get("BENCH_KILLS", "100"))
_RATE_PER_S = 500
_INSTANCES = 3
_OUT_WITHIN_S = 10.0
_BACK_WITHIN_S = 60.0


def declared(targets: Iterable[str]) -> dict[str, Any]:
    return {
        "gateway": {"nodes": nodes(2)},
        "virtual_hosts": [
            {
                "name": "shop",
                "health": {"path": "/healthz", "interval": "200ms", "timeout": "1s"},
                "targets": [{"address": each} for each in targets],
            }
        ],
        "apis": [{"name": "shop", "paths": ["/shop"], "virtual_host": "shop"}],
    }


def rows() -> Iterator[str]:
    targets = {free_address(): f"shop-{number}" for number in range(1, _INSTANCES + 1)}
    processes = {address: _start(address, name) for address, name in targets.items()}
    try:
        with platform(declared(targets)) as ground:
            yield from _killed(ground, targets, processes)
    finally:
        for each in processes.values():
            each.kill()
            each.wait(10)


def _killed(ground: Ground, targets: dict[str, str], processes: "dict[str, subprocess.Popen[bytes]]") -> Iterator[str]:
    urls = tuple(f"http://{node}/shop/hello" for node in ground.nodes)
    victims = itertools.islice(itertools.cycle(targets), KILLS)
    _until(ground, _INSTANCES, _BACK_WITHIN_S)
    with Load(urls, rate=_RATE_PER_S) as load:
        out_s = []
        for victim in victims:
            out_s.append(_kill(ground, processes[victim]))
            processes[victim] = _start(victim, targets[victim])
            _until(ground, _INSTANCES, _BACK_WITHIN_S)
        report = load.report()
    note = (
        f"{report.sent} requests at {_RATE_PER_S}/s, slowest {report.slowest_ms:g} ms; {report.reasons or 'no error'}"
    )
    yield row(f"requests lost in {KILLS} kills", [report.lost], "", note=note)
    yield row("kill → out of every node", out_s, "s", note="as the nodes themselves count their healthy targets")


def _start(address: str, name: str) -> "subprocess.Popen[bytes]":
    command = (sys.executable, "-m", "stationmaster", "sample-api", "--listen", address, "--instance", name)
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _kill(ground: Ground, process: "subprocess.Popen[bytes]") -> float:
    """Seconds until every node has it out."""
    process.send_signal(signal.SIGKILL)
    started = time.monotonic()
    process.wait(10)
    _until(ground, _INSTANCES - 1, _OUT_WITHIN_S)
    return time.monotonic() - started


def _until(ground: Ground, healthy: int, limit_s: float) -> None:
    """Waits until every node finds that many targets healthy."""
    end = time.monotonic() + limit_s
    with httpx.Client(trust_env=False, timeout=2) as client:
        while any(_healthy(client, node["admin"]) != healthy for node in ground.document["gateway"]["nodes"]):
            if time.monotonic() > end:
                raise TimeoutError(f"not every node has {healthy} healthy targets after {limit_s:g} s")
            time.sleep(0.005)


def _healthy(client: httpx.Client, admin: str) -> int:
    answer = client.get(f"http://{admin}/stats", params={"filter": r"^cluster\.shop\.membership_healthy$"})
    return int(answer.text.rpartition(":")[2])
