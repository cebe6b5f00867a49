"""Approvals as they go over the wire: what waits for a yes, and the answer to it."""

from datetime import datetime
from typing import Annotated

import msgspec

from stationmaster.api.wire import Answer, Order

Why = Annotated[str, msgspec.Meta(max_length=2000)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class ApprovalShown(Answer):
    run: str
    step: str
    incident: int
    runbook: str
    title: str
    command: str
    risk: str
    why: str
    digest: str
    """Of the command, its targets and the runbook's revision: an answer names it."""
    people: int
    """How many different people have to say yes."""
    asked_at: datetime
    expires_at: datetime
    allowed: bool | None
    """None while it is open."""
    answered_at: datetime | None
    by: tuple[str, ...]
    said: str


class ApprovalList(Answer):
    approvals: tuple[ApprovalShown, ...]


class ApprovalOrder(Order):
    allow: bool
    digest: Digest
    why: Why = ""
