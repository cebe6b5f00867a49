"""A room whose passwords cost little and whose clock the test turns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import Parameters, Type

from stationmaster.access.live import SessionTerms
from stationmaster.access.loop import Access
from stationmaster.access.passwords import Passwords
from stationmaster.access.throttle import Limits, LoginThrottle
from stationmaster.config import StateDir
from stationmaster.runtime.audit import Asked, Change, changes
from stationmaster.runtime.db import Database

CHEAP = Parameters(type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=8, parallelism=1)
PHRASE = "seven green kettles sing"


class CountingPasswords(Passwords):
    """Counts how often argon2 runs, whatever for."""

    def __init__(self, parameters: Parameters = CHEAP) -> None:
        super().__init__(parameters)
        self.runs = 0

    async def hash(self, password: str) -> str:
        self.runs += 1
        return await super().hash(password)

    def _matches(self, known: str, password: str) -> bool:
        self.runs += 1
        return super()._matches(known, password)


@dataclass
class Room:
    """One control plane's `Access`; `restarted` is that of the next one over the same store."""

    access: Access
    passwords: CountingPasswords
    database: Database
    restarted: Callable[..., "Room"]
    first_password: str = ""

    async def started(self) -> "Room":
        self.first_password = await self.access.start() or ""
        return self

    async def audit(self) -> list[Change]:
        """The oldest first."""
        async with self.database.read() as connection:
            return [change for _, change in reversed(await changes(connection, Asked()))]


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


@pytest.fixture
async def room(database: Database, state: StateDir) -> Room:
    def made(terms: SessionTerms | None = None, limits: Limits | None = None) -> Room:
        passwords = CountingPasswords()
        # No test may wait: whoever tests the limits says so.
        throttle = LoginThrottle(limits or Limits(free_tries=1000, burst=1000))
        access = Access(database, state, passwords=passwords, throttle=throttle, terms=terms)
        return Room(access=access, passwords=passwords, database=database, restarted=made)

    return await made().started()
