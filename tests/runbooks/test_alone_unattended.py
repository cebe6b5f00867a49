"""Runs that nobody watches, runs that somebody does not want to wait for, and runs that stand open."""

import asyncio
import time
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.alone import Alone
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.talk import AfterFailure, ManualDone, NobodyThereError, RunEvent, StepBegan
from stationmaster.runbooks.transcript.markdown import as_markdown
from stationmaster.runbooks.transcript.story import gather
from tests.runbooks.people import Person, alone, fence, listed, request, run

JUDGED = """# T

## Steps

1. Verify that the word looks right.
   ```bash
   echo word
   ```
2. Look once more.
   ```bash
   echo more
   ```
"""
UNJUDGED_CHANGE = """# T

## Steps

1. Write it.
   ```bash
   echo a >> first
   ```
2. Verify that it looks right.
   ```bash
   cat first
   ```
3. Write more.
   ```bash
   echo b >> second
   ```
"""


class Empty(Person):
    """Where nobody sits: what only a person can judge is never judged."""

    async def work_by_hand(self, step: object) -> ManualDone:
        raise NobodyThereError("nobody is there")


class Impatient(Person):
    """Skips every step as soon as it runs."""

    face: Alone

    def told(self, event: RunEvent) -> None:
        self.events.append(event)
        if isinstance(event, StepBegan) and event.attempt == 1:
            asyncio.get_running_loop().call_later(0.2, self.face.skip, event.step, "ann")


async def test_where_nobody_is_there_what_only_a_person_can_judge_is_left_and_the_run_goes_on(tmp_path: Path) -> None:
    nobody = Empty()
    finished = await run(JUDGED, tmp_path, nobody)
    assert finished.outcome is Outcome.PASSED
    assert nobody.verdicts() == {"1": "manual", "2": "passed"}
    assert "nobody was there to judge it" in nobody.ended("1").why
    assert nobody.ended("1").output == "word\n"


async def test_a_command_that_fails_fails_its_step_whoever_is_there(tmp_path: Path) -> None:
    nobody = Empty()
    await run(JUDGED.replace("echo word", "cat missing"), tmp_path, nobody)
    assert nobody.verdicts()["1"] == "failed"


async def test_after_a_change_that_nobody_judged_no_other_is_made_unasked(tmp_path: Path) -> None:
    nobody = Empty(yes=False)
    await run(UNJUDGED_CHANGE, tmp_path, nobody, policy=Policy(changes=True))
    assert (tmp_path / "first").read_text() == "a\n"
    assert not (tmp_path / "second").exists()
    assert any("nobody was there to judge it" in why for why in nobody.requests[-1].why)


async def test_the_transcript_of_a_run_that_waits_for_a_judgement_says_so(tmp_path: Path) -> None:
    gone = Person(manual=None)
    async with alone(tmp_path, gone) as face:
        stopped = await face.start(request(JUDGED, tmp_path))
        told = await face.story((await face.runs())[0].id)
    assert stopped.outcome is Outcome.STOPPED
    note = as_markdown(gather(told))
    assert "| · was run, waits for a judgement |" in note
    assert "| · not reached |" in note
    assert any(getattr(each, "text", "") == "word\n" for each in told)


async def test_reads_that_hang_together_end_at_their_limit(tmp_path: Path) -> None:
    begun_at = time.monotonic()
    person = Person(after=[AfterFailure.GO_ON] * 4)
    text = "# T\n\n## Steps\n\n" + "".join(
        f"{number}. Look.\n   ```bash {{timeout=1s}}\n   sleep 60\n   ```\n" for number in range(1, 5)
    )
    await run(text, tmp_path, person)
    assert set(person.verdicts().values()) == {"failed"}
    assert time.monotonic() - begun_at < 10


async def test_a_look_that_takes_too_long_is_skipped_while_it_runs(tmp_path: Path) -> None:
    person = Impatient()
    async with alone(tmp_path, person) as face:
        person.face = face
        finished = await face.start(request(listed("sleep 60", "echo ok"), tmp_path))
    ended = person.ended("1")
    assert (ended.verdict, ended.by, finished.outcome) == (Verdict.SKIPPED, "ann", Outcome.PASSED)
    assert ended.took_ms < 20_000


async def test_a_step_that_waits_is_skipped_between_two_looks(tmp_path: Path) -> None:
    person = Impatient()
    async with alone(tmp_path, person) as face:
        person.face = face
        await face.start(request(fence("cat missing", "wait=1h"), tmp_path))
    assert person.ended("1").verdict is Verdict.SKIPPED


async def test_a_change_that_is_stopped_while_it_runs_has_failed_and_is_not_repeated(tmp_path: Path) -> None:
    person = Impatient()
    async with alone(tmp_path, person) as face:
        person.face = face
        finished = await face.start(request(fence("echo a >> made && sleep 60", "risk=change retries=3"), tmp_path))
    assert (tmp_path / "made").read_text() == "a\n"
    assert finished.outcome is Outcome.FAILED
    assert "stopped by hand while it ran" in person.ended("1").why


async def test_a_new_run_gives_up_an_open_one_only_when_told_to(tmp_path: Path) -> None:
    text = listed("echo a", "Call her.")
    async with alone(tmp_path, Person(manual=None)) as face:
        await face.start(request(text, tmp_path))
        open_one = await face.standing(request(text, tmp_path))
        assert open_one is not None
        with pytest.raises(PlatformError) as refusal:
            await face.start(request(text, tmp_path))
        assert refusal.value.code == "run-open"
        assert f"{open_one.id} of this runbook stands open: 1 of 2 steps have ended" in refusal.value.message
        assert await face.standing(request(text, tmp_path, host="elsewhere")) is None
        await face.start(request(text, tmp_path, anew=True))
        given_up = next(each for each in await face.runs() if each.id == open_one.id)
    assert (given_up.outcome, given_up.why) == (Outcome.ABORTED, "ann began a new run in its place")
