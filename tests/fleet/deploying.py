"""A control plane with the fleet's loops alone, for tests that kill it: `python -m tests.fleet.deploying STATE`."""

import asyncio
import sys
from pathlib import Path

from stationmaster.config import StateDir
from stationmaster.core.spec import PlatformSpec
from stationmaster.fleet.deploy import Phase, Terms
from stationmaster.fleet.executors.process import ProcessExecutor
from stationmaster.fleet.orders import Wish
from stationmaster.runtime.db import open_database
from tests.fleet.test_deploys import World, command, service
from tests.fleet.test_fleet import Requests


async def main(root: Path, text: str) -> None:
    """Deploys, unless that was done before, and goes on until somebody kills it."""
    database = open_database(root / "test.db")
    world = World(
        database=database,
        executor=ProcessExecutor(StateDir(root)),
        requests=Requests(),
        spec=PlatformSpec(environment="test", services=(service(),)),
    )
    async with (await world.control()).running() as control:
        if control.deploys.courses["api"].version == 1:
            terms = Terms(within_s=5, bake_s=0.1)
            await control.orders.deploy("api", Wish(command=command(text)), terms, by="ada", why="")
        print("ordered", flush=True)
        await control.until_phase(Phase.GOOD)
        print("good", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
