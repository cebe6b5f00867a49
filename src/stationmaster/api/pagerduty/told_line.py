"""Says lines of timelines as PagerDuty's log entries."""

from collections.abc import Mapping

from msgspec import UNSET

from stationmaster.api.pagerduty import ids
from stationmaster.api.pagerduty.ids import Kind
from stationmaster.api.pagerduty.view import View
from stationmaster.api.pagerduty.wire import Channel, LogEntry
from stationmaster.incidents.finding import Line
from stationmaster.incidents.store import Incident

TYPES: Mapping[str, str] = {
    "incident.opened": "trigger",
    "incident.acknowledged": "acknowledge",
    "incident.mitigated": "acknowledge",
    "incident.unacknowledged": "unacknowledge",
    "incident.reopened": "unacknowledge",
    "page.lapsed": "unacknowledge",
    "incident.escalated": "escalate",
    "page.level": "escalate",
    "page.escalated": "escalate",
    "escalation": "escalate",
    "page.nobody": "exhaust_escalation_path",
    "incident.assigned": "assign",
    "incident.snoozed": "snooze",
    "incident.resolved": "resolve",
    "page.sent": "notify",
    "page.failed": "notify",
    "page.overdue": "notify",
}
"""Everything else annotates."""
OVERVIEW = tuple(kind for kind, each in TYPES.items() if each not in ("notify", "exhaust_escalation_path"))
_NOTE = "note"
_AUTO = frozenset({"incidents", "monitor", "pages", "healing", "runbooks", "alert"})


def log_entry(view: View, line: Line, incident: Incident) -> LogEntry:
    own, entry = ids.of_number(Kind.LINE, line.id), line.entry
    word = TYPES.get(entry.kind, "annotate")
    return LogEntry(
        id=own,
        type=f"{word}_log_entry",
        summary=entry.text,
        self_url=f"{view.api}/log_entries/{own}",
        html_url=view.page_of(line.incident),
        created_at=entry.at,
        agent=view.who(entry.by, "agents", "users"),
        channel=_channel(line, word),
        service=view.service(incident.service),
        incident=view.incident(incident.number, incident.title),
        note=entry.text if entry.kind == _NOTE else UNSET,
        event_details={"kind": entry.kind},
    )


def _channel(line: Line, word: str) -> Channel:
    if line.entry.kind == _NOTE:
        return Channel(type="note", summary=line.entry.text)
    kind = "auto" if line.entry.by in _AUTO else "api"
    return Channel(type=kind, subject=line.entry.text if word == "trigger" else "", summary=line.entry.text)
