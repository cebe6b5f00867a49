"""Runbooks as they go over the wire: in which drill each was worked last."""

from datetime import datetime

from stationmaster.api.wire import Answer


class DrilledRunbookShown(Answer):
    runbook: str
    """Its title."""
    file: str
    digest: str
    """SHA-256 of the text that was worked."""
    drill: str
    at: datetime
    passed: bool
    """The drill as a whole."""
    outcome: str
    """How the run of this runbook ended."""
    incident: int


class DrilledRunbookList(Answer):
    runbooks: tuple[DrilledRunbookShown, ...]
