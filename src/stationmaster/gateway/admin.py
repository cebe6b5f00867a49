"""Asks a node over its administration port: whether it is ready, what it sees of its targets; and tells it to drain."""

import asyncio
import http.client
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

from stationmaster.core.spec import Address

CONTROL = "stationmaster.control"
"""The name by which a node knows its source of configuration."""
TRACES = "stationmaster.traces"
"""The name by which it knows where traces go."""
OWN = frozenset({CONTROL, TRACES, "stationmaster.nodes"})
"""Clusters of a node that are no virtual hosts."""
DRAIN_S = 1
"""How long a draining node still takes connections, telling each that it is to go elsewhere."""

_ASK_WITHIN_S = 2.0
_ASK_EVERY_S = 0.05
_MEMBERSHIP = r"^cluster\..+\.membership_(healthy|total)$"
_UNDER_WAY = r"^http\..+\.downstream_rq_active$"
_STOPPED = r"^listener_manager\.listener_stopped$"
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """How many targets a node has in all its virtual hosts, and how many of them it finds healthy."""

    healthy: int
    total: int


async def ask(admin: Address, path: str, *, method: str = "GET", limit_s: float = _ASK_WITHIN_S) -> bytes | None:
    """The body of a good answer; None when the node does not answer, or not well, within `limit_s` a step.

    The standard library's client is enough for it, and small: an agent stands beside every node.
    """
    return await asyncio.to_thread(_ask, admin, path, method, limit_s)


def _ask(admin: Address, path: str, method: str, limit_s: float) -> bytes | None:
    connection = http.client.HTTPConnection(admin.host, admin.port, timeout=limit_s)
    try:
        connection.request(method, path, headers={"connection": "close"})
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == _OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


async def ready(admin: Address) -> bool:
    """Whether the node has its first configuration and takes requests."""
    return await ask(admin, "/ready") is not None


async def endpoints(admin: Address) -> Endpoints | None:
    """What the node itself sees of its targets; None when it does not answer."""
    answer = await ask(admin, f"/stats?filter={quote(_MEMBERSHIP)}")
    if answer is None:
        return None
    counts = {"healthy": 0, "total": 0}
    lines = re.finditer(r"^cluster\.(.+)\.membership_(healthy|total): (\d+)$", answer.decode(), re.MULTILINE)
    for found in lines:
        if found[1] not in OWN:
            counts[found[2]] += int(found[3])
    return Endpoints(**counts)


async def drain(admin: Address, *, limit_s: float = 5.0) -> bool:
    """Lets the node finish what it has and then take nothing new; says whether it was idle within `limit_s`.

    A node that is gone already counts as idle. After this a SIGTERM loses no request.
    """
    try:
        async with asyncio.timeout(limit_s):
            if await ask(admin, "/drain_listeners?graceful", method="POST") is None:
                return True
            await asyncio.sleep(DRAIN_S)
            async for count in _under_way(admin):
                if not count:
                    break
    except TimeoutError:
        return False
    return True


async def under_way(admin: Address) -> int:
    """How many requests the node is working on; none if it does not answer."""
    answer = await ask(admin, f"/stats?filter={quote(_UNDER_WAY)}")
    return sum(int(count) for count in re.findall(rb"^http\.entrance.*: (\d+)$", answer or b"", re.MULTILINE))


async def drained(admin: Address) -> bool | None:
    """Whether the node has stopped taking requests for good; None when it does not answer."""
    answer = await ask(admin, f"/stats?filter={quote(_STOPPED)}")
    if answer is None:
        return None
    return re.search(rb": [1-9]", answer) is not None


async def _under_way(admin: Address) -> AsyncIterator[int]:
    while True:
        yield await under_way(admin)
        await asyncio.sleep(_ASK_EVERY_S)
