"""Changes of runs inside bounds: a bound asks, another run is waited for, worse numbers roll back and stop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from stationmaster.core.facts import ApprovalAsked, EscalationAsked, RunEnded, RunStepEnded
from stationmaster.runbooks.bounded import Attempt, Begun, Held, Occupied, Standing
from stationmaster.runbooks.permit import Policy
from stationmaster.runtime.db import Database
from tests.runbooks.test_unattended import RUNBOOK, Room, said_yes

SAFE = Policy(name="test", programs=("touch",))
TOUCH = RUNBOOK.replace("echo <api> >> cleared", "touch cleared").replace("test -s", "test -e")


@dataclass
class Script:
    """Bounds that say what a test wants: `says` is asked for every attempt that was not overridden."""

    says: Callable[[Attempt], Standing] = lambda _attempt: Begun()
    worse: Callable[[Attempt], str] = lambda _attempt: ""
    begun: list[tuple[str, int, bool]] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    looked: int = 0

    async def look(self, attempt: Attempt) -> Standing:
        self.looked += 1
        return self.says(attempt)

    async def begin(self, attempt: Attempt, *, overridden: bool = False, waits: bool = True) -> Standing:
        found = Begun() if overridden else self.says(attempt)
        if isinstance(found, Begun):
            self.begun.append((" ".join(attempt.calls[0]), attempt.number, overridden))
        return found

    async def ended(self, attempt: Attempt) -> None:
        self.over.append(" ".join(attempt.calls[0]))

    async def worse_after(self, attempt: Attempt, *, since: datetime, wait: bool) -> str:
        return self.worse(attempt)


def bound(database: Database, folder: Path, script: Script, text: str = TOUCH) -> Room:
    room = Room(database, folder, text, policy=SAFE)
    room.unattended = replace(room.unattended, bounds=script)
    room.room = replace(room.room, unattended=room.unattended)
    return room


async def verdicts(room: Room) -> dict[str, tuple[str, str]]:
    return {each.step: (each.verdict, each.detail) for each in await room.facts() if isinstance(each, RunStepEnded)}


async def test_what_a_bound_forbids_is_asked_with_the_reason_and_a_yes_passes_it(
    database: Database, tmp_path: Path
) -> None:
    script = Script(says=lambda _attempt: Held(why=("key-1 was restarted 6 times within an hour",)))
    room = bound(database, tmp_path, script)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        assert "key-1 was restarted 6 times within an hour" in asked.why
        assert not (tmp_path / "cleared").exists()
        await said_yes(room, asked)
        while not (tmp_path / "cleared").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task
    assert script.begun == [("touch cleared", 1, True)]
    assert set(script.over) == {"touch cleared"}
    assert len([each for each in await room.facts() if isinstance(each, ApprovalAsked)]) == 1


async def test_a_no_to_passing_a_bound_leaves_the_change_out(database: Database, tmp_path: Path) -> None:
    room = bound(database, tmp_path, script := Script(says=lambda _attempt: Held(why=("too often",))))
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        await room.approvals.answer(asked.run, asked.step, allow=False, digest=asked.digest, by="ada", why="look first")
        await task
    assert not (tmp_path / "cleared").exists()
    assert script.begun == []
    assert any("look first" in detail for _, detail in (await verdicts(room)).values())


async def test_what_only_moves_targets_is_left_out_and_nothing_waits_for_it(database: Database, tmp_path: Path) -> None:
    script = Script(says=lambda _attempt: Held(why=("0 of 3 targets would be left",), asks=False))
    room = bound(database, tmp_path, script)
    await room.open()
    async with room.working() as task:
        await task
    found = await room.facts()
    assert not [each for each in found if isinstance(each, ApprovalAsked)]
    refused = [detail for verdict, detail in (await verdicts(room)).values() if verdict == "refused"]
    assert [each.startswith("0 of 3 targets would be left") for each in refused] == [True]


async def test_a_change_waits_for_another_run_and_is_made_then(database: Database, tmp_path: Path) -> None:
    script = Script()
    script.says = lambda _attempt: Occupied(why="run-9 changes shop") if script.looked < 4 else Begun()
    room = bound(database, tmp_path, script)
    await room.open()
    async with room.working() as task:
        while not (tmp_path / "cleared").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task
    assert script.looked >= 4
    assert script.begun == [("touch cleared", 1, False)]


DOWN = """---
title: Slow
alert: HighLatency
---

# Slow

## Remedy

1. Look.
   ```bash {expect=up on-failure=continue}
   cat state
   ```
2. Make room.
   ```bash {when=down}
   touch cleared
   ```
"""


async def test_who_waited_looks_afresh_and_leaves_alone_what_is_well_by_then(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("down\n")
    script = Script()

    def says(_attempt: Attempt) -> Standing:
        if script.looked < 3:
            return Occupied(why="run-9 changes shop")
        (tmp_path / "state").write_text("up\n")
        return Begun()

    script.says = says
    room = bound(database, tmp_path, script, DOWN)
    await room.open()
    async with room.working() as task:
        await room.recover()
        await task
    assert not (tmp_path / "cleared").exists()
    assert script.begun == []
    assert any("the failure went away" in detail for _, detail in (await verdicts(room)).values())


async def test_a_failed_change_is_not_repeated_beyond_the_bound(database: Database, tmp_path: Path) -> None:
    text = TOUCH.replace('{verify="test -e cleared"}', "{retries=5}").replace("touch cleared", "touch nowhere/cleared")
    script = Script(says=lambda attempt: Begun() if attempt.number < 3 else Held(why=("too often",)))
    room = bound(database, tmp_path, script, text)
    await room.open()
    async with room.working() as task:
        await task
    assert [number for _, number, _ in script.begun] == [1, 2]


TWO = TOUCH.replace(
    'verify="test -e cleared"', 'verify="test -e cleared" rollback="touch back" on-failure=continue'
) + (
    """2. Go on.
   ```bash
   touch more
   ```
"""
)


async def test_callers_that_fare_worse_have_the_change_taken_back_and_the_run_stops(
    database: Database, tmp_path: Path
) -> None:
    def worse(attempt: Attempt) -> str:
        return "orders: 40.0 % of 500 requests are good" if "cleared" in " ".join(attempt.calls[0]) else ""

    room = bound(database, tmp_path, script := Script(worse=worse), TWO.replace(" on-failure=continue", ""))
    await room.open()
    async with room.working() as task:
        await task
    assert (tmp_path / "cleared").exists()
    assert (tmp_path / "back").exists()
    assert not (tmp_path / "more").exists()
    assert [each.outcome for each in await room.facts() if isinstance(each, RunEnded)] == ["failed"]
    assert [command for command, _, _ in script.begun] == ["touch cleared", "touch back"]


async def test_without_worse_numbers_nothing_is_taken_back(database: Database, tmp_path: Path) -> None:
    room = bound(database, tmp_path, Script(), TWO)
    await room.open()
    async with room.working() as task:
        while not (tmp_path / "more").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task
    assert not (tmp_path / "back").exists()


TOLD = """---
title: Slow
alert: HighLatency
---

# Slow

## Diagnosis

1. Tell level 2.
   <!-- {action=escalate level=2} -->
2. Look.
   ```bash {expect=up}
   cat state
   ```
"""


@pytest.mark.parametrize(("state", "outcome"), [("up", "cured"), ("down", "escalated")])
async def test_a_level_that_was_only_told_does_not_make_a_cure_a_failure(
    database: Database, tmp_path: Path, state: str, outcome: str
) -> None:
    (tmp_path / "state").write_text(state)
    room = bound(database, tmp_path, Script(), TOLD)
    await room.open()
    async with room.working() as task:
        if state == "up":
            await room.recover()
        await task
    found = await room.facts()
    assert [each.level for each in found if isinstance(each, EscalationAsked)] == [2]
    assert [each.outcome for each in found if isinstance(each, RunEnded)] == [outcome]
