"""Moments and durations as people type them."""

import re
from datetime import UTC, datetime, timedelta

from stationmaster.core.problem import PlatformError

_DURATION = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,8})s)?", re.ASCII)


def moment(text: str, now: datetime) -> datetime:
    """ "now", an ISO 8601 moment (without a zone: UTC), or a duration from now, as +2h or -30m.

    Raises PlatformError `bad-moment`.
    """
    if text in ("", "now"):
        return now
    if text[0] in "+-":
        return now + duration(text[1:]) * (1 if text[0] == "+" else -1)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = 'write "2026-01-05T09:00", "2026-01-05T09:00+01:00", +2h or now'
        raise PlatformError("bad-moment", f"{text[:60]!r} is no moment", hint=hint) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def duration(text: str) -> timedelta:
    """ "90s", "15m", "1h30m", "7d"; raises PlatformError `bad-duration`."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise PlatformError("bad-duration", f"{text[:60]!r} is no duration", hint="write 90s, 15m, 1h30m or 7d")
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
