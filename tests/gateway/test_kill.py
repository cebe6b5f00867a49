"""A target that is killed under load costs no idempotent request and is out of every node within half a second."""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.core.spec import HealthCheck
from stationmaster.gateway.sighting import sightings
from stationmaster.runtime.db import Database
from tests.gateway import upstream
from tests.gateway.load import Tally, load
from tests.gateway.rig import HOST, Rig, declared, running

pytestmark = pytest.mark.e2e

OUT_WITHIN_S = 0.5
AS_DECLARED_BY_DEFAULT = HealthCheck(path="/healthz", contains=upstream.HEALTHY)


async def test_a_killed_target_is_out_of_every_node_at_once_and_nobody_notices(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    """Both nodes under load, checks as rare as they are by default: what the nodes see of the answers has to do it."""
    spec = declared(free_port, nodes=2, targets=3)
    host = replace(spec.virtual_hosts[0], health=AS_DECLARED_BY_DEFAULT)
    first, second = (node.listen for node in spec.nodes)
    async with (
        running(replace(spec, virtual_hosts=(host,)), database, tmp_path) as rig,
        load(first, "/public", workers=3) as one,
        load(second, "/public", workers=3) as other,
    ):
        for victim in rig.targets:
            await reach(one, other, 200)
            killed = time.monotonic()
            rig.send(victim, signal.SIGKILL)
            await asyncio.gather(*(out_of(rig, number, victim) for number in (0, 1)))
            took_s = time.monotonic() - killed
            await reach(one, other, 200)
            rig.start_upstreams([int(victim.rpartition(":")[2])])
            await asyncio.gather(*(back_in(rig, number, victim) for number in (0, 1)))
            assert took_s < OUT_WITHIN_S
        await reach(one, other, 200)
    assert (one.failures, other.failures) == ({}, {})


async def reach(one: Tally, other: Tally, more: int) -> None:
    await asyncio.gather(one.reaches(more), other.reaches(more))


async def out_of(rig: Rig, node: int, target: str) -> None:
    await _until(rig, node, target, takes_requests=False)


async def back_in(rig: Rig, node: int, target: str) -> None:
    await _until(rig, node, target, takes_requests=True)


async def _until(rig: Rig, node: int, target: str, *, takes_requests: bool) -> None:
    async with asyncio.timeout(10):
        while True:
            seen = await sightings(rig.spec.nodes[node].admin, HOST) or {}
            sighting = seen.get((HOST, target))
            if sighting is not None and sighting.takes_requests is takes_requests:
                return
            await asyncio.sleep(0.02)
