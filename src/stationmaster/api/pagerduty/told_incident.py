"""Says incidents, their alerts and notes in PagerDuty's words."""

from collections.abc import Mapping

from msgspec import UNSET

from stationmaster.api.pagerduty import ids
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.told_duty import policy, service
from stationmaster.api.pagerduty.view import View, title_of
from stationmaster.api.pagerduty.wire import (
    Acknowledgement,
    Alert,
    AlertBody,
    AlertCounts,
    Assignment,
    Body,
    Incident,
    Note,
    Priority,
    ResolveReason,
    Thing,
)
from stationmaster.incidents import store
from stationmaster.incidents.finding import Beside
from stationmaster.incidents.life import Status
from stationmaster.incidents.linked import LinkedAlert
from stationmaster.incidents.notes import Note as Written

TOLD: Mapping[Status, str] = {
    Status.TRIGGERED: "triggered",
    Status.ACKNOWLEDGED: "acknowledged",
    Status.MITIGATED: "acknowledged",
    Status.RESOLVED: "resolved",
    Status.REVIEWED: "resolved",
}
ASKED: Mapping[str, tuple[Status, ...]] = {
    told: tuple(each for each in Status if TOLD[each] == told) for told in ("triggered", "acknowledged", "resolved")
}


def incident(view: View, found: store.Incident, beside: Beside) -> Incident:
    is_open = not found.status.is_over
    changed_at = beside.changed_at or found.opened_at
    return Incident(
        id=ids.of_number(Kind.INCIDENT, found.number),
        type="incident",
        summary=title_of(found),
        self_url=view.incident(found.number).self_url,
        html_url=view.page_of(found.number),
        incident_number=found.number,
        title=found.title,
        description=found.title,
        created_at=found.opened_at,
        updated_at=max(changed_at, found.opened_at),
        status=TOLD[found.status],
        incident_key=beside.key,
        service=_service(view, found.service),
        assignments=_assignments(view, beside) if is_open else (),
        assigned_via="escalation_policy" if found.policy is not None else "direct_assignment",
        acknowledgements=_acknowledgements(view, found) if is_open else (),
        last_status_change_at=changed_at,
        last_status_change_by=view.who(beside.changed_by or "incidents"),
        resolved_at=found.resolved_at,
        first_trigger_log_entry=_first_line(view, found, beside),
        alert_counts=AlertCounts(all=beside.alerts, triggered=beside.firing, resolved=beside.alerts - beside.firing),
        is_mergeable=is_open,
        escalation_policy=_policy(view, found),
        urgency=found.urgency.value,
        priority=_priority(view, found.priority),
        resolve_reason=_reason(view, found),
        impacted_services=(view.service(found.service),) if found.service else (),
        body=Body(details=found.summary) if "body" in view.include else UNSET,
    )


def alert(view: View, found: store.Incident, one: LinkedAlert) -> Alert:
    own = alert_id(one)
    return Alert(
        id=own,
        type="alert",
        summary=one.summary,
        self_url=f"{view.incident(found.number).self_url}/alerts/{own}",
        html_url=view.page_of(found.number),
        status="triggered" if one.firing else "resolved",
        alert_key=one.fingerprint,
        severity=one.labels.get("severity", "critical"),
        service=view.service(one.labels.get("service", found.service)),
        created_at=one.starts_at,
        updated_at=one.ends_at or one.starts_at,
        resolved_at=one.ends_at,
        body=AlertBody(details=one.labels),
        incident=view.incident(found.number, found.title),
    )


def alert_id(one: LinkedAlert) -> str:
    return ids.of_name(Kind.ALERT, one.fingerprint)


def note(view: View, written: Written) -> Note:
    """As it reads now, with its first writer and moment."""
    first = written.versions[0]
    return Note(
        id=ids.of_number(Kind.NOTE, written.id),
        user=view.who(first.by),
        content=written.versions[-1].text,
        created_at=first.at,
    )


def _service(view: View, name: str) -> Thing:
    declared = next((each for each in view.spec.services if each.name == name), None)
    return service(view, declared) if declared is not None and "services" in view.include else view.service(name)


def _policy(view: View, found: store.Incident) -> Thing | None:
    if found.policy is None:
        return None
    if "escalation_policies" in view.include:
        return policy(view, found.policy)
    return view.policy(found.policy.name)


def _assignments(view: View, beside: Beside) -> tuple[Assignment, ...]:
    return tuple(
        Assignment(at=each.at, assignee=view.who(each.name, "assignees", "users", "assignments"))
        for each in beside.given_to
    )


def _acknowledgements(view: View, found: store.Incident) -> tuple[Acknowledgement, ...]:
    if found.acknowledged_at is None or TOLD[found.status] != "acknowledged":
        return ()
    acknowledger = view.who(found.acknowledged_by, "acknowledgers", "users")
    return (Acknowledgement(at=found.acknowledged_at, acknowledger=acknowledger),)


def _first_line(view: View, found: store.Incident, beside: Beside) -> Thing | None:
    if beside.first_line is None:
        return None
    own = ids.of_number(Kind.LINE, beside.first_line)
    return Thing(
        id=own,
        type="trigger_log_entry_reference",
        summary=f"Triggered: {found.title}",
        self_url=f"{view.api}/log_entries/{own}",
        html_url=view.page_of(found.number),
    )


def _priority(view: View, name: str) -> Priority | None:
    return view.priority(name) if name else None


def _reason(view: View, found: store.Incident) -> ResolveReason | None:
    if found.merged_into is None:
        return None
    return ResolveReason(type="merge_resolve_reason", incident=view.incident(found.merged_into))
