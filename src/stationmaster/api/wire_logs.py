"""The REST API's documents about lines of logs."""

from datetime import datetime

from stationmaster.api.wire import Answer


class LogLineShown(Answer):
    instance: str
    at: datetime | None
    """None where the log does not say when it was written."""
    text: str


class LogSearch(Answer):
    """The newest lines that were found, the oldest first; `found` counts all. `searched` are the logs that were read,
    `unread` those that could not be."""

    lines: tuple[LogLineShown, ...]
    found: int
    searched: tuple[str, ...]
    unread: tuple[str, ...] = ()
