"""Who answers an incident: responders, schedules, escalation policies, channels, and what alerts lead to whom."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from pathlib import Path
from typing import NewType

from stationmaster.core.names import ServiceName
from stationmaster.core.problem import NOWHERE, Origin

ResponderName = NewType("ResponderName", str)
ScheduleName = NewType("ScheduleName", str)
PolicyName = NewType("PolicyName", str)
ChannelName = NewType("ChannelName", str)


class Urgency(Enum):
    """High urgency pages at once, at any hour; low urgency waits for the end of quiet hours."""

    HIGH = "high"
    LOW = "low"


class ContactKind(Enum):
    EMAIL = "email"
    SLACK = "slack"
    """An incoming webhook of Slack."""
    WEBHOOK = "webhook"
    """Alertmanager's webhook, version 4."""
    PAGERDUTY = "pagerduty"
    """The Events API v2 of PagerDuty."""
    APPRISE = "apprise"
    """Any service that Apprise knows: SMS providers, Teams, Telegram and many more."""
    OUTBOX = "outbox"
    """A folder of that name in the state folder, and the log: nothing outside is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One way to reach somebody: `address` of an e-mail, a URL or the name of an outbox; a secret URL or key stands in
    `secret_file`."""

    name: str
    kind: ContactKind
    address: str = ""
    secret_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyRule:
    """The contact is used so long after the page began, unless it was acknowledged; `urgency` None means both."""

    contact: str
    after_s: int = 0
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Pages of low urgency wait until `until`, in the responder's own time zone; it may lie before `since`."""

    since: time
    until: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Somebody who is paged. `time_zone` is a name of the IANA database; `slack` a user id of Slack."""

    name: ResponderName
    full_name: str = ""
    time_zone: str = "UTC"
    slack: str = ""
    contacts: tuple[Contact, ...] = ()
    rules: tuple[NotifyRule, ...] = ()
    """None given: every contact at once."""
    quiet_hours: QuietHours | None = None
    origin: Origin = NOWHERE

    @property
    def email(self) -> str:
        """The first address of e-mail, or nothing."""
        return next((each.address for each in self.contacts if each.kind is ContactKind.EMAIL), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A place that is told rather than paged: a room of a chat, a list, a foreign system."""

    name: ChannelName
    contact: Contact
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """A layer is on duty on these weekdays (0 is Monday) from `since` to `until`, wall time of its schedule; an `until`
    that is not after `since` lies on the next day."""

    days: frozenset[int]
    since: time
    until: time


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Responders who take turns, each for `turn_days` days, from `starts` on at `handoff`, wall time of the schedule.

    A later layer of a schedule goes before an earlier one; with `restrictions` it is on duty only within one of them.
    """

    name: str
    responders: tuple[ResponderName, ...]
    starts: date
    handoff: time
    turn_days: int = 7
    ends: date | None = None
    restrictions: tuple[Restriction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    name: ScheduleName
    time_zone: str
    layers: tuple[Layer, ...]
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody else is on duty for a while, whatever the layers say; a swap is two of them."""

    number: int
    schedule: ScheduleName
    responder: ResponderName
    starts_at: datetime
    ends_at: datetime
    by: str = ""


class TargetKind(Enum):
    RESPONDER = "responder"
    SCHEDULE = "schedule"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PageTarget:
    kind: TargetKind
    name: str


class ConditionKind(Enum):
    """What has to be true of an incident for a level to be reached without waiting for its time."""

    OPEN_FOR = "open for"
    """Unresolved for `seconds`."""
    RESTARTS_FAILED = "restarts failed"
    """`count` restarts have not helped."""
    RUN_FAILED = "runbook failed"
    """The runbook's run ended without a cure."""
    DATA_INTEGRITY = "data integrity"
    SECURITY = "security"
    CUSTOMER_REPORTS = "customer reports"
    INFRASTRUCTURE = "infrastructure"
    MAJOR_IMPACT = "major impact"
    SEVERITY = "severity"
    """The incident's severity is `value`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The kinds without a number or value are raised by hand, by a runbook, or by a label of an alert of that name."""

    kind: ConditionKind
    seconds: int = 0
    count: int = 1
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Everybody of `targets` is paged when nobody acknowledged for `after_s` since the level before was reached (for
    the first: since the incident opened), or as soon as one of `conditions` holds, acknowledged or not."""

    targets: tuple[PageTarget, ...]
    after_s: int = 0
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """Levels in their order; after the last the chain begins anew `repeats` times. An acknowledgement is good for
    `acknowledged_s`, then paging goes on where it stopped; None means for ever."""

    name: PolicyName
    levels: tuple[Level, ...]
    repeats: int = 0
    last_wait_s: int = 900
    """How long after its last level the chain begins anew."""
    acknowledged_s: int | None = 1800
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMatch:
    """A condition on a label, in the words of Alertmanager: `=`, `!=`, `=~` or `!~`; regular expressions are RE2 and
    match the whole value; an absent label is empty."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Alerts that satisfy every match lead to `policy`; None means that they are only recorded."""

    matches: tuple[LabelMatch, ...]
    policy: PolicyName | None
    urgency: Urgency | None = None
    channels: tuple[ChannelName, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """While an alert that satisfies `source` fires, alerts that satisfy `target` and have the same values of `equal`
    page nobody."""

    source: tuple[LabelMatch, ...]
    target: tuple[LabelMatch, ...]
    equal: tuple[str, ...] = ()
    origin: Origin = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """A server that takes e-mail. `password_file` holds the password of `user`."""

    host: str
    port: int = 587
    sender: str = "stationmaster@localhost"
    user: str = ""
    password_file: Path | None = None
    starttls: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What the status page shows as one line; it suffers when an incident names one of its services or APIs."""

    name: str
    description: str = ""
    group: str = ""
    services: tuple[ServiceName, ...] = ()
    apis: tuple[str, ...] = ()


class Publishing(Enum):
    """Who puts incidents on the status page."""

    MANUAL = "manual"
    """Somebody, from a draft."""
    AUTOMATIC = "automatic"
    """The platform itself, with the messages of the runbook, or neutral ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusPage:
    publish: Publishing = Publishing.MANUAL
    title: str = ""
    """Nothing: the name of the environment."""
    url: str = ""
    time_zone: str = "UTC"
    components: tuple[Component, ...] = ()


class AutomaticReview(Enum):
    """Whose reviews the platform completes by itself."""

    DRILLS = "drills"
    """Of incidents whose cause is a fault that was injected on purpose."""
    KNOWN_CAUSE = "known-cause"
    """Of these, and of incidents whose cause the runs found and whose cure a last check has confirmed."""
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPolicy:
    """`steady_s`: nothing that the incident was about may have failed for so long since its end."""

    automatic: AutomaticReview = AutomaticReview.DRILLS
    steady_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSettings:
    """How alerts become incidents. `group_by` are the labels that put alerts into one incident when they come within
    `group_window_s` of its last alert; `policy` is that of what no route leads elsewhere."""

    policy: PolicyName | None = None
    routes: tuple[Route, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    group_by: tuple[str, ...] = ("service", "environment", "region")
    group_window_s: int = 300
    update_every_s: int = 900
    """How often the status of an open incident has to be told."""
    channels: tuple[ChannelName, ...] = ()
    """Told of every incident."""
    smtp: Smtp | None = None
    public_url: str = ""
    """Under which links in pages lead back here."""
