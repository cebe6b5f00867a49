"""Decides which silences apply to an alert, what may become of a silence, and when its end is told of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

import re2

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import LabelMatch
from stationmaster.incidents.routing import matches

NOTICE = timedelta(hours=1)
_SHARE = 2
"""Of a short silence the second half is the time of its notice."""
_ROUNDING = timedelta(seconds=1)
"""Clients send moments back less exactly than they got them."""
_MOST_MATCHERS = 64
_LONGEST_PATTERN = 4_096


class SilenceState(Enum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Alerts that satisfy every match open no incident from `starts_at` until `ends_at`; with a `name` it is a
    maintenance window."""

    id: str
    matchers: tuple[LabelMatch, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime
    name: str = ""
    noticed_at: datetime | None = None
    """When its coming end was told of."""

    def state(self, now: datetime) -> SilenceState:
        if now >= self.ends_at:
            return SilenceState.EXPIRED
        return SilenceState.ACTIVE if now >= self.starts_at else SilenceState.PENDING

    @property
    def notice_at(self) -> datetime:
        return self.ends_at - min(NOTICE, (self.ends_at - self.starts_at) / _SHARE)


def silenced(silences: Iterable[Silence], labels: Mapping[str, str], now: datetime) -> tuple[Silence, ...]:
    """Those that apply to an alert of these labels now."""
    return tuple(each for each in silences if each.state(now) is SilenceState.ACTIVE and matches(each.matchers, labels))


def checked(wanted: Silence, now: datetime) -> Silence:
    """Raises PlatformError `bad-silence` where it could not be meant so."""
    if not wanted.matchers:
        raise _bad("at least one matcher required", 'write one, as service="orders"')
    if len(wanted.matchers) > _MOST_MATCHERS:
        raise _bad(f"more than {_MOST_MATCHERS} matchers", "make several silences of it")
    for each in wanted.matchers:
        checked_match(each)
    if matches(wanted.matchers, {}):
        raise _bad("at least one matcher must not match the empty string", "it would silence everything: name a label")
    if wanted.ends_at <= wanted.starts_at:
        raise _bad("end time must be after start time", "give it a later end")
    if wanted.ends_at <= now:
        raise _bad("end time can't be in the past", "give it a later end")
    return wanted


def replaced(before: Silence, wanted: Silence, now: datetime) -> tuple[Silence, Silence | None]:
    """What is stored when a silence is posted under the id of one that there is: the one of that id as it is from now
    on, and a fresh one beside it where it may not be rewritten (its matchers differ, or it has begun elsewhere)."""
    if _may_be_rewritten(before, wanted, now):
        kept = before.starts_at if before.state(now) is SilenceState.ACTIVE else wanted.starts_at
        return replace(wanted, id=before.id, starts_at=kept, name=wanted.name or before.name), None
    return (before if before.state(now) is SilenceState.EXPIRED else expired(before, now)), wanted


def expired(silence: Silence, now: datetime) -> Silence:
    """Ended now; one that has not begun never begins. Raises PlatformError `silence-expired` (409)."""
    match silence.state(now):
        case SilenceState.EXPIRED:
            hint = "`silence list` shows those that hold"
            raise PlatformError("silence-expired", f"silence {silence.id} already expired", hint=hint, status=409)
        case SilenceState.PENDING:
            return replace(silence, starts_at=now, ends_at=now, updated_at=now)
        case SilenceState.ACTIVE:
            return replace(silence, ends_at=now, updated_at=now)


def to_notice(silences: Iterable[Silence], now: datetime) -> tuple[Silence, ...]:
    """Those whose coming end has to be told of now."""
    return tuple(each for each in silences if each.noticed_at is None and each.notice_at <= now < each.ends_at)


def changes_at(silences: Sequence[Silence], now: datetime) -> datetime | None:
    """The next moment at which one begins or ends."""
    moments = [moment for each in silences for moment in (each.starts_at, each.ends_at) if moment > now]
    return min(moments, default=None)


def _may_be_rewritten(before: Silence, wanted: Silence, now: datetime) -> bool:
    if set(before.matchers) != set(wanted.matchers):
        return False
    match before.state(now):
        case SilenceState.ACTIVE:
            return abs(wanted.starts_at - before.starts_at) < _ROUNDING
        case SilenceState.PENDING:
            return wanted.starts_at >= now
        case SilenceState.EXPIRED:
            return False


def checked_match(match: LabelMatch) -> LabelMatch:
    """Raises PlatformError `bad-silence`."""
    if not match.name:
        raise _bad("a matcher names no label", 'write it as service="orders"')
    if len(match.value) > _LONGEST_PATTERN:
        raise _bad(f"a matcher has more than {_LONGEST_PATTERN:,} characters", "make it shorter")
    if match.is_regex:
        options = re2.Options()
        options.log_errors = False
        try:
            re2.compile(f"(?s:{match.value})", options)
        except re2.error as error:
            text = f"invalid regular expression for {match.name!r}: {error}"
            raise _bad(text, "write it in RE2") from error
    return match


def _bad(message: str, hint: str) -> PlatformError:
    return PlatformError("bad-silence", message, hint=hint)
