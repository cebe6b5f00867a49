"""Documents of PagerDuty's REST API v2, as they go over the wire; `self` is named `self_url` here."""

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType, field


class Thing(msgspec.Struct, kw_only=True):
    """Everything has an id, a type and a place; one that is only referred to has nothing more."""

    id: str
    type: str
    summary: str
    self_url: str | None = field(name="self", default=None)
    html_url: str | None = None


class User(Thing):
    name: str
    email: str
    time_zone: str
    role: str
    color: str = "gray"
    description: str = ""
    job_title: str = ""
    avatar_url: str | None = None
    billed: bool = True
    invitation_sent: bool = False
    contact_methods: tuple[Thing, ...] = ()
    notification_rules: tuple[Thing, ...] = ()
    coordinated_incidents: tuple[Thing, ...] = ()
    teams: tuple[Thing, ...] = ()


class Service(Thing):
    name: str
    description: str
    status: str
    escalation_policy: Thing | None
    teams: tuple[Thing, ...] = ()
    integrations: tuple[Thing, ...] = ()
    alert_creation: str = "create_alerts_and_incidents"
    auto_resolve_timeout: int | None = None
    acknowledgement_timeout: int | None = None
    last_incident_timestamp: datetime | None = None


class Rule(msgspec.Struct, kw_only=True):
    id: str
    escalation_delay_in_minutes: int
    targets: tuple[Thing, ...]


class Policy(Thing):
    name: str
    description: str
    escalation_rules: tuple[Rule, ...]
    num_loops: int
    services: tuple[Thing, ...]
    teams: tuple[Thing, ...] = ()
    on_call_handoff_notifications: str = "if_has_services"


class ShiftEntry(msgspec.Struct, kw_only=True):
    start: datetime
    end: datetime
    user: Thing


class FinalSchedule(msgspec.Struct, kw_only=True):
    name: str
    rendered_schedule_entries: tuple[ShiftEntry, ...]
    rendered_coverage_percentage: float


class LayerUser(msgspec.Struct, kw_only=True):
    user: Thing


class LayerRestriction(msgspec.Struct, kw_only=True):
    type: str
    start_time_of_day: str
    duration_seconds: int
    start_day_of_week: int


class Layer(msgspec.Struct, kw_only=True):
    id: str
    name: str
    start: datetime
    end: datetime | None
    rotation_virtual_start: datetime
    rotation_turn_length_seconds: int
    users: tuple[LayerUser, ...]
    restrictions: tuple[LayerRestriction, ...]


class Schedule(Thing):
    name: str
    time_zone: str
    description: str
    users: tuple[Thing, ...]
    escalation_policies: tuple[Thing, ...]
    teams: tuple[Thing, ...] = ()
    schedule_layers: tuple[Layer, ...] | UnsetType = UNSET
    final_schedule: FinalSchedule | UnsetType = UNSET


class Override(msgspec.Struct, kw_only=True):
    id: str
    start: datetime
    end: datetime
    user: Thing


class OnCall(msgspec.Struct, kw_only=True):
    escalation_policy: Thing
    escalation_level: int
    schedule: Thing | None
    user: Thing
    start: datetime | None
    end: datetime | None


class Priority(Thing):
    name: str
    description: str = ""
    color: str = ""
    order: int = 0


class Assignment(msgspec.Struct, kw_only=True):
    at: datetime
    assignee: Thing


class Acknowledgement(msgspec.Struct, kw_only=True):
    at: datetime
    acknowledger: Thing


class AlertCounts(msgspec.Struct, kw_only=True):
    all: int
    triggered: int
    resolved: int


class Body(msgspec.Struct, kw_only=True):
    type: str = "incident_body"
    details: str = ""


class ResolveReason(msgspec.Struct, kw_only=True):
    type: str
    incident: Thing


class Incident(Thing):
    incident_number: int
    title: str
    description: str
    created_at: datetime
    updated_at: datetime
    status: str
    incident_key: str
    service: Thing
    assignments: tuple[Assignment, ...]
    assigned_via: str
    acknowledgements: tuple[Acknowledgement, ...]
    last_status_change_at: datetime
    last_status_change_by: Thing
    resolved_at: datetime | None
    first_trigger_log_entry: Thing | None
    alert_counts: AlertCounts
    is_mergeable: bool
    escalation_policy: Thing | None
    urgency: str
    priority: Priority | None
    resolve_reason: ResolveReason | None
    teams: tuple[Thing, ...] = ()
    impacted_services: tuple[Thing, ...] = ()
    pending_actions: tuple[Thing, ...] = ()
    incidents_responders: tuple[Thing, ...] = ()
    responder_requests: tuple[Thing, ...] = ()
    subscriber_requests: tuple[Thing, ...] = ()
    incident_type: dict[str, str] = field(default_factory=lambda: {"name": "incident_default"})
    body: Body | UnsetType = UNSET


class AlertBody(msgspec.Struct, kw_only=True):
    type: str = "alert_body"
    details: dict[str, str]


class Alert(Thing):
    status: str
    alert_key: str
    severity: str
    service: Thing
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None
    body: AlertBody
    incident: Thing
    suppressed: bool = False


class Note(msgspec.Struct, kw_only=True):
    id: str
    user: Thing
    channel: dict[str, str] = field(default_factory=lambda: {"summary": "The control plane"})
    content: str
    created_at: datetime


class Channel(msgspec.Struct, kw_only=True):
    type: str
    summary: str = ""
    subject: str = ""
    details: str = ""


class LogEntry(Thing):
    created_at: datetime
    agent: Thing
    channel: Channel
    service: Thing
    incident: Thing
    note: str | UnsetType = UNSET
    teams: tuple[Thing, ...] = ()
    contexts: tuple[dict[str, str], ...] = ()
    event_details: dict[str, str] = field(default_factory=dict)


class Pointer(msgspec.Struct, kw_only=True):
    """What a client refers to; it may send all that it knows of it."""

    id: str
    type: str = ""


class GivenBody(msgspec.Struct, kw_only=True):
    details: str = ""
    type: str = ""


class GivenAssignment(msgspec.Struct, kw_only=True):
    assignee: Pointer


class NewIncident(msgspec.Struct, kw_only=True):
    title: str
    service: Pointer
    type: str = ""
    urgency: str | None = None
    body: GivenBody | None = None
    incident_key: str = ""
    priority: Pointer | None = None
    assignments: tuple[GivenAssignment, ...] = ()
    escalation_policy: Pointer | None = None


class IncidentChange(msgspec.Struct, kw_only=True):
    """What a client wants of an incident; None leaves it. Fields that only tell how it is may come back with it."""

    id: str = ""
    type: str = ""
    status: str | None = None
    title: str | None = None
    urgency: str | None = None
    resolution: str = ""
    escalation_level: int | None = None
    priority: Pointer | UnsetType | None = UNSET
    assignments: tuple[GivenAssignment, ...] | None = None
    escalation_policy: Pointer | None = None


class OneIncident(msgspec.Struct, kw_only=True):
    incident: NewIncident


class OneChange(msgspec.Struct, kw_only=True):
    incident: IncidentChange


class ManyChanges(msgspec.Struct, kw_only=True):
    incidents: tuple[IncidentChange, ...]


class Sources(msgspec.Struct, kw_only=True):
    source_incidents: tuple[Pointer, ...]


class Snooze(msgspec.Struct, kw_only=True):
    duration: int


class GivenNote(msgspec.Struct, kw_only=True):
    content: str


class OneNote(msgspec.Struct, kw_only=True):
    note: GivenNote


class AskedTarget(msgspec.Struct, kw_only=True):
    responder_request_target: Pointer


class ResponderRequest(msgspec.Struct, kw_only=True):
    responder_request_targets: tuple[AskedTarget, ...]
    message: str = ""
    requester_id: str = ""


class GivenOverride(msgspec.Struct, kw_only=True):
    start: str
    end: str
    user: Pointer


class GivenOverrides(msgspec.Struct, kw_only=True):
    overrides: tuple[GivenOverride, ...] = ()
    override: GivenOverride | None = None
