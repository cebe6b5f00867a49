"""How much memory a large platform takes: its control plane and one of its gateway nodes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from bench.chain import key_service
from bench.figures import row
from bench.ground import Ground, nodes, platform
from bench.peers import upstream
from bench.revocation import keys_of_everybody, wait_until_known

_APIS, _HOSTS, _USERS = 10_000, 1_000, 100_000


def declared(target: str) -> dict[str, Any]:
    return {
        **key_service(),
        "gateway": {"nodes": nodes(1)},
        "virtual_hosts": [{"name": f"host-{number}", "targets": [{"address": target}]} for number in range(_HOSTS)],
        "apis": [
            {"name": "shop", "paths": ["/shop"], "virtual_host": "host-0", "accepts": ["api-key"], "any_user": True},
            *({"name": f"api-{number}", **_api(number)} for number in range(1, _APIS)),
        ],
        "api_users": [{"name": f"user-{number}", "apis": [f"api-{number % 9_999 + 1}"]} for number in range(_USERS)],
    }


def _api(number: int) -> dict[str, Any]:
    return {
        "paths": [f"/api-{number}"],
        "virtual_host": f"host-{number % _HOSTS}",
        "accepts": ["api-key", "jwt"],
    }


def rows() -> Iterator[str]:
    with TemporaryDirectory() as folder, upstream(Path(folder)) as target, platform(declared(target)) as ground:
        ground.run("down")
        made = asyncio.run(keys_of_everybody(ground, _USERS))
        ground.up()
        wait_until_known(ground, made[-1][2])
        yield from _measured(ground)


def _measured(ground: Ground) -> Iterator[str]:
    size = f"{_APIS:,} APIs, {_HOSTS:,} virtual hosts, {_USERS:,} users with a key each"
    agent = psutil.Process(ground.pid_of("gateway-1"))
    yield row(f"{size}: control plane", [_resident_mb(psutil.Process(ground.pid_of("control")))], "MB")
    yield row(f"{size}: a node, its Envoy", [sum(map(_resident_mb, agent.children()))], "MB")
    yield row(f"{size}: a node, its agent", [_resident_mb(agent)], "MB")


def _resident_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6
