"""Tokens issued per second by one key service instance, beside the bare signing rate of the crypto library."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import psutil
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bench.chain import key_service
from bench.figures import row
from bench.ground import Ground, nodes, platform
from bench.raw import Exchange, closed_loop

_ROUNDS = 5
_SECONDS = 3.0


def declared() -> dict[str, Any]:
    service = key_service()
    [instance] = service["services"][0]["instances"]
    return {
        **service,
        "gateway": {"nodes": nodes(1)},
        "virtual_hosts": [{"name": "keys", "targets": [{"instance": instance["name"]}]}],
        "apis": [
            {"name": "keys", "paths": ["/api/auth"], "strip_path": False, "virtual_host": "keys"},
            {"name": "mine", "paths": ["/mine"], "virtual_host": "keys", "accepts": ["jwt"]},
        ],
        "api_users": [{"name": "ada", "apis": ["mine"]}],
    }


def rows() -> Iterator[str]:
    with platform(declared()) as ground:
        exchange = _exchange(ground)
        process = psutil.Process(ground.pid_of("key-1"))
        issued, per_core, bare = [], [], []
        for _ in range(_ROUNDS):
            before = sum(process.cpu_times()[:2])
            done = closed_loop(exchange, seconds=_SECONDS)
            issued.append(done / _SECONDS)
            per_core.append(done / (sum(process.cpu_times()[:2]) - before))
            bare.append(_bare())
    yield row("tokens issued, RS256, one instance", issued, "1/s")
    yield row("tokens issued per second of its processor time", per_core, "1/s")
    yield row("bare RS256 signatures, one core", bare, "1/s")
    ratios = [mine / peer for mine, peer in zip(per_core, bare, strict=True)]
    yield row("ratio per core to the bare signing rate", ratios, "", note="same run, interleaved")


def _exchange(ground: Ground) -> Exchange:
    made = ground.json("key", "create", "ada")
    [instance] = ground.document["services"][0]["instances"]
    form = {
        "grant_type": "client_credentials",
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
    }
    return Exchange.post(instance["address"], "/api/auth/token", urlencode(form), "application/x-www-form-urlencoded")


def _bare() -> float:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    message = b"x" * 400
    count, end = 0, time.perf_counter() + 1
    started = time.perf_counter()
    while time.perf_counter() < end:
        key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        count += 1
    return count / (time.perf_counter() - started)
