"""What a run asks of a person, as a document for programs."""

from datetime import datetime

import msgspec

from stationmaster.runbooks.plan.planned import PlannedStep
from stationmaster.runbooks.talk import ApprovalRequest, Place, StepEnded
from stationmaster.runbooks.transcript.events import EndDocument, StepDocument, end_document, step_document


class Question(msgspec.Struct, kw_only=True, frozen=True, tag_field="event", tag="question"):
    """`ask` is approval, value, manual or after-failure; `answered` says whether the answers given held one.

    For an approval `named` is what the answer has to name, `digest` binds it, and `request` is the line for the
    second person where one is wanted. For a value `place` is the place as the runbook writes it, `command` where it
    is used."""

    at: datetime
    ask: str
    answered: bool
    step: str = ""
    command: str = ""
    risk: str = ""
    why: tuple[str, ...] = ()
    named: str = ""
    digest: str = ""
    expires_at: datetime | None = None
    second_person: bool = False
    request: str = ""
    place: str = ""
    name: str = ""
    pattern: str = ""
    choices: tuple[str, ...] = ()
    problem: str = ""
    planned: StepDocument | None = None
    ended: EndDocument | None = None


def approval_question(request: ApprovalRequest, *, at: datetime, answered: bool, line: str = "") -> Question:
    return Question(
        at=at,
        ask="approval",
        answered=answered,
        step=request.step.key,
        command=request.command,
        risk=request.risk.value,
        why=request.why,
        named=request.named,
        digest=request.digest,
        expires_at=request.expires_at,
        second_person=request.second_person,
        request=line,
    )


def value_question(place: Place, problem: str, *, at: datetime, answered: bool) -> Question:
    return Question(
        at=at,
        ask="value",
        answered=answered,
        command=place.used_in,
        place=place.written,
        name=place.name,
        pattern=place.pattern,
        choices=place.choices,
        problem=problem,
    )


def manual_question(step: PlannedStep, *, at: datetime, answered: bool) -> Question:
    return Question(at=at, ask="manual", answered=answered, step=step.key, planned=step_document(step))


def failure_question(step: PlannedStep, ended: StepEnded, *, at: datetime, answered: bool) -> Question:
    return Question(
        at=at,
        ask="after-failure",
        answered=answered,
        step=step.key,
        planned=step_document(step),
        ended=end_document(ended),
    )
