"""Documents of the REST API about checks: all health URLs with their last answers."""

from datetime import datetime

from stationmaster.api.wire import Answer


class CheckAnswer(Answer):
    """`certificate_days` counts whole days until the server's certificate expires, below zero once it has."""

    ok: bool
    detail: str
    at: datetime
    latency_ms: float
    status: int | None = None
    certificate_days: int | None = None


class CheckRow(Answer):
    name: str
    kind: str
    """The type of the check, or gateway for a request through a gateway node."""
    url: str
    environment: str
    service: str
    state: str
    """up, down, unknown (nobody knows yet) or held (somebody stopped it)."""
    detail: str
    since: datetime
    interval_ms: int
    answer: CheckAnswer | None = None
    due_at: datetime | None = None
    instance: str = ""
    region: str = ""
    api: str = ""
    node: str = ""


class CheckList(Answer):
    checks: tuple[CheckRow, ...]


class CheckRun(Answer):
    """A check that was made because somebody asked for it; no alert comes of it."""

    name: str
    answer: CheckAnswer
