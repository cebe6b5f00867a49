"""Updates of incidents as they go over the wire."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order
from stationmaster.api.wire_incidents import Text


class IncidentUpdate(Answer):
    id: int
    at: datetime
    status: str
    """investigating, identified, monitoring, resolved or postmortem."""
    by: str
    text: str
    """What responders were told."""
    public_text: str
    """What users were told; empty where they were told nothing."""
    publication: str
    """none, wanted (it is being put on the status page), posted or refused."""
    detail: str


class UpdateList(Answer):
    updates: tuple[IncidentUpdate, ...]
    due_at: datetime | None
    """When the next one is owed; before now: it is overdue."""
    every_s: float


class UpdateDraft(Answer):
    """What would be sent now. `open` are places of the public text that nobody could fill: users get it only when
    somebody writes another."""

    status: str
    moment: str
    text: str
    public_text: str
    open: tuple[str, ...]
    source: str
    """Where the public text comes from, as `runbooks/down.md:220`."""
    after: int
    """Number of the last update; 0: there is none."""
    due_at: datetime | None


class UpdateOrder(Order):
    """Without `text` the draft is sent. With `after`, nothing is sent where another update was given since that one."""

    status: Annotated[str, msgspec.Meta(max_length=32)] = ""
    text: Text = ""
    public: bool = False
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
