from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent.approval import Approver, Granted, Refused, read_request, request_text, sign
from stationmaster.runbooks.talk import ApprovalRequest, Approved
from stationmaster.runbooks.terminal.pending import SecondPerson
from tests.runbooks.terminal.sample import DESTROY, MOMENT, at, request

KEY = Ed25519PrivateKey.generate()
GRACE = Approver(name="grace", key=KEY.public_key().public_bytes_raw())


def second(folder: Path, now: Callable[[], datetime] = lambda: MOMENT) -> SecondPerson:
    return SecondPerson(folder=folder, runbook="Volume full", approvers=lambda: [GRACE], now=now)


def answer(person: SecondPerson, asked: ApprovalRequest) -> Approved:
    pasted = read_request(request_text(person.ask(asked)))
    return Approved(by="grace", code=sign(pasted, KEY))


def test_a_code_is_taken_once(tmp_path: Path) -> None:
    person, asked = second(tmp_path), request(DESTROY)
    approved = answer(person, asked)
    assert person.check(asked, approved.code) == Granted(by="grace")
    assert person.redeem(asked, approved, MOMENT) == ""
    assert "no request waits" in person.redeem(asked, approved, MOMENT)


def test_a_request_outlives_the_process_that_asked(tmp_path: Path) -> None:
    approved = answer(second(tmp_path), request(DESTROY))
    later = request(DESTROY, expires_at=at(1200))
    assert second(tmp_path).redeem(later, approved, MOMENT) == ""


def test_a_wrong_code_leaves_the_request_waiting(tmp_path: Path) -> None:
    person, asked = second(tmp_path), request(DESTROY)
    approved = answer(person, asked)
    assert person.redeem(asked, replace(approved, code="x" * 96), MOMENT)
    told_why = replace(asked, why=("the code was not taken", *asked.why))
    assert person.ask(told_why).nonce == person.ask(asked).nonce
    assert person.redeem(told_why, approved, MOMENT) == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"command": "rm -rf /"},
        {"digest": "ef" * 32},
        {"named": "db-1"},
        {"run": "another"},
        {"requested_by": "eve"},
        {"step": replace(DESTROY, key="2.1")},
    ],
)
def test_a_code_for_one_question_answers_no_other(tmp_path: Path, changed: dict[str, object]) -> None:
    person = second(tmp_path)
    approved = answer(person, request(DESTROY))
    other = replace(request(DESTROY), **changed)  # type: ignore[arg-type]
    assert isinstance(person.check(other, approved.code), Refused)
    person.ask(other)
    assert isinstance(person.check(other, approved.code), Refused)


def test_the_one_who_signed_is_the_one_who_approved(tmp_path: Path) -> None:
    person, asked = second(tmp_path), request(DESTROY)
    approved = replace(answer(person, asked), by="eve")
    assert "signed by grace" in person.redeem(asked, approved, MOMENT)


def test_a_request_expires_and_the_next_asking_is_a_new_one(tmp_path: Path) -> None:
    now = MOMENT
    person, asked = second(tmp_path, lambda: now), request(DESTROY)
    approved = answer(person, asked)
    now = at(900)
    assert "expired" in person.redeem(asked, approved, now)
    fresh = person.ask(request(DESTROY, expires_at=at(1800)))
    assert fresh.expires_at == at(1800)
    assert isinstance(person.check(request(DESTROY, expires_at=at(1800)), approved.code), Refused)


def test_a_list_that_cannot_be_read_grants_nothing(tmp_path: Path) -> None:
    def nobody() -> list[Approver]:
        raise PlatformError("no-approvers", "nobody may approve")

    approved = answer(second(tmp_path), request(DESTROY))
    person = SecondPerson(folder=tmp_path, runbook="Volume full", approvers=nobody, now=lambda: MOMENT)
    assert person.redeem(request(DESTROY), approved, MOMENT) == "nobody may approve"


def test_a_waiting_request_is_for_its_owner_alone(tmp_path: Path) -> None:
    second(tmp_path / "requests").ask(request(DESTROY))
    [file] = (tmp_path / "requests").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_is_asked_anew(tmp_path: Path) -> None:
    person = second(tmp_path)
    person.ask(request(DESTROY))
    [file] = tmp_path.iterdir()
    file.write_bytes(b"\xff\x00")
    approved = answer(person, request(DESTROY))
    assert person.redeem(request(DESTROY), approved, MOMENT) == ""
