"""Says who is on duty, and what became of overrides, in the words of the REST API."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from stationmaster.api.wire_oncall import (
    CalendarImported,
    NotRead,
    OnDuty,
    OverrideOutcome,
    OverrideShown,
    ShiftShown,
)
from stationmaster.core.response import Schedule
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.calendar_import import Imported
from stationmaster.incidents.duty import Outcome
from stationmaster.incidents.duty_store import KeptOverride
from stationmaster.incidents.oncall import Span

LOOKED = timedelta(days=60)
"""How far the beginning and the end of a time on duty are looked for."""


def on_duty_of(spec: PlatformSpec, schedule: Schedule, spans: Sequence[Span], at: datetime) -> OnDuty:
    """`spans` lie around that moment."""
    span = next(each for each in spans if each.starts_at <= at < each.ends_at)
    duty = span.duty
    person = None if duty is None else next((each for each in spec.responders if each.name == duty.responder), None)
    return OnDuty(
        schedule=schedule.name,
        responder=None if duty is None else duty.responder,
        full_name="" if person is None else person.full_name,
        by=None if duty is None else duty.by,
        since=span.starts_at,
        until=span.ends_at if span.ends_at < at + LOOKED else None,
        contacts=() if person is None else tuple(dict.fromkeys(each.kind.value for each in person.contacts)),
    )


def shift_of(span: Span) -> ShiftShown:
    return ShiftShown(
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        responder=None if span.duty is None else span.duty.responder,
        by=None if span.duty is None else span.duty.by,
    )


def override_of(kept: KeptOverride, spec: PlatformSpec, now: datetime) -> OverrideShown:
    return OverrideShown(
        number=kept.number,
        schedule=kept.schedule,
        responder=kept.responder,
        starts_at=kept.starts_at,
        ends_at=kept.ends_at,
        by=kept.by,
        reason=kept.reason,
        state=_state(kept, spec, now),
        created_at=kept.created_at,
        ended_at=kept.ended_at,
        ended_by=kept.ended_by,
        imported=bool(kept.uid),
    )


def _state(kept: KeptOverride, spec: PlatformSpec, now: datetime) -> str:
    if kept.ended_at is not None:
        return "ended"
    if kept.ends_at <= now:
        return "over"
    if kept.responder not in {each.name for each in spec.responders}:
        return "ignored"
    if kept.schedule not in {each.name for each in spec.schedules}:
        return "ignored"
    return "coming" if kept.starts_at > now else "counting"


def outcome_of(outcome: Outcome, spec: PlatformSpec, now: datetime, *, dry_run: bool) -> OverrideOutcome:
    return OverrideOutcome(
        overrides=tuple(override_of(each, spec, now) for each in outcome.overrides),
        before=tuple(map(shift_of, outcome.before)),
        after=tuple(map(shift_of, outcome.after)),
        warnings=outcome.warnings,
        dry_run=dry_run,
    )


def imported_of(imported: Imported, spec: PlatformSpec, now: datetime, *, dry_run: bool) -> CalendarImported:
    return CalendarImported(
        added=tuple(override_of(each, spec, now) for each in imported.added),
        ended=tuple(override_of(each, spec, now) for each in imported.ended),
        unchanged=imported.unchanged,
        past=imported.past,
        not_understood=tuple(NotRead(line=each.line, uid=each.uid, why=each.why) for each in imported.not_understood),
        dry_run=dry_run,
    )
