"""How long `up` of the bundled sample takes, from the command to the first proxied request, everything installed."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import yaml

from bench.figures import row
from bench.ground import Ground, free_address
from stationmaster.cli.up import BUNDLED

_ROUNDS = 5
_LIMIT_S = 60.0


def rows() -> Iterator[str]:
    seconds = [_round() for _ in range(_ROUNDS)]
    yield row("`up` → first proxied request", seconds, "s", note="the bundled sample, other ports, a new state folder")


def _round() -> float:
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder), _sample())
        ground.manifest.write_text(yaml.safe_dump(ground.document, sort_keys=False), "utf-8")
        started = time.monotonic()
        up = subprocess.Popen(
            (sys.executable, "-m", "stationmaster", "up", "-f", str(ground.manifest), "--state", str(ground.state)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _first_answer(f"http://{ground.nodes[0]}/api/auth/healthz")
            return time.monotonic() - started
        finally:
            up.terminate()
            up.wait(60)


def _sample() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(BUNDLED.read_text("utf-8"))
    document["control"] = {"api": free_address(), "xds": free_address()}
    document["runbooks"] = [str(BUNDLED.parent / each) for each in document.get("runbooks", [])]
    for node in document["gateway"]["nodes"]:
        node.update({name: free_address() for name in node if name != "name"})
    for service in document["services"]:
        for instance in service["instances"]:
            instance["address"] = free_address()
    return document


def _first_answer(url: str) -> None:
    end = time.monotonic() + _LIMIT_S
    with httpx.Client(trust_env=False, timeout=2) as client:
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                if client.get(url).is_success:
                    return
            time.sleep(0.01)
    raise TimeoutError(f"no answer from {url} within {_LIMIT_S:g} s")
