"""Answers a run's questions from a file; what the file does not answer needs a person."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import yaml

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent.approval import Refused, request_text
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import (
    AfterFailure,
    ApprovalRequest,
    Approved,
    Choice,
    Denied,
    ManualDone,
    NeedsPersonError,
    NobodyThereError,
    Place,
    StepEnded,
)
from stationmaster.runbooks.terminal.pending import SecondPerson
from stationmaster.runbooks.transcript.questions import (
    Question,
    approval_question,
    failure_question,
    manual_question,
    value_question,
)
from stationmaster.runtime.db import utc_now


class ApprovalAnswer(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Allows one asking of `step` when `named` is what is asked for; `digest`, where given, pins the exact command.
    `deny` skips the step with that reason."""

    step: str
    named: str = ""
    digest: str = ""
    code: str = ""
    deny: str = ""


class ManualAnswer(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    step: str
    verdict: Literal["passed", "failed", "skipped"]
    why: str = ""


class FailureAnswer(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    step: str
    do: Literal["retry", "go-on", "stop"]
    why: str = ""


class AnswersFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    by: str = ""
    approvals: tuple[ApprovalAnswer, ...] = ()
    values: dict[str, str | int | float | bool] = {}
    manual: tuple[ManualAnswer, ...] = ()
    after_failure: tuple[FailureAnswer, ...] = ()


_Stepped = TypeVar("_Stepped", ApprovalAnswer, ManualAnswer, FailureAnswer)


def read_answers(path: Path) -> AnswersFile:
    hint = "see docs/runbooks-run.md for what a file of answers holds"
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=AnswersFile)
    except OSError as error:
        raise PlatformError("answers-unreadable", f"{path}: {error.strerror}", hint=hint, status=404) from error
    except (msgspec.DecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise PlatformError("answers-broken", f"{path}: {' '.join(str(error).split())}", hint=hint) from error


class Answers:
    """Each answer is given once, in the order of the file; `tell` hears every question."""

    def __init__(
        self, file: AnswersFile, *, by: str, second_person: SecondPerson, tell: Callable[[Question], None]
    ) -> None:
        self._by = file.by or by
        self._values = file.values
        self._approvals = list(file.approvals)
        self._manual = list(file.manual)
        self._failures = list(file.after_failure)
        self._second_person = second_person
        self._tell = tell

    async def approve(self, request: ApprovalRequest) -> Approved | Denied:
        answer = self._approval(request)
        waiting = request_text(self._second_person.ask(request)) if request.second_person else ""
        problem, by = "", self._by
        if request.second_person and answer is not None and not answer.deny:
            checked = self._second_person.check(request, answer.code) if answer.code else Refused(why="it has no code")
            problem, by = (checked.why, by) if isinstance(checked, Refused) else ("", checked.by)
        self._tell(approval_question(request, at=utc_now(), answered=answer is not None and not problem, line=waiting))
        if answer is None:
            raise NeedsPersonError(f"step {request.step.key} wants an approval naming {request.named}")
        if answer.deny:
            return Denied(why=answer.deny)
        if problem:
            raise NeedsPersonError(f"step {request.step.key}: the code was not taken: {problem}")
        return Approved(by=by, code=answer.code)

    async def fill(self, place: Place, problem: str = "") -> str | None:
        value = self._values.get(place.name, self._values.get(place.written))
        self._tell(value_question(place, problem, at=utc_now(), answered=value is not None and not problem))
        if problem:
            raise NeedsPersonError(f"the value given for {place.written} was refused: {problem}")
        if value is None:
            raise NeedsPersonError(f"nothing says what {place.written} is in `{place.used_in}`")
        return _as_text(value)

    async def work_by_hand(self, step: PlannedStep) -> ManualDone:
        answer = _taken(self._manual, step.key)
        self._tell(manual_question(step, at=utc_now(), answered=answer is not None))
        if answer is None:
            raise NobodyThereError(f"step {step.key} has to be done or judged by a person: {step.title}")
        return ManualDone(verdict=Verdict(answer.verdict), why=answer.why, by=self._by)

    async def after_failure(self, step: PlannedStep, ended: StepEnded) -> Choice:
        answer = _taken(self._failures, step.key)
        self._tell(failure_question(step, ended, at=utc_now(), answered=answer is not None))
        if answer is None:
            raise NeedsPersonError(f"step {step.key} failed, and nothing says how to go on: {ended.why}")
        return Choice(what=AfterFailure(answer.do), why=answer.why, by=self._by)

    def _approval(self, request: ApprovalRequest) -> ApprovalAnswer | None:
        for answer in self._approvals:
            fits = answer.deny or (answer.named == request.named and answer.digest in {"", request.digest})
            if answer.step == request.step.key and fits:
                self._approvals.remove(answer)
                return answer
        return None


def _taken(answers: list[_Stepped], step: str) -> _Stepped | None:
    found = next((answer for answer in answers if answer.step == step), None)
    if found is not None:
        answers.remove(found)
    return found


def _as_text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
