"""Fixtures of the gateway's tests: rigs with real Envoy nodes."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from stationmaster.core.spec import PlatformSpec
from stationmaster.runtime.db import Database
from tests.gateway.rig import Rig, declared, running


@pytest.fixture
def two_nodes(free_port: Callable[[], int]) -> PlatformSpec:
    return declared(free_port, nodes=2, targets=3)


@pytest.fixture
async def rig(two_nodes: PlatformSpec, database: Database, tmp_path: Path) -> AsyncIterator[Rig]:
    """Two nodes and three targets."""
    async with running(two_nodes, database, tmp_path) as built:
        yield built
