"""What a run told, as documents for programs: one struct for each event, tagged by `event`."""

import dataclasses
from datetime import datetime
from typing import Any, TypeAlias, assert_never

import msgspec

from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.talk import (
    OutputSeen,
    RunEvent,
    RunFinished,
    RunOpened,
    StepBegan,
    StepEnded,
    Waiting,
)
from stationmaster.runbooks.transcript.words import command_of
from stationmaster.runbooks.values import BoundPlace


class PlaceDocument(msgspec.Struct, kw_only=True, frozen=True):
    """A place of a command as the runbook writes it; `value` is null while nothing gives one, and for a secret."""

    written: str
    name: str
    source: str
    told: str
    value: str | None


class StepDocument(msgspec.Struct, kw_only=True, frozen=True):
    """One step of the plan. `lines` of the runbook, "3" or "3-7"; `asks` why it will ask a person, empty where it
    runs by itself; `session` the command that opened the session it belongs to."""

    step: str
    title: str
    lines: str
    kind: str
    risk: str
    command: str = ""
    why: str = ""
    refusal: str = ""
    asks: str = ""
    second_person: bool = False
    timeout_s: float = 0.0
    section: str = ""
    session: str = ""
    cautions: tuple[str, ...] = ()
    rollback: str = ""
    places: tuple[PlaceDocument, ...] = ()


class EndDocument(msgspec.Struct, kw_only=True, frozen=True):
    """How a step ended. `verdict` is passed, failed, skipped, refused or manual; `output` holds head and tail."""

    at: datetime
    step: str
    verdict: str
    why: str
    command: str = ""
    exit_status: int | None = None
    output: str = ""
    took_ms: int = 0
    attempts: int = 1
    by: str = ""


class Opened(msgspec.Struct, kw_only=True, frozen=True, tag_field="event", tag="opened"):
    """The first event. `ended` are steps that had ended before the run was resumed."""

    at: datetime
    run: str
    runbook: str
    digest: str
    service: str
    instance: str
    resumed: bool
    steps: tuple[StepDocument, ...]
    ended: tuple[EndDocument, ...]


class Began(msgspec.Struct, kw_only=True, frozen=True, tag_field="event", tag="began"):
    at: datetime
    step: str
    command: str
    attempt: int


class Output(msgspec.Struct, kw_only=True, frozen=True, tag_field="event", tag="output"):
    """A piece of output as it came; `error` for standard error."""

    at: datetime
    step: str
    text: str
    error: bool


class Ended(EndDocument, kw_only=True, frozen=True, tag_field="event", tag="ended"):
    """A step ended."""


class WaitingFor(msgspec.Struct, kw_only=True, frozen=True, tag_field="event", tag="waiting"):
    at: datetime
    step: str
    why: str
    until: datetime


class Finished(msgspec.Struct, kw_only=True, frozen=True, tag_field="event", tag="finished"):
    """The last event. `outcome` is cured, escalated, aborted and whatever else the run's own words are."""

    at: datetime
    run: str
    outcome: str
    why: str


EventDocument: TypeAlias = Opened | Began | Output | Ended | WaitingFor | Finished


def document_of(event: RunEvent) -> EventDocument:
    match event:
        case RunOpened():
            return _opened(event)
        case StepBegan():
            return Began(at=event.at, step=event.step, command=event.command, attempt=event.attempt)
        case OutputSeen():
            return Output(at=event.at, step=event.step, text=event.text, error=event.error)
        case StepEnded():
            return Ended(**_end_fields(event))
        case Waiting():
            return WaitingFor(at=event.at, step=event.step, why=event.why, until=event.until)
        case RunFinished():
            return Finished(at=event.at, run=event.run, outcome=event.outcome.value, why=event.why)
        case _:
            assert_never(event)


def step_document(step: PlannedStep) -> StepDocument:
    return StepDocument(
        step=step.key,
        title=step.title,
        lines=str(step.lines),
        kind=step.kind.value,
        risk=step.risk.value,
        command=command_of(step),
        why=step.why,
        refusal=step.refusal,
        asks=step.asks,
        second_person=step.second_person,
        timeout_s=step.timeout_s,
        section=step.section,
        session=step.session,
        cautions=tuple(caution.text for caution in step.cautions),
        rollback=step.rollback,
        places=tuple(_place(place) for place in step.places),
    )


def _place(place: BoundPlace) -> PlaceDocument:
    value = None if place.secret else place.value
    return PlaceDocument(
        written=place.written, name=place.name, source=place.source.value, told=place.told, value=value
    )


def steps_of(plan: Plan) -> tuple[StepDocument, ...]:
    return tuple(step_document(step) for step in plan.steps)


def _opened(event: RunOpened) -> Opened:
    plan = event.plan
    return Opened(
        at=event.at,
        run=event.run,
        runbook=plan.runbook,
        digest=plan.digest,
        service=plan.service,
        instance=plan.instance,
        resumed=event.resumed,
        steps=steps_of(plan),
        ended=tuple(end_document(each) for each in event.ended),
    )


def end_document(event: StepEnded) -> EndDocument:
    return EndDocument(**_end_fields(event))


def _end_fields(event: StepEnded) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(event))
    return {name: getattr(event, name) for name in names} | {"verdict": event.verdict.value}
