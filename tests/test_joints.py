"""What joins the rooms keeps to the declared bounds."""

from pathlib import Path

import pytest

from stationmaster.app import build
from stationmaster.config import StateDir
from stationmaster.core.facts import InstanceRestarted
from stationmaster.core.names import InstanceName
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import HealingPolicy, PlatformSpec
from stationmaster.joints import RunEffects
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now


async def test_an_instance_that_keeps_dying_is_not_restarted_for_ever(tmp_path: Path, database: Database) -> None:
    platform = await build(PlatformSpec(environment="test"), StateDir(tmp_path / "state"), database)
    policy = HealingPolicy(max_restarts_per_hour=2)
    effects = RunEffects(database=database, fleet=platform.fleet, gateway=platform.gateway, policy=policy)
    async with database.write() as connection:
        for _ in range(2):
            fact = InstanceRestarted(at=utc_now(), instance="keys-1", by="runbook", why="step 3", incident=1)
            await outbox.append(connection, fact)
    with pytest.raises(PlatformError) as refusal:
        await effects.restart(InstanceName("keys-1"), why="step 3", incident=2)
    assert refusal.value.code == "restart-budget"
    with pytest.raises(PlatformError) as other:
        await effects.restart(InstanceName("keys-2"), why="step 3", incident=2)
    assert other.value.code == "unknown-instance"
