"""A run as one JSON document; docs/runbook-run.schema.json describes it."""

from datetime import datetime
from typing import Literal

import msgspec

from stationmaster.runbooks.transcript.events import (
    EndDocument,
    EventDocument,
    StepDocument,
    document_of,
    end_document,
    steps_of,
)
from stationmaster.runbooks.transcript.story import Story

FORMAT: Literal["stationmaster-run-1"] = "stationmaster-run-1"


class RunDocument(msgspec.Struct, kw_only=True, frozen=True):
    """`outcome` and `ended_at` are null while the run is open; `ends` is how each step ended, in the plan's order."""

    format: Literal["stationmaster-run-1"]
    run: str
    runbook: str
    digest: str
    service: str
    instance: str
    began_at: datetime
    ended_at: datetime | None
    outcome: str | None
    why: str
    sittings: int
    steps: tuple[StepDocument, ...]
    ends: tuple[EndDocument, ...]
    events: tuple[EventDocument, ...]


def run_document(story: Story) -> RunDocument:
    plan, finished = story.plan, story.finished
    return RunDocument(
        format=FORMAT,
        run=story.run,
        runbook=plan.runbook,
        digest=plan.digest,
        service=plan.service,
        instance=plan.instance,
        began_at=story.began_at,
        ended_at=finished.at if finished else None,
        outcome=finished.outcome.value if finished else None,
        why=finished.why if finished else "",
        sittings=story.sittings,
        steps=steps_of(plan),
        ends=tuple(end_document(end) for _, end in story.worked() if end is not None),
        events=tuple(document_of(event) for event in story.events),
    )


def as_json(story: Story) -> str:
    return msgspec.json.format(msgspec.json.encode(run_document(story)), indent=2).decode() + "\n"
