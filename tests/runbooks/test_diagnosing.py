"""Runs that find out what is wrong before they change anything, over a real store and real commands."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.core.facts import (
    Alert,
    ApprovalAsked,
    DiagnosisMade,
    ProposedRemedy,
    RunStepEnded,
)
from stationmaster.runbooks.commands.local import Ending, Order, Ran, run_locally
from stationmaster.runbooks.diagnosis.diagnosing import Answer, Around
from stationmaster.runbooks.diagnosis.rank import Number
from stationmaster.runtime.db import Database
from tests.runbooks.test_unattended import SLOW, Room, said_yes

GUIDE = """---
title: Guide
alert: HighLatency
---

# Guide

## Common issues

### 1. Callers get 503

**Symptoms:**
- 503 errors

**Diagnosis:**

1. Look at the upstreams.
   ```bash
   echo upstreams well
   ```

**Resolution:**

1. Scale up.
   ```bash
   echo more >> scaled
   ```

### 2. Calls are slow

**Symptoms:**
- Response times > 2 seconds

**Diagnosis:**

1. Look at the pool.
   ```bash
   echo pool 9 of 9
   ```
2. Look at one that is not known.
   ```bash
   cat <pool-name>
   ```
3. Look with a tool that is not here.
   ```bash
   kubectl get pods
   ```

**Resolution:**

1. Widen the pool.
   ```bash {verify="test -s widened"}
   echo <api> >> widened
   ```
2. Look whether that helped.
   ```bash
   cat widened
   ```
"""


class Finding(Room):
    """A room whose metrics say that calls are slow and nothing else is wrong."""

    def __init__(self, database: Database, folder: Path, text: str = GUIDE) -> None:
        super().__init__(database, folder, text)
        self.queries: list[str] = []
        self.ran: list[str] = []
        self.unattended = replace(self.unattended, ask=self.answer, around=self.look_around, runner=self.runner)
        self.room = replace(self.room, unattended=self.unattended)

    async def runner(
        self, order: Order, seen: Callable[[str, bool], None], *, stop: asyncio.Event | None = None
    ) -> Ran:
        self.ran.append(" ".join(order.argv))
        return await run_locally(order, seen, stop=stop)

    async def answer(self, query: str) -> Answer:
        self.queries.append(query)
        return (Number(value=4.0 if "duration" in query else 0.0, of="api orders"),)

    async def look_around(self, incident: int, fingerprint: str, labels: Mapping[str, str]) -> Around:
        assert (incident, fingerprint, labels["alertname"]) == (1, "slow", "HighLatency")
        other = Alert(fingerprint="o", labels={"alertname": "HighCpu"}, summary="", url="", starts_at=SLOW.starts_at)
        return Around(alerts=(other,), affected=("api billing: HighErrorRate fires (#2)",))

    async def diagnosis(self) -> DiagnosisMade:
        (found,) = [each for each in await self.facts() if isinstance(each, DiagnosisMade)]
        return found


async def test_a_run_tells_its_diagnosis_before_it_asks_for_the_likely_causes_remedy(
    database: Database, tmp_path: Path
) -> None:
    room = Finding(database, tmp_path)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        made = await room.diagnosis()
        assert (made.likely, made.run, made.fingerprint) == ("Calls are slow", "run-1", "slow")
        assert made.why.startswith("“Response times > 2 seconds”: the alert HighLatency tells of it (response time p95")
        assert [(each.title, each.ruled_out) for each in made.causes] == [
            ("Calls are slow", False),
            ("Callers get 503", True),
        ]
        assert [(each.title, each.verdict) for each in made.checks] == [
            ("Look at the upstreams.", "passed"),
            ("Look at the pool.", "passed"),
        ]
        assert any("nothing says what `<pool-name>` is" in each for each in made.unseen)
        assert any("Look with a tool" in each for each in made.unseen), made.unseen
        assert made.affected == ("api billing: HighErrorRate fires (#2)",)
        assert made.proposed == ProposedRemedy(
            step=asked.step, title=made.proposed.title if made.proposed else "", command="echo orders >> widened",
            asks="a yes: its class is change",
        )  # fmt: skip
        assert asked.command == "echo orders >> widened"
        await said_yes(room, asked)
        while not (tmp_path / "widened").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task
    assert not (tmp_path / "scaled").exists()
    assert all('api="orders"' in query for query in room.queries)
    kinds = [type(each).__name__ for each in await room.facts()]
    assert kinds.index("RunStarted") < kinds.index("DiagnosisMade") < kinds.index("RunStepEnded")


async def test_what_was_seen_a_moment_ago_is_not_run_twice_and_a_look_after_a_change_is_new(
    database: Database, tmp_path: Path
) -> None:
    room = Finding(database, tmp_path)
    await room.open()
    async with room.working() as task:
        await said_yes(room, await room.asked())
        while not (tmp_path / "widened").exists():
            await asyncio.sleep(0.02)
        await room.recover()
        await task
    assert room.ran.count("echo pool 9 of 9") == 1, "the diagnosis' look is the run's look"
    assert room.ran.count("echo upstreams well") == 2, "behind the change it is looked at anew"
    ended = {each.title: each for each in await room.facts() if isinstance(each, RunStepEnded)}
    assert ended["Look whether that helped."].verdict == "passed"
    assert ended["Scale up."].verdict == "skipped"
    assert "“Callers get 503” is ruled out: “503 errors”: error rate of api orders is 0%" in ended["Scale up."].detail


async def test_a_diagnosis_outlives_the_process_and_is_told_once(database: Database, tmp_path: Path) -> None:
    room = Finding(database, tmp_path)
    await room.open()
    async with room.working():
        before = await room.asked()
    queries = len(room.queries)
    async with room.working() as task:
        assert await room.asked() == before
        await said_yes(room, before)
        await room.recover()
        await task
    made = await room.diagnosis()
    assert [each.likely for each in await room.unattended.diagnoses(1)] == [made.likely]
    assert len(room.queries) == queries
    assert len([each for each in await room.facts() if isinstance(each, ApprovalAsked)]) == 1
    assert not (tmp_path / "scaled").exists()


async def test_one_slow_look_holds_nobody_up(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run comes back to it, and the diagnosis says that it did not see it."""
    monkeypatch.setattr("stationmaster.runbooks.diagnosis.diagnosing.LOOKS_S", 1.0)
    text = GUIDE.replace("echo pool 9 of 9", "sleep 5 && echo pool 9 of 9")
    room = Finding(database, tmp_path, text)
    await room.open()
    task = asyncio.create_task(room.room.work("run-1"))
    try:
        async with asyncio.timeout(60):
            while not any(isinstance(each, DiagnosisMade) for each in await room.facts()):
                await asyncio.sleep(0.1)
            made = await room.diagnosis()
            assert any("no end within 1 s; the run comes back to it" in each for each in made.unseen)
            assert made.likely == "Calls are slow"
            asked = await room.asked()
            ended = {each.title: each.verdict for each in await room.facts() if isinstance(each, RunStepEnded)}
            assert ended["Look at the pool."] == "passed"
            await room.approvals.answer(
                asked.run, asked.step, allow=False, digest=asked.digest, by="ada", why="not now"
            )
            await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_document_without_causes_tells_what_its_last_check_prints(database: Database, tmp_path: Path) -> None:
    text = """---
title: Slow
alert: HighLatency
---

# Slow

1. Look.
   ```bash
   echo 'likely cause: the sale'
   ```
2. Make room.
   ```bash
   echo <api> >> cleared
   ```
"""
    room = Finding(database, tmp_path, text)
    await room.open()
    async with room.working() as task:
        asked = await room.asked()
        made = await room.diagnosis()
        assert (made.likely, made.causes) == ("the sale", ())
        assert made.proposed is not None
        assert made.proposed.command == asked.command == "echo orders >> cleared"
        await room.recover()
        await task


LOGGED = """---
title: Guide
alert: HighLatency
---

# Guide

1. Read the log.
   ```bash
   stm instance logs orders-1 --tail 20
   ```
2. Ask it.
   ```bash
   sleep 0.4; echo asked
   ```
3. Scale up.
   ```bash
   echo more >> scaled
   ```
"""


class Logging(Finding):
    """Its instance writes into its log what is asked of it."""

    log = "(nothing yet)"

    async def runner(
        self, order: Order, seen: Callable[[str, bool], None], *, stop: asyncio.Event | None = None
    ) -> Ran:
        if order.argv[0] != "stm":
            found = await super().runner(order, seen, stop=stop)
            self.log = "it was asked"
            return found
        return Ran(ending=Ending.EXITED, exit_status=0, output=self.log, printed=self.log)


async def test_a_log_is_read_after_the_checks_that_it_tells_of(database: Database, tmp_path: Path) -> None:
    room = Logging(database, tmp_path, LOGGED)
    await room.open()
    async with room.working():
        await room.asked()
    checks = {each.title: each.detail for each in (await room.diagnosis()).checks}
    assert "it was asked" in checks["Read the log."], checks
