"""Which figures a real node keeps of its pools: those that somebody reads, and few others."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from stationmaster.runtime.db import Database
from tests.gateway.rig import HOST, declared, running

pytestmark = pytest.mark.e2e

READ = (
    f"cluster.{HOST}.membership_healthy: 1",
    f"cluster.{HOST}.membership_total: 1",
    f"cluster.{HOST}.upstream_rq_200: 1",
    f"cluster.{HOST}.circuit_breakers.default.rq_open: 0",
    f"cluster.{HOST}.outlier_detection.ejections_active: 0",
    "http.entrance.downstream_rq_active: 0",
    "listener_manager.listener_stopped: 0",
)
UNREAD = (".lb_subsets_", ".assignment_", "ejections_enforced_", "circuit_breakers.high", ".rds.")


async def test_a_node_keeps_the_figures_that_are_read_and_not_those_that_fill_its_memory(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    async with running(declared(free_port, nodes=1, targets=1), database, tmp_path) as rig:
        assert (await rig.request("GET", "/public")).status_code == 200
        async with httpx.AsyncClient(trust_env=False) as client:
            told = (await client.get(f"http://{rig.spec.nodes[0].admin}/stats")).text.splitlines()
    assert [each for each in READ if each not in told] == []
    kept = [each for each in told if each.startswith((f"cluster.{HOST}.", "http.entrance."))]
    assert [each for each in kept if any(word in each for word in UNREAD)] == []
