"""A change of one API among many: accepted by the control plane, served by every one of five nodes; and what matching
a route costs among that many."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from bench import wrk
from bench.figures import row
from bench.ground import Ground, nodes, platform
from bench.peers import upstream

_NODES = 5
_SIZES = (100, 1_000, 10_000)
_CHANGES = 60
_SERVED_WITHIN_S = 10.0


def declared(target: str, size: int) -> dict[str, Any]:
    return {
        "gateway": {"nodes": nodes(_NODES)},
        "virtual_hosts": [{"name": "shop", "targets": [{"address": target}]}],
        "apis": [
            {"name": f"api-{number}", "paths": [f"/api-{number}"], "virtual_host": "shop"} for number in range(size)
        ],
    }


def rows() -> Iterator[str]:
    with TemporaryDirectory() as folder, upstream(Path(folder)) as target:
        for size in _SIZES:
            with platform(declared(target, size)) as ground:
                yield from _changes(ground, size)
                yield from _matching(ground, size)
                memory_mb = psutil.Process(ground.pid_of("control")).memory_info().rss / 1e6
                yield row(f"{size:,} APIs: memory of the control plane", [memory_mb], "MB")


def _changes(ground: Ground, size: int) -> Iterator[str]:
    with ground.client() as control:
        served = [_change(ground, control, number) for number in range(_CHANGES)]
    accepted_ms, acknowledged_ms, served_ms = zip(*served, strict=True)
    yield row(f"{size:,} APIs: change → answered with receipts", accepted_ms, "ms", note=_p99(accepted_ms))
    yield row(
        f"{size:,} APIs: change → acknowledged by {_NODES} nodes", acknowledged_ms, "ms", note=_p99(acknowledged_ms)
    )
    yield row(f"{size:,} APIs: change → served by {_NODES} nodes", served_ms, "ms", note=_p99(served_ms))


def _p99(values: tuple[float, ...]) -> str:
    return f"p99 {quantiles(values, n=100, method='inclusive')[98]:,.3g} ms"


def _change(ground: Ground, control: httpx.Client, number: int) -> tuple[float, float, float]:
    """Milliseconds until the call was answered, until all nodes had acknowledged, until all of them served it."""
    path = f"/moved-{number}"
    seen: dict[str, float] = {}
    started = time.monotonic()
    watchers = [threading.Thread(target=_watch, args=(node, path, seen)) for node in ground.nodes]
    for watcher in watchers:
        watcher.start()
    answer = control.put("/api/v1/apis/api-7", json={"paths": ["/api-7", path], "virtual_host": "shop"})
    answered_ms = (time.monotonic() - started) * 1000
    receipt = answer.raise_for_status().json()["receipt"]
    for watcher in watchers:
        watcher.join()
    if len(seen) < _NODES:
        raise TimeoutError(f"{path} is served by {sorted(seen)} alone")
    return answered_ms, max(receipt["acknowledged"].values()), (max(seen.values()) - started) * 1000


def _watch(node: str, path: str, seen: dict[str, float]) -> None:
    end = time.monotonic() + _SERVED_WITHIN_S
    with httpx.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                if client.get(f"http://{node}{path}/x").status_code == 200:
                    seen[node] = time.monotonic()
                    return
            time.sleep(0.004)


def _matching(ground: Ground, size: int) -> Iterator[str]:
    if not wrk.installed():
        yield wrk.MISSING
        return
    pid = ground.pid_of("gateway-1")
    rates = [wrk.measure(f"http://{ground.nodes[0]}/api-{size - 1}/x", pid, seconds=3) for _ in range(3)]
    yield row(f"{size:,} APIs: processor time of a request", [each.cpu_us for each in rates], "µs", note="the last API")
