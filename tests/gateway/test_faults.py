"""Faults laid over the declaration for a while: the nodes have them at once, and are rid of them at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stationmaster.core.policy import Fault
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.plan.faults import NONE, Overlaid
from stationmaster.runtime.db import Database
from tests.gateway.rig import declared, running


def test_without_faults_the_declaration_stays_the_same_object() -> None:
    spec = PlatformSpec(environment="test")
    assert Overlaid()(spec, NONE) is spec


@pytest.mark.e2e
async def test_a_fault_is_at_every_node_when_it_is_set_and_gone_when_it_is_taken_back(
    database: Database, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    spec = declared(free_port, nodes=2, targets=1)
    name = spec.apis[0].name
    async with running(spec, database, tmp_path) as rig:
        path = spec.apis[0].paths[0]
        before = [(await rig.request("GET", path, node=node)).status_code for node in (0, 1)]
        await rig.gateway.set_faults({name: Fault(abort_status=503)})
        during = [(await rig.request("GET", path, node=node)).status_code for node in (0, 1)]
        await rig.gateway.set_faults({})
        after = [(await rig.request("GET", path, node=node)).status_code for node in (0, 1)]
    assert (before, during, after) == ([200, 200], [503, 503], [200, 200])
