"""Reviews, their tasks, their proposals and durations as they go over the wire."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order

ReviewText = Annotated[str, msgspec.Meta(max_length=200_000)]
TaskText = Annotated[str, msgspec.Meta(max_length=2_000)]
Name = Annotated[str, msgspec.Meta(max_length=255)]


class ReviewSummary(Answer):
    incident: int
    title: str
    severity: str
    service: str
    resolved_at: datetime
    drafted_at: datetime | None
    """None: its draft comes within seconds."""
    finished_at: datetime | None
    finished_by: str


class ReviewList(Answer):
    reviews: tuple[ReviewSummary, ...]


class ReviewVersion(Answer):
    version: int
    at: datetime
    by: str
    text: str


class Durations(Answer):
    """Seconds; None where the incident has not come to that, or where nobody knows."""

    incident: int
    began_at: datetime
    detected_at: datetime
    acknowledged_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    detect_s: float | None
    acknowledge_s: float | None
    mitigate_s: float | None
    resolve_s: float | None
    reopened: int
    drill: str


class ReviewTask(Answer):
    id: int
    incident: int
    text: str
    list: str
    """The heading of the runbook under which it stands."""
    owner: str
    source: str
    due_at: datetime
    overdue: bool
    done_at: datetime | None
    done_by: str


class ReviewDocument(Answer):
    review: ReviewSummary
    version: int
    """Of the text; 0 as long as nothing is written."""
    text: str
    versions: tuple[ReviewVersion, ...]
    """All of them; the last is what holds."""
    durations: Durations
    tasks: tuple[ReviewTask, ...]


class ReviewDraft(Answer):
    incident: int
    text: str


class ReviewTaskList(Answer):
    tasks: tuple[ReviewTask, ...]


class Proposal(Answer):
    kind: str
    why: str
    line: int
    """In the file as it stands now; 0: the place is not there any more, and no part of the diff is about it."""
    step: str


class ProposedChange(Answer):
    root: str
    """The folder that the diff is to be applied in."""
    path: str
    moved: bool
    """The file was changed since it was worked."""
    proposals: tuple[Proposal, ...]
    diff: str


class ProposalList(Answer):
    changes: tuple[ProposedChange, ...]


class Spread(Answer):
    count: int
    mean_s: float | None
    median_s: float | None
    p90_s: float | None


class DurationStats(Answer):
    name: str
    count: int
    detect: Spread
    acknowledge: Spread
    mitigate: Spread
    resolve: Spread
    incidents: tuple[Durations, ...]


class DurationReport(Answer):
    since: datetime
    by: str
    drills: bool
    groups: tuple[DurationStats, ...]


class ReviewOrder(Order):
    """`instead_of`: refused where another version than this is the last one."""

    text: ReviewText
    instead_of: int | None = None


class FinishOrder(Order):
    why: Annotated[str, msgspec.Meta(max_length=20_000)] = ""


class TaskOrder(Order):
    """An `owner` that is left out is whoever asks."""

    text: TaskText
    due_at: datetime
    owner: Name = ""


class TaskEdit(Order):
    """What is left out stays as it is."""

    text: TaskText | None = None
    due_at: datetime | None = None
    owner: Name | None = None
    done: bool | None = None
