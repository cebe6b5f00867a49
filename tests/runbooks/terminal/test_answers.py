import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.alone import NeedsPersonError
from stationmaster.runbooks.consent.approval import Approver, read_request, sign
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.talk import AfterFailure, Approved, Choice, Denied, ManualDone, StepEnded
from stationmaster.runbooks.terminal.answers import Answers, read_answers
from stationmaster.runbooks.terminal.json_lines import JsonLines
from stationmaster.runbooks.terminal.pending import SecondPerson
from stationmaster.runtime.db import utc_now
from tests.runbooks.terminal.sample import CHANGE, DESTROY, HAND, at, place, request

KEY = Ed25519PrivateKey.generate()
GRACE = Approver(name="grace", key=KEY.public_key().public_bytes_raw())
FAILED = StepEnded(at=at(1), step="1.2", verdict=Verdict.FAILED, why="no")


class Asked:
    """Answers of a file, and what was told of the questions."""

    def __init__(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "answers.yaml"
        file.write_text(text)
        self.stream = io.StringIO()
        second = SecondPerson(folder=tmp_path, runbook="Volume full", approvers=lambda: [GRACE])
        self.answers = Answers(read_answers(file), by="ada", second_person=second, tell=JsonLines(self.stream).asked)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


def soon() -> Any:
    return utc_now() + timedelta(minutes=15)


async def test_an_approval_names_its_target_and_is_given_once(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "approvals:\n- {step: '1.2', named: db-0}\n")
    assert await asked.answers.approve(request(expires_at=soon())) == Approved(by="ada")
    with pytest.raises(NeedsPersonError, match="naming db-0"):
        await asked.answers.approve(request(expires_at=soon()))
    assert [each["answered"] for each in asked.told()] == [True, False]


@pytest.mark.parametrize(
    "line", ["{step: '1.2', named: db-1}", "{step: '1', named: db-0}", "{step: '1.2', named: db-0, digest: ff}"]
)
async def test_an_approval_of_something_else_is_none(tmp_path: Path, line: str) -> None:
    asked = Asked(tmp_path, f"approvals:\n- {line}\n")
    with pytest.raises(NeedsPersonError):
        await asked.answers.approve(request(expires_at=soon()))


async def test_a_step_is_denied_with_a_reason(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "approvals:\n- {step: '1.2', deny: not today}\n")
    assert await asked.answers.approve(request(expires_at=soon())) == Denied(why="not today")


async def test_what_destroys_stops_with_a_request_and_goes_on_with_its_code(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "approvals:\n- {step: '2', named: db-0}\n")
    with pytest.raises(NeedsPersonError, match="no code"):
        await asked.answers.approve(request(DESTROY, expires_at=soon()))
    [question] = asked.told()
    code = sign(read_request(question["request"]), KEY)
    again = Asked(tmp_path, f"approvals:\n- {{step: '2', named: db-0, code: {code}}}\n")
    assert await again.answers.approve(request(DESTROY, expires_at=soon())) == Approved(by="grace", code=code)


async def test_values_are_given_and_a_refused_one_needs_a_person(tmp_path: Path) -> None:
    asked = Asked(tmp_path, "values: {pod: db-0}\n")
    assert await asked.answers.fill(place()) == "db-0"
    with pytest.raises(NeedsPersonError, match="refused"):
        await asked.answers.fill(place(), "it does not match")
    empty = Asked(tmp_path, "values: {other: x}\n")
    with pytest.raises(NeedsPersonError, match="<pod>"):
        await empty.answers.fill(place())


async def test_a_value_is_found_as_the_runbook_writes_it(tmp_path: Path) -> None:
    assert await Asked(tmp_path, 'values: {"<pod>": 7}\n').answers.fill(place()) == "7"


async def test_steps_by_hand_and_failures_are_answered(tmp_path: Path) -> None:
    asked = Asked(
        tmp_path,
        "by: ben\nmanual:\n- {step: '3', verdict: passed, why: told them}\n"
        "after_failure:\n- {step: '1.2', do: go-on, why: known}\n",
    )
    assert await asked.answers.work_by_hand(HAND) == ManualDone(verdict=Verdict.PASSED, why="told them", by="ben")
    assert await asked.answers.after_failure(CHANGE, FAILED) == Choice(what=AfterFailure.GO_ON, why="known", by="ben")
    with pytest.raises(NeedsPersonError):
        await asked.answers.work_by_hand(HAND)
    with pytest.raises(NeedsPersonError):
        await asked.answers.after_failure(CHANGE, FAILED)


@pytest.mark.parametrize("text", ["approvals: x", "values: [", "manual:\n- {step: '1', verdict: maybe}", "who: me"])
def test_a_broken_file_is_refused_with_a_hint(tmp_path: Path, text: str) -> None:
    with pytest.raises(PlatformError) as caught:
        Asked(tmp_path, text)
    assert caught.value.hint
