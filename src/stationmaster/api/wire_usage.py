"""Documents of the REST API about who called which API how often."""

from datetime import datetime

from stationmaster.api.wire import Answer


class UsageEntry(Answer):
    user: str
    api: str
    at: datetime | None
    """When the hour or the UTC day begins; null where the whole span is added up."""
    requests: int
    client_errors: int
    """Answers from 400 to 499."""
    server_errors: int
    """Answers from 500 on."""


class UsageList(Answer):
    """The latest span first, in it those with the most requests."""

    since: datetime
    """The beginning of the first hour that was looked at."""
    until: datetime
    items: tuple[UsageEntry, ...]
    more: bool
    """There is more than was asked for."""
