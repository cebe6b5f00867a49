"""Runs for alerts that name no instance: safe steps by themselves, risky ones after a yes, nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stationmaster.core.facts import (
    Alert,
    AlertJoined,
    AlertRecovered,
    ApprovalAnswered,
    ApprovalAsked,
    EscalationAsked,
    Fact,
    IncidentOpened,
    RunDeclined,
    RunEnded,
    RunStepEnded,
)
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.consent.store import Approval
from stationmaster.runbooks.loop import CONSUMER, Runbooks
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.unattended import Unattended
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now
from tests.runbooks.world import MOMENT

SLOW = Alert(
    fingerprint="slow",
    labels={"alertname": "HighLatency", "api": "orders", "severity": "warning"},
    summary="orders are slow",
    url="",
    starts_at=MOMENT,
)
RUNBOOK = """---
title: Slow
alert: HighLatency
---

# Slow

## Diagnosis

1. Look.
   ```bash
   echo looking
   ```

## Remedy

1. Make room.
   ```bash {verify="test -s cleared"}
   echo <api> >> cleared
   ```
"""


class Room:
    """The room of runbooks over a real store and real commands."""

    def __init__(self, database: Database, folder: Path, text: str = RUNBOOK, *, policy: Policy | None = None) -> None:
        self.database = database
        self.approvals = Approvals(database=database)
        self.unattended = Unattended(
            database=database,
            approvals=self.approvals,
            spec=lambda: PlatformSpec(environment="sample"),
            env=lambda run: {"PATH": "/usr/bin:/bin", "STATIONMASTER_TOKEN": f"token-of-{run}"},
            folder=folder,
            now=utc_now,
            policy=policy or Policy(name="test"),
        )
        self.runbook = read(text)
        self.room = Runbooks(
            database=database,
            runbooks=lambda: [self.runbook],
            unattended=self.unattended,
        )

    async def open(self) -> None:
        await self.tell(IncidentOpened(at=MOMENT, incident=1, title="orders are slow", alert=SLOW))
        await outbox.drain(self.database, CONSUMER, self.room.handle)

    async def tell(self, fact: Fact) -> None:
        async with self.database.write() as connection:
            await outbox.append(connection, fact)

    async def recover(self) -> None:
        await self.tell(AlertRecovered(at=utc_now(), alert=SLOW, evidence="fast again"))
        await outbox.drain(self.database, CONSUMER, self.room.handle)

    @asynccontextmanager
    async def working(self) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(self.room.work("run-1"))
        try:
            async with asyncio.timeout(20):
                yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def asked(self) -> Approval:
        while not (found := await self.approvals.open()):
            await asyncio.sleep(0.02)
        return found[0]

    async def facts(self) -> list[Fact]:
        return await outbox.facts_since(self.database, MOMENT - timedelta(days=1))


def read(text: str) -> Runbook:
    return read_runbook(text, file="slow.md").runbook


async def said_yes(room: Room, asked: Approval, by: str = "ada") -> Approval:
    return await room.approvals.answer(asked.run, asked.step, allow=True, digest=asked.digest, by=by)


async def test_what_reads_runs_by_itself_and_what_changes_waits_for_a_yes_to_exactly_that(
    database: Database, tmp_path: Path
) -> None:
    room = Room(database, tmp_path)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        assert asked.command == "echo orders >> cleared"
        assert not (tmp_path / "cleared").exists()
        await said_yes(room, asked)
        while not (tmp_path / "cleared").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task
    found = await room.facts()
    steps = [(each.step, each.verdict) for each in found if isinstance(each, RunStepEnded)]
    assert [verdict for _, verdict in steps] == ["passed", "passed", "passed"]
    assert [each.command for each in found if isinstance(each, ApprovalAsked)] == ["echo orders >> cleared"]
    assert [(each.allowed, each.by) for each in found if isinstance(each, ApprovalAnswered)] == [(True, "ada")]
    assert [each.outcome for each in found if isinstance(each, RunEnded)] == ["cured"]
    assert (tmp_path / "cleared").read_text() == "orders\n"


async def test_a_no_leaves_the_step_out_and_asks_for_a_person(database: Database, tmp_path: Path) -> None:
    room = Room(database, tmp_path)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        await room.approvals.answer(
            asked.run, asked.step, allow=False, digest=asked.digest, by="ada", why="not in the sale"
        )
        await task
    found = await room.facts()
    assert not (tmp_path / "cleared").exists()
    assert [each.outcome for each in found if isinstance(each, RunEnded)] == ["escalated"]
    assert any(isinstance(each, EscalationAsked) for each in found)
    assert any("not in the sale" in each.detail for each in found if isinstance(each, RunStepEnded))


async def test_a_policy_lets_a_command_pass_by_its_first_words_alone(database: Database, tmp_path: Path) -> None:
    text = RUNBOOK.replace("echo <api> >> cleared", "touch cleared").replace("test -s", "test -e")
    room = Room(database, tmp_path, text, policy=Policy(name="test", commands=("touch cleared",)))
    await room.open()
    async with room.working() as task:
        while not (tmp_path / "cleared").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task
    assert not [each for each in await room.facts() if isinstance(each, ApprovalAsked)]


async def test_a_question_outlives_the_process_and_is_not_asked_twice(database: Database, tmp_path: Path) -> None:
    room = Room(database, tmp_path)
    await room.open()
    async with room.working():
        before = await room.asked()
    async with room.working() as task:
        assert await room.asked() == before
        await said_yes(room, before)
        await room.recover()
        await task
    assert len([each for each in await room.facts() if isinstance(each, ApprovalAsked)]) == 1
    assert (tmp_path / "cleared").read_text() == "orders\n"


async def test_a_question_that_nobody_need_answer_any_more_is_taken_back(database: Database, tmp_path: Path) -> None:
    room = Room(database, tmp_path)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        await room.recover()
        await task
        with pytest.raises(PlatformError, match=r"answered already|expired"):
            await said_yes(room, asked)
    found = await room.facts()
    assert [each.outcome for each in found if isinstance(each, RunEnded)] == ["cured"]
    assert not (tmp_path / "cleared").exists()


async def test_an_answer_to_another_command_counts_for_nothing(database: Database, tmp_path: Path) -> None:
    room = Room(database, tmp_path)
    await room.open()
    async with room.working():
        asked = await room.asked()
        with pytest.raises(PlatformError, match="asks something else by now"):
            await room.approvals.answer(asked.run, asked.step, allow=True, digest="0" * 64, by="ada")
        with pytest.raises(PlatformError, match="asks nothing"):
            await room.approvals.answer(asked.run, "9", allow=True, digest=asked.digest, by="ada")
        assert [each.digest for each in await room.approvals.open()] == [asked.digest]
    assert not (tmp_path / "cleared").exists()


async def test_what_destroys_wants_two_people(database: Database, tmp_path: Path) -> None:
    (tmp_path / "junk").mkdir()
    text = RUNBOOK.replace("echo <api> >> cleared", "rm -rf junk").replace("test -s cleared", "test ! -e junk")
    room = Room(database, tmp_path, text)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        assert asked.people == 2
        await said_yes(room, asked)
        with pytest.raises(PlatformError, match="ada has said yes already"):
            await said_yes(room, asked)
        assert (tmp_path / "junk").exists()
        await said_yes(room, asked, by="grace")
        while (tmp_path / "junk").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task


async def test_nobody_answers_and_the_run_goes_on_without_the_step(database: Database, tmp_path: Path) -> None:
    room = Room(database, tmp_path)
    late = timedelta()
    room.approvals = Approvals(database=database, now=lambda: utc_now() + late)
    room.unattended = replace(room.unattended, approvals=room.approvals)
    room.room = replace(room.room, unattended=room.unattended)
    await room.open()
    async with room.working() as task:
        await room.asked()
        late = timedelta(minutes=16)
        await task
    found = await room.facts()
    (answered,) = [each for each in found if isinstance(each, ApprovalAnswered)]
    assert not answered.allowed
    assert answered.why == "nobody said yes within 15 minutes"
    assert [each.outcome for each in found if isinstance(each, RunEnded)] == ["escalated"]


async def test_who_said_yes_to_what_destroys_may_still_say_no(database: Database, tmp_path: Path) -> None:
    (tmp_path / "junk").mkdir()
    text = RUNBOOK.replace("echo <api> >> cleared", "rm -rf junk").replace("test -s cleared", "test ! -e junk")
    room = Room(database, tmp_path, text)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        await said_yes(room, asked)
        answered = await room.approvals.answer(
            asked.run, asked.step, allow=False, digest=asked.digest, by="ada", why="the wrong folder"
        )
        assert (answered.allowed, answered.by) == (False, ("ada",))
        with pytest.raises(PlatformError, match="answered already"):
            await said_yes(room, asked, by="grace")
        await task
    assert (tmp_path / "junk").exists()


async def test_what_is_lent_to_a_run_is_let_go_when_it_has_been_worked(database: Database, tmp_path: Path) -> None:
    room, lent = Room(database, tmp_path), [""]
    lent.clear()

    def env(run: str) -> dict[str, str]:
        lent.append(run)
        return {"PATH": "/usr/bin:/bin"}

    room.unattended = replace(room.unattended, env=env, let_go=lent.remove, folder=tmp_path / "runs")
    room.room = replace(room.room, unattended=room.unattended)
    await room.open()
    assert lent == []
    async with room.working() as task:
        asked = await room.asked()
        assert lent == ["run-1"]
        await room.approvals.answer(asked.run, asked.step, allow=False, digest=asked.digest, by="ada")
        await task
    assert lent == []
    assert (tmp_path / "runs").stat().st_mode & 0o777 == 0o700


async def test_a_script_is_told_by_its_length_and_by_what_it_said(database: Database, tmp_path: Path) -> None:
    text = RUNBOOK.replace("   echo looking\n", "   if true; then\n     echo 'likely cause: the sale'\n   fi\n")
    room = Room(database, tmp_path / "made" / "when needed", text)
    await room.open()
    async with room.working() as task:
        await room.asked()
        await room.recover()
        await task
    told = [each.detail for each in await room.facts() if isinstance(each, RunStepEnded)]
    assert told[0] == "ran a script of 3 lines: saw 'likely cause: the sale'"
    assert len(told) == 2, "a verification of what was not done is no news"


async def test_two_alerts_about_one_api_are_worked_once(database: Database, tmp_path: Path) -> None:
    room = Room(database, tmp_path)
    await room.open()
    again = replace(SLOW, fingerprint="slower", labels={**SLOW.labels, "window": "6h"})
    await room.tell(AlertJoined(at=MOMENT, incident=1, alert=again, why="the same API", worked=True))
    await outbox.drain(room.database, CONSUMER, room.room.handle)
    assert [each.id for each in await room.room.open_runs()] == ["run-1"]
    assert [each.why for each in await room.facts() if isinstance(each, RunDeclined)] == [
        "'Slow' is worked there already, as run-1"
    ]
