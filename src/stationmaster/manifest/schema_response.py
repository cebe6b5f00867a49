"""What may be written of who answers: responders, channels, schedules, escalation policies, routes, the status page."""

from enum import Enum
from typing import Annotated

from msgspec import Meta, field

from stationmaster.core.response import AutomaticReview, ContactKind, Publishing, Urgency
from stationmaster.manifest.words import (
    Document,
    FileText,
    GroupLabel,
    LabelName,
    Name,
    Port,
    Reference,
    Text,
    UrlText,
    Wait,
)
from stationmaster.manifest.words_response import (
    Clock,
    ConditionText,
    Day,
    Delay,
    MatchText,
    PageTargetText,
    Turn,
    Zone,
)

Address = Annotated[
    str, Meta(min_length=1, max_length=2000, description="An address of e-mail, a URL, or the name of an outbox.")
]
Secret = Annotated[FileText | None, Meta(description="A file that holds the URL or key, where that is a secret.")]


class Weekday(Enum):
    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class ContactDocument(Document, frozen=True):
    """One way to reach somebody: `address`, or `secret_file` where the URL or key is a secret."""

    name: Name
    kind: ContactKind
    address: Address | None = None
    secret_file: Secret = None


class NotifyDocument(Document, frozen=True):
    """The contact is used so long after the page began, unless it was acknowledged; for one urgency or both."""

    contact: Reference
    after: Delay = "0s"
    urgency: Urgency | None = None


class QuietHoursDocument(Document, frozen=True):
    """Pages of low urgency wait until `until`, in the responder's own time zone."""

    since: Clock
    until: Clock


class ResponderDocument(Document, frozen=True):
    """Somebody who is paged. Without `notify`, every contact is used at once."""

    name: Name
    full_name: Text | None = None
    time_zone: Zone = "UTC"
    slack: Annotated[str, Meta(max_length=100, description="A user id of Slack.")] | None = None
    contacts: Annotated[list[ContactDocument], Meta(max_length=20)] = field(default_factory=list)
    notify: Annotated[list[NotifyDocument], Meta(max_length=50)] = field(default_factory=list)
    quiet_hours: QuietHoursDocument | None = None


class ChannelDocument(Document, frozen=True):
    """A place that is told rather than paged: a room of a chat, a list, a foreign system."""

    name: Name
    kind: ContactKind
    address: Address | None = None
    secret_file: Secret = None


class RestrictionDocument(Document, frozen=True):
    """The layer is on duty on these days alone, from `since` to `until`; an `until` that is not after `since` lies on
    the next day."""

    days: Annotated[list[Weekday], Meta(min_length=1, max_length=7)]
    since: Clock = "00:00"
    until: Clock = "00:00"


class LayerDocument(Document, frozen=True):
    """Responders who take turns. A later layer of a schedule goes before an earlier one."""

    name: Name
    responders: Annotated[list[Reference], Meta(min_length=1, max_length=100)]
    starts: Day
    handoff: Clock = "09:00"
    turn: Turn = "7d"
    ends: Day | None = None
    restrictions: Annotated[list[RestrictionDocument], Meta(max_length=20)] = field(default_factory=list)


class ScheduleDocument(Document, frozen=True):
    """Who is on duty when."""

    name: Name
    layers: Annotated[list[LayerDocument], Meta(min_length=1, max_length=20)]
    time_zone: Zone = "UTC"


class LevelDocument(Document, frozen=True):
    """Its targets are paged when nobody acknowledged for `after` since the level before, or as soon as one of `when`
    holds."""

    targets: Annotated[list[PageTargetText], Meta(min_length=1, max_length=20)]
    after: Delay = "0s"
    when: Annotated[list[ConditionText], Meta(max_length=20)] = field(default_factory=list)


class PolicyDocument(Document, frozen=True):
    """Levels in their order; after the last the chain begins anew `repeats` times.

    An acknowledgement is good for `acknowledged_for`; then paging goes on where it stopped. `0s` means for ever.
    """

    name: Name
    levels: Annotated[list[LevelDocument], Meta(min_length=1, max_length=20)]
    repeats: Annotated[int, Meta(ge=0, le=9, description="How often the chain begins anew.")] = 0
    repeat_after: Wait = "15m"
    acknowledged_for: Delay = "30m"


class RouteDocument(Document, frozen=True):
    """Alerts that satisfy every match lead to `policy`; the first route that fits is taken. Without a policy they are
    recorded and page nobody."""

    match: Annotated[list[MatchText], Meta(min_length=1, max_length=20)]
    policy: Reference | None = None
    urgency: Urgency | None = None
    channels: Annotated[list[Reference], Meta(max_length=20)] = field(default_factory=list)


class InhibitionDocument(Document, frozen=True):
    """While an alert that satisfies `source` fires, alerts that satisfy `target` and agree in the labels `equal` page
    nobody."""

    source: Annotated[list[MatchText], Meta(min_length=1, max_length=20)]
    target: Annotated[list[MatchText], Meta(min_length=1, max_length=20)]
    equal: Annotated[list[LabelName], Meta(max_length=20)] = field(default_factory=list)


class SmtpDocument(Document, frozen=True):
    """A server that takes e-mail."""

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    sender: Annotated[str, Meta(description="The address that mails come from.", extra={"form": "email"})]
    port: Port = 587
    user: Annotated[str, Meta(max_length=200)] | None = None
    password_file: FileText | None = None
    starttls: Annotated[bool, Meta(description="Switch to TLS before anything is said.")] = True


class IncidentsDocument(Document, frozen=True):
    """How alerts become incidents, and whom they lead to."""

    policy: Annotated[Reference | None, Meta(description="The policy of what no route leads elsewhere.")] = None
    routes: Annotated[list[RouteDocument], Meta(max_length=500)] = field(default_factory=list)
    inhibit: Annotated[list[InhibitionDocument], Meta(max_length=500)] = field(default_factory=list)
    group_by: Annotated[
        list[GroupLabel] | None,
        Meta(description="Labels that put alerts into one incident; service, environment and region by default."),
    ] = None
    group_window: Wait = "5m"
    update_every: Wait = "15m"
    channels: Annotated[list[Reference], Meta(description="Told of every incident.", max_length=20)] = field(
        default_factory=list
    )
    smtp: SmtpDocument | None = None
    public_url: Annotated[UrlText | None, Meta(description="Under which links in pages lead back here.")] = None


class ReviewsDocument(Document, frozen=True):
    """What the platform does about reviews of what it cured by itself."""

    automatic: Annotated[
        AutomaticReview, Meta(description="Whose reviews it completes: those of drills, of known causes too, or none.")
    ] = AutomaticReview.DRILLS
    steady_for: Annotated[Wait, Meta(description="Nothing may have failed again for so long.")] = "1m"


class ComponentDocument(Document, frozen=True):
    """One line of the status page; it suffers when an incident names one of its services or APIs."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    description: Text | None = None
    group: Annotated[str, Meta(max_length=100)] | None = None
    services: Annotated[list[Reference], Meta(max_length=200)] = field(default_factory=list)
    apis: Annotated[list[Reference], Meta(max_length=200)] = field(default_factory=list)


class StatusPageDocument(Document, frozen=True):
    """The public status page."""

    title: Text | None = None
    url: UrlText | None = None
    time_zone: Zone = "UTC"
    publish: Annotated[
        Publishing, Meta(description="Who puts incidents on the page: somebody, from drafts, or the platform itself.")
    ] = Publishing.MANUAL
    components: Annotated[list[ComponentDocument], Meta(max_length=200)] = field(default_factory=list)
