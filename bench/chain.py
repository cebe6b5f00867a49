"""The full policy chain beside a bare Envoy with one route, and beside nginx and HAProxy where they are installed."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from bench import wrk
from bench.figures import row
from bench.ground import Ground, free_address, nodes, platform
from bench.peers import Peer, peers, upstream

_ROUNDS = 5
_OURS_BY_KEY, _OURS_BY_TOKEN, _OURS_OPEN = "gateway, API key", "gateway, JWT", "gateway, public route"

POLICIES: dict[str, Any] = {
    "rate_limits": [{"requests": 1_000_000_000, "per": "1m", "by": "user"}],
    "cors": {"origins": ["https://shop.example.org"]},
    "request_headers": {"set": {"x-from": "gateway"}},
    "response_headers": {"set": {"x-frame-options": "DENY"}},
    "max_body": "1MB",
    "retries": 3,
}
"""A chain as an API in earnest has it."""


def declared(target: str) -> dict[str, Any]:
    return {
        "gateway": {"nodes": nodes(1)},
        "virtual_hosts": [{"name": "shop", "targets": [{"address": target}]}],
        "apis": [
            {"name": "bare", "paths": ["/bare"], "virtual_host": "shop"},
            {
                "name": "full",
                "paths": ["/full"],
                "virtual_host": "shop",
                "accepts": ["jwt", "api-key"],
                "policies": POLICIES,
            },
        ],
        "api_users": [{"name": "ada", "apis": ["full"]}],
        **key_service(),
    }


def key_service() -> dict[str, Any]:
    command = ["stationmaster", "keys", "--listen", "{address}", "--instance", "{instance}", "--region", "{region}"]
    instance = {"name": "key-1", "region": "here", "address": free_address()}
    service = {
        "name": "api_key_service",
        "port": 8888,
        "command": command,
        "health": {"path": "/api/auth/healthz"},
        "instances": [instance],
    }
    return {"regions": ["here"], "services": [service]}


def rows() -> Iterator[str]:
    if not wrk.installed():
        yield wrk.MISSING
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        upstream(Path(folder)) as target,
        platform(declared(target)) as ground,
    ):
        callers = _callers(ground)
        with peers(Path(folder), target) as beside:
            yield from _table(ground, callers, beside)


def _callers(ground: Ground) -> Mapping[str, tuple[str, dict[str, str]]]:
    """Path and headers of each way through the gateway."""
    made = ground.json("key", "create", "ada")
    token = _token(ground, made["client_id"], made["client_secret"])
    return {
        _OURS_OPEN: ("/bare/", {}),
        _OURS_BY_KEY: ("/full/", {"apikey": made["api_key"]}),
        _OURS_BY_TOKEN: ("/full/", {"authorization": f"Bearer {token}"}),
    }


def _token(ground: Ground, client: str, secret: str) -> str:
    [instance] = ground.document["services"][0]["instances"]
    answer = httpx.post(
        f"http://{instance['address']}/api/auth/token",
        auth=(client, secret),
        data={"grant_type": "client_credentials"},
        trust_env=False,
    )
    return str(answer.raise_for_status().json()["access_token"])


def _table(ground: Ground, callers: Mapping[str, tuple[str, dict[str, str]]], beside: list[Peer]) -> Iterator[str]:
    pid = ground.pid_of("gateway-1")
    rates: dict[str, list[wrk.Rate]] = {}
    for _ in range(_ROUNDS):
        for name, (path, headers) in callers.items():
            rates.setdefault(name, []).append(wrk.measure(f"http://{ground.nodes[0]}{path}", pid, headers=headers))
        for peer in beside:
            rates.setdefault(peer.name, []).append(wrk.measure(f"http://{peer.address}/", peer.pid))
    for name, found in rates.items():
        failed = sum(each.failed for each in found)
        yield row(name, [each.per_s for each in found], "1/s", note=f"{failed} failed" if failed else "")
    bare = rates["bare Envoy"]
    for name in callers:
        ratios = [ours.per_s / peer.per_s for ours, peer in zip(rates[name], bare, strict=True)]
        yield row(f"{name} / bare Envoy", ratios, "", note="requests per second, interleaved")
    for name, found in rates.items():
        yield row(f"{name}: processor time", [each.cpu_us for each in found], "µs/request")
