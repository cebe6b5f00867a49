"""An approval holds for what was approved, as long as was said, and for nothing that came after it."""

import os
import stat
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.talk import AfterFailure
from stationmaster.runtime.db import utc_now
from tests.runbooks.people import Person, alone, fence, listed, request, run
from tests.runbooks.test_alone_killed import resumed


@dataclass(slots=True, kw_only=True)
class Clock:
    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return utc_now() + self.ahead


async def stopped(text: str, folder: Path, person: Person, **more: object) -> str:
    """A run that stops at its step for a person; its id."""
    (folder / "runbook.md").write_text(text)
    async with alone(folder, person) as face:
        finished = await face.start(request(text, folder, **more))
        assert finished.outcome is Outcome.STOPPED
        return finished.run


async def test_a_runbook_that_was_edited_meanwhile_asks_again_whatever_the_policy(tmp_path: Path) -> None:
    text = listed("Stop here.", "touch canary")
    await stopped(text, tmp_path, Person(manual=None), policy=Policy(changes=True))
    (tmp_path / "runbook.md").write_text(text.replace("canary", "other"))
    person = Person()
    assert await resumed(tmp_path, person) is Outcome.PASSED
    assert (tmp_path / "canary").exists()
    assert "edited since this run began" in "; ".join(person.requests[0].why)


async def test_a_runbook_that_was_not_edited_keeps_its_policy(tmp_path: Path) -> None:
    await stopped(listed("Stop here.", "touch canary"), tmp_path, Person(manual=None), policy=Policy(changes=True))
    person = Person()
    assert await resumed(tmp_path, person) is Outcome.PASSED
    assert person.requests == []


@pytest.mark.parametrize(("ahead", "asked"), [(timedelta(), 0), (timedelta(minutes=16), 1), (timedelta(minutes=-5), 1)])
async def test_an_approval_holds_for_its_time_alone(ahead: timedelta, asked: int, tmp_path: Path) -> None:
    text = listed("touch begun && false")
    (tmp_path / "runbook.md").write_text(text)
    clock = Clock()
    person = Person(after=[AfterFailure.RETRY, AfterFailure.STOP])
    original = person.after_failure

    async def later(step: object, ended: object) -> object:
        clock.ahead = ahead
        return await original(step, ended)  # type: ignore[arg-type]

    person_with_clock = _Later(person, later)
    async with alone(tmp_path, person_with_clock, now=clock.now) as face:  # type: ignore[arg-type]
        await face.start(request(text, tmp_path))
    assert len(person.requests) == 1 + asked


class _Later:
    """A person whose answer to a failure comes when the clock says something else."""

    def __init__(self, person: Person, after_failure: object) -> None:
        self.told, self.approve, self.fill = person.told, person.approve, person.fill
        self.work_by_hand, self.after_failure = person.work_by_hand, after_failure


async def test_what_destroys_is_approved_for_one_time_alone(tmp_path: Path) -> None:
    person = Person(second="bob", code="c1", after=[AfterFailure.RETRY, AfterFailure.STOP])
    async with alone(tmp_path, person, check_second=lambda *_: "") as face:
        await face.start(request(fence("rm missing", "second-person=yes"), tmp_path))
    assert len(person.requests) > 1
    assert "this code has been used before" in "; ".join(person.requests[-1].why)


async def test_a_verification_of_a_declared_change_still_only_reads(tmp_path: Path) -> None:
    person = Person()
    finished = await run(fence("touch canary", 'risk=change verify="test -e canary"'), tmp_path, person)
    assert person.verdicts() == {"1": "passed", "1v": "passed"}
    assert finished.outcome is Outcome.CURED


async def test_a_document_cannot_call_what_destroys_reading(tmp_path: Path) -> None:
    (tmp_path / "victim").touch()
    person = Person(yes=False)
    await run(fence("rm victim", "risk=read"), tmp_path, person)
    assert person.requests[0].risk.value == "destroy"
    assert person.requests[0].second_person
    assert (tmp_path / "victim").exists()


async def test_nobody_else_may_look_into_the_journal_or_its_locks(tmp_path: Path) -> None:
    await run(listed("echo x"), tmp_path, Person())
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / ".runs").rglob("*")}
    assert modes["runs.db.locks"] == 0o700
    assert {mode for name, mode in modes.items() if name != "runs.db.locks"} == {0o600}
    assert stat.S_IMODE((tmp_path / ".runs").stat().st_mode) == 0o700


async def test_a_lock_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "locks").symlink_to(tmp_path / "theirs")
    with pytest.raises(PlatformError, match="belongs to somebody else"):
        async with alone(tmp_path, Person(), locks=tmp_path / "locks") as face:
            await face.start(request(listed("echo x"), tmp_path))


async def test_secret_labels_and_values_are_nowhere_in_the_journal(tmp_path: Path) -> None:
    text = listed('printf "%s\\n" "<api-token>" "<db-password>" $TEAM_SECRET', "touch canary-<db-password>")
    person = Person()
    await run(
        text,
        tmp_path,
        person,
        values={"api-token": "tok-hunter2hunter2"},
        labels={"db_password": "pw-hunter3hunter3"},
        env={**os.environ, "TEAM_SECRET": "env-hunter4hunter4"},
    )
    kept = b"".join(each.read_bytes() for each in (tmp_path / ".runs").rglob("*") if each.is_file())
    told = repr(person.events) + repr(person.requests)
    for secret in ("hunter2hunter2", "hunter3hunter3", "hunter4hunter4"):
        assert secret.encode() not in kept
        assert secret not in told


async def test_a_document_without_steps_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="no step"):
        await run("# T\n", tmp_path, Person())
