"""The end of a fault restarts the process that stands in, and leaves alone what somebody has restarted meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from stationmaster.core.drills import Fault, FaultKind
from stationmaster.core.spec import PlatformSpec
from stationmaster.drills.filler import Filler
from stationmaster.joining.breaking import PlatformBreaker
from stationmaster.runtime.board import Cell

_SLEEPS = "import time; time.sleep(600)"
FAULT = Fault(kind=FaultKind.WRONG_BODY, of="key-us-south")


@dataclass
class OneProcess:
    """The fleet, with a process of the instance that lives, or none."""

    pid: int | None
    restarted: list[str] = field(default_factory=list)

    async def alive(self, _name: str) -> int | None:
        return self.pid

    async def restart(self, name: str, *, by: str, why: str) -> None:
        self.restarted.append(f"{name} by {by}: {why}")


@pytest.fixture(params=["stand-in", "keys"])
def process(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    with subprocess.Popen((sys.executable, "-c", _SLEEPS, request.param)) as started:
        yield request.param, started.pid
        started.kill()


def breaker(fleet: OneProcess, state: Path) -> PlatformBreaker:
    """As after a restart of the control plane: it has started nothing itself."""
    declared = Cell(PlatformSpec(environment="test"))
    filler = Filler(state, state / "logs")
    return PlatformBreaker(fleet=cast(Any, fleet), gateway=cast(Any, None), declared=declared, filler=filler)


async def test_a_new_control_plane_ends_a_stand_in_and_restarts_nothing_else(
    process: tuple[str, int], tmp_path: Path
) -> None:
    verb, pid = process
    fleet = OneProcess(pid)
    said = await breaker(fleet, tmp_path).undo(FAULT)
    if verb == "stand-in":
        assert (said, fleet.restarted) == ("it was restarted", ["key-us-south by drill: the fault is over"])
    else:
        assert (said, fleet.restarted) == ("it had been restarted", [])


async def test_what_is_gone_is_started(tmp_path: Path) -> None:
    fleet = OneProcess(None)
    assert await breaker(fleet, tmp_path).undo(FAULT) == "it was restarted"
    assert len(fleet.restarted) == 1
