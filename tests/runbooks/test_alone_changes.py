"""Changes of a run without a server: who is asked, what a yes covers, what is verified, rolled back and repeated."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stationmaster.runbooks.alone import plan_alone
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.run import Outcome
from stationmaster.runbooks.talk import AfterFailure, ApprovalRequest, Approved
from tests.runbooks.people import CHANGE, Person, alone, fence, listed, request, run


async def test_a_change_asks_is_made_once_and_is_verified(tmp_path: Path) -> None:
    person = Person()
    finished = await run(CHANGE, tmp_path, person)
    assert finished.outcome is Outcome.CURED
    assert (tmp_path / "canary").read_text() == "yes\n"
    asked = person.requests[0]
    assert (asked.command, asked.named, asked.risk.value) == ("echo yes >> canary", "canary", "change")
    assert len(asked.digest) == 64
    assert asked.expires_at - datetime.now(UTC) < timedelta(minutes=15)
    assert person.ended("1").by == "ann"


async def test_a_change_that_is_not_approved_is_not_made(tmp_path: Path) -> None:
    person = Person(yes=False)
    await run(CHANGE, tmp_path, person)
    assert not (tmp_path / "canary").exists()
    assert person.verdicts() == {"1": "skipped", "1v": "skipped"}


POLICIES = [
    (Policy(changes=True), 0),
    (Policy(steps=("1",)), 0),
    (Policy(programs=("echo",)), 1),
    (Policy(programs=("kubectl",)), 1),
    (Policy(steps=("2",)), 1),
    (Policy(), 1),
]


@pytest.mark.parametrize(("policy", "asked"), POLICIES)
async def test_the_policy_says_what_is_not_asked(policy: Policy, asked: int, tmp_path: Path) -> None:
    person = Person()
    await run(CHANGE, tmp_path, person, policy=policy)
    assert len(person.requests) == asked
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "text",
    [
        fence("rm canary"),
        fence("pr canary"),
        fence("touch canary", "second-person=yes"),
        "# T\n\n## Steps\n\n1. If the moon is full, touch it:\n   ```bash\n   touch canary\n   ```\n",
    ],
)
async def test_a_general_yes_never_covers_what_is_more_than_a_plain_change(text: str, tmp_path: Path) -> None:
    person = Person(yes=False)
    await run(text, tmp_path, person, policy=Policy(changes=True, steps=("1",), programs=("rm", "touch")))
    assert len(person.requests) == 1
    assert not (tmp_path / "canary").exists()


async def test_after_a_verification_that_failed_a_general_yes_holds_no_more(tmp_path: Path) -> None:
    text = fence("touch first", 'verify="test -e other" on-failure=continue wait=1s')
    text += "2. Go on.\n   ```bash\n   touch canary\n   ```\n"
    person = Person(yes=False)
    await run(text, tmp_path, person, policy=Policy(changes=True))
    assert [each.step.key for each in person.requests] == ["2"]
    assert "the verification of step 1 before it failed" in " ".join(person.requests[0].why)
    assert not (tmp_path / "canary").exists()


async def test_a_change_is_tried_as_often_as_its_document_says(tmp_path: Path) -> None:
    text = fence("echo x >> tries && test $(wc -l < tries) -ge 3", "retries=3")
    person = Person()
    assert (await run(text, tmp_path, person)).outcome is Outcome.PASSED
    assert (tmp_path / "tries").read_text() == "x\n" * 3
    assert (person.ended("1").attempts, len(person.requests)) == (3, 1)


async def test_what_the_document_forbids_never_runs(tmp_path: Path) -> None:
    text = "# T\n\n## Steps\n\n```bash\n# DO NOT RUN in production\ntouch canary\n```\n"
    person = Person()
    asked = request(text, tmp_path)
    if not any(each.refusal for each in plan_alone(asked).steps):
        pytest.skip("this reader keeps the warning elsewhere")
    await run(text, tmp_path, person, policy=Policy(changes=True))
    assert person.verdicts() == {"1": "refused"}
    assert not (tmp_path / "canary").exists()


SECOND = [
    (Person(second="bob", code="c1"), "", True),
    (Person(second="ann", code="c1"), "nobody approves their own request", False),
    (Person(second="bob", code=""), "their code is missing", False),
    (Person(second="bob", code="wrong"), "that is no code of bob", False),
]


@pytest.mark.parametrize(("person", "problem", "done"), SECOND)
async def test_destroying_takes_two_people(person: Person, problem: str, done: bool, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("x")

    def check(_request: ApprovalRequest, answer: Approved, _now: datetime) -> str:
        return "" if answer.code == "c1" else "that is no code of bob"

    async with alone(tmp_path, person, check_second=check) as face:
        await face.start(request(fence("rm victim"), tmp_path))
    assert (tmp_path / "victim").exists() is not done
    assert all(each.second_person for each in person.requests)
    assert problem in " ".join(person.requests[-1].why)


async def test_a_code_is_good_once(tmp_path: Path) -> None:
    person = Person(second="bob", code="c1")
    async with alone(tmp_path, person, check_second=lambda *_: "") as face:
        for _ in range(2):
            (tmp_path / "victim").write_text("x")
            await face.start(request(fence("rm victim"), tmp_path))
    assert (tmp_path / "victim").exists()
    assert "this code has been used before" in person.requests[-1].why


async def test_without_anybody_to_check_codes_nothing_is_destroyed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("x")
    await run(fence("rm victim"), tmp_path, Person(second="bob", code="c1"))
    assert (tmp_path / "victim").exists()


async def test_an_approval_that_has_expired_is_asked_anew(tmp_path: Path) -> None:
    moment = [datetime.now(UTC)]

    class Slow(Person):
        async def approve(self, request):  # type: ignore[no-untyped-def]
            if not self.requests:
                moment[0] += timedelta(minutes=16)
            return await Person.approve(self, request)

    person = Slow()
    async with alone(tmp_path, person, now=lambda: moment[0]) as face:
        await face.start(request(CHANGE, tmp_path))
    assert len(person.requests) == 2
    assert "has expired" in person.requests[1].why[0]
    assert person.requests[0].digest == person.requests[1].digest
    assert (tmp_path / "canary").read_text() == "yes\n"


async def test_a_change_whose_verification_fails_is_rolled_back(tmp_path: Path) -> None:
    text = fence("echo bad > state", 'verify="grep -q good state" rollback="echo old > state" wait=1s')
    person = Person()
    finished = await run(text, tmp_path, person)
    assert (tmp_path / "state").read_text() == "old\n"
    assert finished.outcome is Outcome.FAILED
    assert "step 1 was rolled back" in finished.why
    assert person.verdicts() == {"1": "passed", "1v": "failed", "1r": "passed"}
    assert len(person.requests) == 1
    assert "taken back by: echo old > state" in person.requests[0].why


async def test_a_verified_change_is_not_rolled_back(tmp_path: Path) -> None:
    text = fence("echo good > state", 'verify="grep -q good state" rollback="echo old > state"')
    person = Person()
    assert (await run(text, tmp_path, person)).outcome is Outcome.CURED
    assert person.verdicts() == {"1": "passed", "1v": "passed", "1r": "skipped"}


@pytest.mark.parametrize(
    ("after", "outcome", "tries"),
    [
        ([AfterFailure.RETRY, AfterFailure.STOP], Outcome.FAILED, 2),
        ([AfterFailure.GO_ON], Outcome.FAILED, 1),
        ([AfterFailure.STOP], Outcome.FAILED, 1),
    ],
)
async def test_the_operator_decides_after_a_change_that_failed(
    after: list[AfterFailure], outcome: Outcome, tries: int, tmp_path: Path
) -> None:
    person = Person(after=list(after))
    text = listed("echo x >> canary && false", "echo last")
    finished = await run(text, tmp_path, person)
    assert finished.outcome is outcome
    assert (tmp_path / "canary").read_text() == "x\n" * tries
    assert ("2" in person.verdicts()) is (AfterFailure.GO_ON in after)


@pytest.mark.parametrize(("said", "ran"), [("continue", True), ("stop", False), ("escalate", False)])
async def test_the_document_says_what_a_failure_means(said: str, ran: bool, tmp_path: Path) -> None:
    text = fence("touch /no/such/place", f"on-failure={said}") + "2. B.\n   ```bash\n   echo last\n   ```\n"
    person = Person()
    finished = await run(text, tmp_path, person)
    assert ("2" in person.verdicts()) is ran
    assert person.failures == []
    assert (finished.outcome is Outcome.ESCALATED) is (said == "escalate")
