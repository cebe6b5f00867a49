"""The status page as its own people see it and change it, over the wire."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order

Text = Annotated[str, msgspec.Meta(max_length=20_000)]
Title = Annotated[str, msgspec.Meta(max_length=300)]
Word = Annotated[str, msgspec.Meta(max_length=64)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=200)]


class PageComponent(Answer):
    id: str
    name: str
    group: str
    standing: str
    since: datetime
    uptime_percent: float | None
    """Of the last 90 days; None where nothing is known."""
    services: tuple[str, ...]
    apis: tuple[str, ...]
    held_by: str = ""
    """Who set it, where somebody did."""
    held_until: datetime | None = None
    held_why: str = ""


class PagePost(Answer):
    id: str
    at: datetime
    status: str
    by: str
    text: str


class PageIncident(Answer):
    id: str
    incident: int
    title: str
    status: str
    impact: str
    components: tuple[str, ...]
    created_at: datetime
    resolved_at: datetime | None
    posts: tuple[PagePost, ...] = ()


class PageMaintenance(Answer):
    id: str
    title: str
    status: str
    components: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    silence: str | None = None
    """The id of the named silence that it comes from, if it does."""
    posts: tuple[PagePost, ...] = ()


class StatusPageShown(Answer):
    title: str
    url: str
    publish: str
    indicator: str
    headline: str
    components: tuple[PageComponent, ...]
    incidents: tuple[PageIncident, ...]
    maintenances: tuple[PageMaintenance, ...]
    subscribers: int
    """Those that confirmed."""
    messages: dict[str, int]
    """What they are owed, by its state."""


class PagePreview(Answer):
    """What a post would say; `leaks` are names in it that the public has no business with."""

    incident: PageIncident
    post: PagePost
    leaks: tuple[str, ...]
    is_new: bool


class PageSubscriber(Answer):
    id: str
    kind: str
    address: str
    components: tuple[str, ...]
    created_at: datetime
    confirmed_at: datetime | None
    lost: int


class PageSubscriberList(Answer):
    subscribers: tuple[PageSubscriber, ...]


class PostOrder(Order):
    """Without a text it is told in neutral words; `components` are set to these standings until it is resolved."""

    status: Word
    text: Text = ""
    title: Title = ""
    impact: Word = ""
    components: dict[Name, Word] = msgspec.field(default_factory=dict)
    key: Annotated[str, msgspec.Meta(max_length=200)] = ""
    """The second post of a key on an incident changes nothing."""


class StandingOrder(Order):
    standing: Word
    why: Annotated[str, msgspec.Meta(max_length=500)] = ""
    until: datetime | None = None


class MaintenanceOrder(Order, kw_only=True):
    title: Title = ""
    text: Text = ""
    components: Names
    starts_at: datetime
    ends_at: datetime


class MaintenanceText(Order):
    text: Text = ""


class SubscriberOrder(Order):
    kind: Word
    """email or webhook."""
    address: Annotated[str, msgspec.Meta(max_length=2_000)]
    components: Names = ()
