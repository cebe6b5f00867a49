"""The documents of on-call: who is on duty, shifts, overrides, calendars; and of audit bundles."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Reason = Annotated[str, msgspec.Meta(max_length=500)]


class OnDuty(Answer):
    """Nobody where `responder` is None. `until` is None where it is further away than 60 days."""

    schedule: str
    responder: str | None
    full_name: str
    by: str | None
    """The layer of the schedule, or `override`."""
    since: datetime
    until: datetime | None
    contacts: tuple[str, ...] = ()
    """Kinds of contacts alone: addresses may be secrets."""


class OnCallNow(Answer):
    at: datetime
    on_duty: tuple[OnDuty, ...]


class ShiftShown(Answer):
    """A gap where `responder` is None."""

    starts_at: datetime
    ends_at: datetime
    responder: str | None
    by: str | None


class ShiftList(Answer):
    schedule: str
    time_zone: str
    shifts: tuple[ShiftShown, ...]


class OverrideShown(Answer):
    """`number` 0 is one that was only tried. `state`: coming, counting, over, ended (before its time), or ignored: its
    responder or schedule is not declared any more."""

    number: int
    schedule: str
    responder: str
    starts_at: datetime
    ends_at: datetime
    by: str
    reason: str
    state: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    imported: bool = False


class OverrideList(Answer):
    overrides: tuple[OverrideShown, ...]


class OverrideOrder(Order):
    """`starts_at` None is now; moments bear their offset."""

    schedule: Name
    responder: Name
    ends_at: datetime
    starts_at: datetime | None = None
    reason: Reason = ""
    dry_run: bool = False


class SpanOrder(Order):
    """Without `ends_at` the whole turn in which `starts_at` lies."""

    starts_at: datetime
    ends_at: datetime | None = None


class SwapOrder(Order):
    schedule: Name
    one: SpanOrder
    other: SpanOrder
    reason: Reason = ""
    dry_run: bool = False


class OverrideOutcome(Answer):
    """`before` and `after` are the duties of the whole time that is concerned."""

    overrides: tuple[OverrideShown, ...]
    before: tuple[ShiftShown, ...]
    after: tuple[ShiftShown, ...]
    warnings: tuple[str, ...]
    dry_run: bool = False


class CalendarLink(Answer):
    """Whoever has the URL reads the calendar, without logging in."""

    subject: str
    url: str


class NotRead(Answer):
    line: int
    uid: str
    why: str


class CalendarImported(Answer):
    added: tuple[OverrideShown, ...]
    ended: tuple[OverrideShown, ...]
    unchanged: int
    past: int
    not_understood: tuple[NotRead, ...]
    dry_run: bool = False


class BundleKey(Answer):
    algorithm: str
    public_key: str
    """Base64 of its 32 bytes."""
    fingerprint: str
