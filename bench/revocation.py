"""An API key is revoked: how long until every node refuses it, with few and with many API users."""

import asyncio
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
from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.keys import store
from stationmaster.keys.credentials import Term, make_key
from stationmaster.runtime.db import open_database, utc_now
from stationmaster.runtime.master_key import MasterKeySource

_NODES = 5
_SIZES = (1_000, 100_000)
_REVOCATIONS = 40
_REFUSED_WITHIN_S = 10.0
_KNOWN_WITHIN_S = 120.0


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
    ground.run("down")
    made = asyncio.run(keys_of_everybody(ground, users))
    ground.up()
    with ground.client() as control:
        wait_until_known(ground, made[-1][2])
        refused_ms = [_revoke(ground, control, *made[number]) for number in range(_REVOCATIONS)]
    p99 = quantiles(refused_ms, n=100, method="inclusive")[98]
    yield row(f"{users:,} users: revoked → refused by {_NODES} nodes", refused_ms, "ms", note=f"p99 {p99:,.3g} ms")
    for name in ("control", "gateway-1"):
        process = psutil.Process(ground.pid_of(name))
        envoy = process.children() if name != "control" else []
        memory_mb = sum(each.memory_info().rss for each in (process, *envoy)) / 1e6
        yield row(f"{users:,} users: memory of {name}", [memory_mb], "MB")


async def keys_of_everybody(ground: Ground, users: int) -> list[tuple[str, str, str]]:
    """User, id and text of a key for each, put into the store as the key room puts them; the platform is down."""
    state = StateDir(ground.state)
    cipher = MasterKeySource(state.master_key).load()
    database = open_database(state.database)
    made = [make_key(UserName(f"user-{number}"), Term(created_at=utc_now())) for number in range(users)]
    async with database.write() as connection:
        for each in made:
            await store.add_key(connection, cipher, each)
        await store.bump(connection)
    await database.close()
    return [(each.key.user, each.key.id, each.text) for each in made]


def wait_until_known(ground: Ground, key: str) -> None:
    """The last key opens every node."""
    end = time.monotonic() + _KNOWN_WITHIN_S
    with httpx.Client(trust_env=False, timeout=5, headers={"apikey": key}) as client:
        while any(client.get(f"http://{node}/shop/x").status_code != 200 for node in ground.nodes):
            if time.monotonic() > end:
                raise TimeoutError(f"not every node knows every key after {_KNOWN_WITHIN_S:g} s")
            time.sleep(0.1)


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
