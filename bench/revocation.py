"""An API key is revoked: how long until every node refuses it, with few and with many API users."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from bench.chain import key_service
from bench.figures import row
from bench.ground import Ground, nodes, platform
from bench.peers import upstream

_NODES = 5
_SIZES = (1_000, 100_000)
_REVOCATIONS = 40
_REFUSED_WITHIN_S = 10.0


def declared(target: str, users: int) -> dict[str, Any]:
    return {
        **key_service(),
        "gateway": {"nodes": nodes(_NODES)},
        "virtual_hosts": [{"name": "shop", "targets": [{"address": target}]}],
        "apis": [
            {"name": "shop", "paths": ["/shop"], "virtual_host": "shop", "accepts": ["api-key"], "any_user": True}
        ],
        "api_users": [{"name": f"user-{number}"} for number in range(users)],
    }


def rows() -> Iterator[str]:
    with TemporaryDirectory() as folder, upstream(Path(folder)) as target:
        for users in _SIZES:
            with platform(declared(target, users)) as ground:
                yield from _measured(ground, users)


def _measured(ground: Ground, users: int) -> Iterator[str]:
    with ground.client() as control:
        started = time.monotonic()
        made = _keys_of_everybody(control, users)
        yield row(f"{users:,} users: keys made", [len(made) / (time.monotonic() - started)], "1/s", note="over REST")
        refused_ms = [_revoke(ground, control, *made[number]) for number in range(_REVOCATIONS)]
    p99 = quantiles(refused_ms, n=100, method="inclusive")[98]
    yield row(f"{users:,} users: revoked → refused by {_NODES} nodes", refused_ms, "ms", note=f"p99 {p99:,.3g} ms")
    for name in ("control", "gateway-1"):
        memory_mb = psutil.Process(ground.pid_of(name)).memory_info().rss / 1e6
        yield row(f"{users:,} users: memory of {name}", [memory_mb], "MB")


def _keys_of_everybody(control: httpx.Client, users: int) -> list[tuple[str, str, str]]:
    """User, id and text of a key for each."""
    made = []
    for number in range(users):
        user = f"user-{number}"
        answer = control.post(f"/api/v1/users/{user}/keys", json={}, params={"wait": "false"}).raise_for_status().json()
        made.append((user, str(answer["id"]), str(answer["key"])))
    return made


def _revoke(ground: Ground, control: httpx.Client, user: str, key_id: str, key: str) -> float:
    """Milliseconds from the call until the last node refuses the key."""
    refused: dict[str, float] = {}
    stopping = threading.Event()
    watchers = [threading.Thread(target=_watch, args=(node, key, refused, stopping)) for node in ground.nodes]
    for watcher in watchers:
        watcher.start()
    time.sleep(0.05)
    if refused:
        raise RuntimeError(f"the key of {user} was refused before it was revoked, at {sorted(refused)}")
    started = time.monotonic()
    control.delete(f"/api/v1/users/{user}/keys/{key_id}").raise_for_status()
    for watcher in watchers:
        watcher.join(_REFUSED_WITHIN_S)
    stopping.set()
    if len(refused) < _NODES:
        raise TimeoutError(f"the key of {user} is refused by {sorted(refused)} alone")
    return (max(refused.values()) - started) * 1000


def _watch(node: str, key: str, refused: dict[str, float], stopping: threading.Event) -> None:
    with httpx.Client(trust_env=False, timeout=5, headers={"apikey": key}) as client:
        while not stopping.is_set():
            if client.get(f"http://{node}/shop/x").status_code in (401, 403):
                refused[node] = time.monotonic()
                return
            time.sleep(0.002)
