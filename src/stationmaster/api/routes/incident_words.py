"""Says incidents in the words of the REST API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec
from litestar.params import PathParameter

from stationmaster.api.wire import IncidentSummary, TimelineEntry
from stationmaster.api.wire_incidents import (
    DiagnosedCause,
    DiagnosedCheck,
    DiagnosedRemedy,
    IncidentAlert,
    IncidentDiagnosis,
    IncidentNote,
    IncidentPage,
    IncidentRelation,
    IncidentResponder,
    IncidentStory,
    NoteVersion,
    ReachedLevel,
)
from stationmaster.core.facts import DiagnosisMade
from stationmaster.incidents.paper import Owed, What
from stationmaster.incidents.store import Incident
from stationmaster.incidents.story import Story

_LARGEST_NUMBER = 2**63 - 1
"""What a database can hold."""

IncidentNumber: TypeAlias = Annotated[int, PathParameter(ge=1, le=_LARGEST_NUMBER)]


def summary_of(incident: Incident) -> IncidentSummary:
    return IncidentSummary(
        number=incident.number,
        title=incident.title,
        status=incident.status.value,
        severity=incident.severity,
        service=incident.service,
        environment=incident.environment,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
    )


def with_debts(summary: IncidentSummary, owed: Mapping[int, datetime]) -> IncidentSummary:
    """`owed` is since when which incident owes news."""
    return msgspec.structs.replace(summary, update_owed_since=owed.get(summary.number))


def story_of(story: Story) -> IncidentStory:
    incident = story.incident
    return IncidentStory(
        incident=summary_of(incident),
        timeline=tuple(
            TimelineEntry(at=each.at, kind=each.kind, by=each.by, text=each.text) for each in story.timeline
        ),
        urgency=incident.urgency.value,
        priority=incident.priority,
        policy=None if incident.policy is None else incident.policy.name,
        routed=incident.routed,
        region=incident.region,
        instance=incident.instance,
        summary=incident.summary,
        url=incident.url,
        acknowledged_by=incident.acknowledged_by,
        acknowledged_at=incident.acknowledged_at,
        mitigated_at=incident.mitigated_at,
        reviewed_at=incident.reviewed_at,
        merged_into=incident.merged_into,
        merged=story.merged,
        related=tuple(
            IncidentRelation(cause=each.cause, why=each.why, numbers=each.numbers, at=each.at) for each in story.related
        ),
        alerts=_alerts(story),
        pages=tuple(map(_page, story.pages)),
        levels=tuple(
            ReachedLevel(level=each.level + 1, round=each.round + 1, at=each.at, why=each.why) for each in story.levels
        ),
        notes=_notes(story),
        responders=tuple(IncidentResponder(name=each.name, at=each.at, by=each.by) for each in story.responders),
    )


def diagnosis_of(made: DiagnosisMade) -> IncidentDiagnosis:
    proposed = made.proposed
    return IncidentDiagnosis(
        at=made.at,
        run=made.run,
        runbook=made.runbook,
        likely=made.likely,
        why=made.why,
        causes=tuple(
            DiagnosedCause(
                title=each.title,
                speaks_for=each.speaks_for,
                speaks_against=each.speaks_against,
                unseen=each.unseen,
                ruled_out=each.ruled_out,
            )
            for each in made.causes
        ),
        checks=tuple(
            DiagnosedCheck(step=each.step, title=each.title, verdict=each.verdict, detail=each.detail)
            for each in made.checks
        ),
        unseen=made.unseen,
        affected=made.affected,
        proposed=None
        if proposed is None
        else DiagnosedRemedy(step=proposed.step, title=proposed.title, command=proposed.command, asks=proposed.asks),
    )


def _alerts(story: Story) -> tuple[IncidentAlert, ...]:
    return tuple(
        IncidentAlert(
            fingerprint=each.fingerprint,
            labels=each.labels,
            summary=each.summary,
            firing=each.firing,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            worked=each.run_open,
            inhibited_by=each.inhibited_by,
        )
        for each in story.alerts
    )


def _page(owed: Owed) -> IncidentPage:
    """Without the address: it may be a secret."""
    page = owed.page
    return IncidentPage(
        what=owed.what.value,
        level=page.level + 1 if owed.what is What.PAGE else 0,
        to=f"{page.to.kind.value}/{page.to.name}",
        contact=page.contact.name,
        kind=page.contact.kind.value,
        due_at=page.due_at,
        state=owed.state.value,
        attempts=owed.attempts,
        ended_at=owed.ended_at,
        detail=owed.detail,
        why=page.why,
    )


def _notes(story: Story) -> tuple[IncidentNote, ...]:
    return tuple(
        IncidentNote(
            id=each.id, versions=tuple(NoteVersion(at=one.at, by=one.by, text=one.text) for one in each.versions)
        )
        for each in story.notes
    )
