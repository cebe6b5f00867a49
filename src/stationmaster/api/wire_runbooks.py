"""Runbooks as they go over the wire: in which drill each was worked last, and the runs of incidents."""

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


class IncidentRunShown(Answer):
    run: str
    incident: int
    runbook: str
    """Its title."""
    file: str
    host: str
    """The instance that it is about, or nothing."""
    began_at: datetime
    ended_at: datetime | None
    outcome: str | None
    """None while it is open."""
    why: str
    """How it ended, in a sentence."""


class IncidentRunList(Answer):
    runs: tuple[IncidentRunShown, ...]
