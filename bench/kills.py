"""One of three targets is killed with SIGKILL under load, over and over: what is lost, and how soon it is out."""

import itertools
import os
import signal
import time
from collections.abc import Iterator
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


def declared() -> dict[str, Any]:
    instances = [
        {"name": f"shop-{number}", "region": "here", "address": free_address()} for number in range(1, _INSTANCES + 1)
    ]
    service = {
        "name": "shop",
        "port": 8080,
        "command": ["stationmaster", "sample-api", "--listen", "{address}", "--instance", "{instance}"],
        "health": {"path": "/healthz", "interval": "200ms", "timeout": "1s"},
        "instances": instances,
    }
    return {
        "regions": ["here"],
        "gateway": {"nodes": nodes(2)},
        "services": [service],
        "virtual_hosts": [{"name": "shop", "targets": [{"instance": each["name"]} for each in instances]}],
        "apis": [{"name": "shop", "paths": ["/shop"], "virtual_host": "shop"}],
    }


def rows() -> Iterator[str]:
    with platform(declared()) as ground:
        urls = tuple(f"http://{node}/shop/hello" for node in ground.nodes)
        victims = itertools.cycle(f"shop-{number}" for number in range(1, _INSTANCES + 1))
        with Load(urls, rate=_RATE_PER_S) as load:
            out_s = [_kill(ground, victim) for victim in itertools.islice(victims, KILLS)]
            report = load.report()
    note = (
        f"{report.sent} requests at {_RATE_PER_S}/s, slowest {report.slowest_ms:g} ms; {report.reasons or 'no error'}"
    )
    yield row(f"requests lost in {KILLS} kills", [report.lost], "", note=note)
    yield row("kill → out of every node", out_s, "s", note="as the nodes themselves count their healthy targets")


def _kill(ground: Ground, victim: str) -> float:
    """Seconds until every node has it out; returns when every node has it back."""
    os.kill(ground.pid_of(victim), signal.SIGKILL)
    started = time.monotonic()
    _until(ground, _INSTANCES - 1, _OUT_WITHIN_S)
    out_s = time.monotonic() - started
    _until(ground, _INSTANCES, _BACK_WITHIN_S)
    return out_s


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
