"""Says reviews in the words of the REST API."""

from datetime import datetime

from stationmaster.api.wire_reviews import (
    Durations,
    DurationStats,
    Proposal,
    ProposedChange,
    ReviewDocument,
    ReviewSummary,
    ReviewTask,
    ReviewVersion,
    Spread,
)
from stationmaster.incidents.review import durations
from stationmaster.incidents.review.desk import Shown
from stationmaster.incidents.review.durations import Measured, Stats
from stationmaster.incidents.review.proposals import Changed
from stationmaster.incidents.review.store import Review
from stationmaster.incidents.review.tasks_store import Task


def summary_of(review: Review) -> ReviewSummary:
    return ReviewSummary(
        incident=review.incident,
        title=review.title,
        severity=review.severity,
        service=review.service,
        resolved_at=review.resolved_at,
        drafted_at=review.drafted_at,
        finished_at=review.finished_at,
        finished_by=review.finished_by,
    )


def document_of(shown: Shown, now: datetime) -> ReviewDocument:
    last = shown.versions[-1] if shown.versions else None
    return ReviewDocument(
        review=summary_of(shown.review),
        version=last.number if last else 0,
        text=last.text if last else "",
        versions=tuple(
            ReviewVersion(version=each.number, at=each.at, by=each.by, text=each.text) for each in shown.versions
        ),
        durations=durations_of(shown.measured),
        tasks=tuple(task_of(each, now) for each in shown.tasks),
    )


def task_of(task: Task, now: datetime) -> ReviewTask:
    return ReviewTask(
        id=task.id,
        incident=task.incident,
        text=task.text,
        list=task.list,
        owner=task.owner,
        source=task.source,
        due_at=task.due_at,
        overdue=task.done_at is None and task.due_at <= now,
        done_at=task.done_at,
        done_by=task.done_by,
    )


def durations_of(measured: Measured) -> Durations:
    return Durations(
        incident=measured.number,
        began_at=measured.began_at,
        detected_at=measured.detected_at,
        acknowledged_at=measured.acknowledged_at,
        mitigated_at=measured.mitigated_at,
        resolved_at=measured.resolved_at,
        detect_s=measured.detect_s,
        acknowledge_s=measured.acknowledge_s,
        mitigate_s=measured.mitigate_s,
        resolve_s=measured.resolve_s,
        reopened=measured.reopened,
        drill=measured.drill,
    )


def stats_of(found: Stats) -> DurationStats:
    return DurationStats(
        name=found.name,
        count=found.count,
        detect=_spread(found.detect),
        acknowledge=_spread(found.acknowledge),
        mitigate=_spread(found.mitigate),
        resolve=_spread(found.resolve),
        incidents=tuple(map(durations_of, found.incidents)),
    )


def _spread(found: durations.Spread) -> Spread:
    return Spread(count=found.count, mean_s=found.mean_s, median_s=found.median_s, p90_s=found.p90_s)


def change_of(changed: Changed) -> ProposedChange:
    return ProposedChange(
        root=changed.root,
        path=changed.path,
        moved=changed.moved,
        proposals=tuple(
            Proposal(kind=each.kind.value, why=each.why, line=each.line, step=each.key) for each in changed.proposals
        ),
        diff=changed.diff,
    )
