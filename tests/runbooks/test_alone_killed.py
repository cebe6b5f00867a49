"""A run that is killed at any instruction goes on, and what its verification can tell is never done twice."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.commands.processes import MARKER, marked
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.talk import StepEnded
from tests.runbooks.people import Person, alone, request

ROOT = Path(__file__).parents[2]
STEPS = """# Canary

## Steps

1. Look.
   ```bash {capture=FIRST}
   echo first
   ```
2. Change it.
   ```bash {verify="grep -q done canary"}
   echo done $FIRST >> canary
   ```
3. Look again.
   ```bash
   cat canary
   ```
"""
SLOW = STEPS.replace("echo done $FIRST >> canary", "touch begun && sleep 1.5 && echo done >> canary")
UNVERIFIED = STEPS.replace(' {verify="grep -q done canary"}', "")
WRITES = 8
"""More than such a run makes."""


@contextmanager
def started(folder: Path, text: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    (folder / "runbook.md").write_text(text)
    argv = [sys.executable, "-m", "tests.runbooks.worked_run", str(folder), *arguments]
    process = subprocess.Popen(argv, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.02)


async def resumed(folder: Path, person: Person) -> Outcome | None:
    """Goes on with the run that was left; None where the process died before there was one."""
    async with alone(folder, person) as face:
        runs = await face.runs()
        if not runs or runs[0].outcome is not None:
            return runs[0].outcome if runs else None
        return (await face.resume(runs[0].id)).outcome


def effects(folder: Path) -> int:
    canary = folder / "canary"
    return len(canary.read_text().splitlines()) if canary.exists() else 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES))
async def test_killed_at_any_write_the_change_is_made_exactly_once(number: int, when: str, tmp_path: Path) -> None:
    with started(tmp_path, STEPS, str(number), when) as process:
        await asyncio.to_thread(process.wait, 30)
    assert process.returncode == -signal.SIGKILL
    person = Person(manual=None)
    assert await resumed(tmp_path, person) is Outcome.CURED
    assert effects(tmp_path) == 1
    assert person.by_hand == []
    async with alone(tmp_path, Person()) as face:
        runs = await face.runs()
        ended = [each.step for each in await face.story(runs[0].id) if isinstance(each, StepEnded)]
    assert ended == ["1", "2", "2v", "3"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
async def test_ended_in_mid_change_what_still_runs_is_waited_for_and_not_done_again(
    number: signal.Signals, tmp_path: Path
) -> None:
    with started(tmp_path, SLOW) as process:
        await until((tmp_path / "begun").exists)
        os.kill(process.pid, number)
        process.wait()
        person = Person(manual=None)
        assert await resumed(tmp_path, person) is Outcome.CURED
    assert effects(tmp_path) == 1
    assert person.requests == []
    told = [each.why for each in person.events if isinstance(each, StepEnded) and each.step == "2"]
    assert all("it had happened before the interruption" in why for why in told)
    # A signal that can be handled may come to a busy process when the change is written down already.
    assert told or number is not signal.SIGKILL
    async with alone(tmp_path, Person()) as face:
        runs = await face.runs()
        ended = [each for each in await face.story(runs[0].id) if isinstance(each, StepEnded) and each.step == "2"]
    assert [each.verdict for each in ended] == [Verdict.PASSED]


async def test_killed_in_mid_change_with_the_command_it_is_done_again_under_the_same_approval(tmp_path: Path) -> None:
    with started(tmp_path, SLOW) as process:
        await until((tmp_path / "begun").exists)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kill_steps(tmp_path)
        person = Person(manual=None)
        assert await resumed(tmp_path, person) is Outcome.CURED
    assert effects(tmp_path) == 1
    assert person.commands()[0].startswith("touch begun")
    assert person.requests == []


SAID = [(Verdict.PASSED, 0, Outcome.PASSED), (Verdict.FAILED, 1, Outcome.PASSED), (Verdict.SKIPPED, 0, Outcome.PASSED)]


@pytest.mark.parametrize(("said", "more", "outcome"), SAID)
async def test_where_nothing_can_tell_a_person_is_asked(
    said: Verdict, more: int, outcome: Outcome, tmp_path: Path
) -> None:
    with started(tmp_path, UNVERIFIED, "4", "before") as process:
        await asyncio.to_thread(process.wait, 30)
    assert effects(tmp_path) == 1
    person = Person(manual=said)
    assert await resumed(tmp_path, person) is outcome
    assert effects(tmp_path) == 1 + more
    assert [each.title for each in person.by_hand] == ["Did this happen? echo done first >> canary"]


async def test_a_verification_that_passed_before_the_change_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "canary").write_text("done long ago\n")
    with started(tmp_path, STEPS, "3", "after") as process:
        await asyncio.to_thread(process.wait, 30)
    person = Person(manual=Verdict.PASSED)
    assert await resumed(tmp_path, person) is Outcome.CURED
    assert effects(tmp_path) == 1
    assert len(person.by_hand) == 1


async def test_nobody_there_leaves_the_doubt_for_later(tmp_path: Path) -> None:
    with started(tmp_path, UNVERIFIED, "4", "before") as process:
        await asyncio.to_thread(process.wait, 30)
    assert await resumed(tmp_path, Person(manual=None)) is Outcome.STOPPED
    assert effects(tmp_path) == 1
    async with alone(tmp_path, Person()) as face:
        with pytest.raises(PlatformError, match="was interrupted in step 2") as caught:
            await face.start(request(UNVERIFIED, tmp_path))
    assert caught.value.code == "run-interrupted"


async def test_while_a_process_holds_the_run_nobody_else_may_resume_it(tmp_path: Path) -> None:
    with started(tmp_path, SLOW) as process:
        await until((tmp_path / "begun").exists)
        async with alone(tmp_path, Person()) as face:
            runs = await face.runs()
            assert runs[0].held_by == process.pid
            with pytest.raises(PlatformError, match=f"process {process.pid}"):
                await face.resume(runs[0].id)
        assert await asyncio.to_thread(process.wait, 30) == 0
    assert effects(tmp_path) == 1


def kill_steps(folder: Path) -> None:
    """Ends what the killed run has started: everything that bears a marker and works in this folder."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment, cwd = (entry / "environ").read_bytes(), (entry / "cwd").resolve()
        except OSError:
            continue
        if f"{MARKER}=".encode() in environment and cwd == folder.resolve():
            os.kill(int(entry.name), signal.SIGKILL)


def test_markers_of_other_runs_are_left_alone() -> None:
    assert marked("no-run:1:1") == []
