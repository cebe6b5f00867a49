"""Decides what becomes of a foreign alert when somebody speaks of it, or when time passes."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from stationmaster.incidents.intake.flapping import STEADY, TERMS, Flaps, FlapTerms, changed, said, settled, steady_at
from stationmaster.incidents.intake.foreign import Ended, ForeignAlert
from stationmaster.incidents.silences import Silence

LONGEST_GRACE = timedelta(minutes=5)
_SLACK = timedelta(seconds=5)
"""Clocks of machines that are in step may differ by so much."""


class Told(Enum):
    """What incidents have last been told of it."""

    NOTHING = "nothing"
    FIRED = "fired"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A foreign alert as it is stored."""

    given: ForeignAlert
    firing: bool
    told: Told
    updated_at: datetime
    """When somebody last said that it fires."""
    ended_at: datetime | None = None
    flaps: Flaps = STEADY
    due_at: datetime | None = None
    """When it has to be looked at although nobody speaks of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fire:
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    at: datetime
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """It goes onto the open incidents of the alert."""

    key: str
    text: str


Saying: TypeAlias = Fire | Recover | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is known of the surroundings of one alert at one moment."""

    now: datetime
    silences: tuple[Silence, ...] = ()
    """Those that apply to it now."""
    terms: FlapTerms = TERMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    kept: Kept
    says: tuple[Saying, ...] = ()


def heard(kept: Kept | None, given: ForeignAlert | Ended, sight: Sight) -> Decision | None:
    """After somebody spoke; None: there is nothing to keep."""
    now = sight.now
    if kept is None:
        if isinstance(given, Ended) or not given.fires(now):
            return None
        fresh = Kept(given=given, firing=True, told=Told.NOTHING, updated_at=now)
        return _told(replace(fresh, flaps=changed(STEADY, now, sight.terms)), sight, f"told by {given.source}")
    ended_at = _ended_at(given, now)
    if ended_at is not None:
        return _ended(kept, ended_at, sight, "its sender says that it is over")
    if isinstance(given, Ended):
        return None
    return _fires(kept, given, sight)


def passed(kept: Kept, sight: Sight) -> Decision:
    """After time passed."""
    end = kept.given.ends_at
    if kept.firing and end is not None and end <= sight.now:
        return _ended(kept, end, sight, "it was not sent again before its end")
    why = f"{_by(kept.given)}; no silence applies to it any more" if kept.firing else "it rests, after it flapped"
    return _told(kept, sight, why)


def renewed(kept: Kept, now: datetime) -> Kept:
    """With its time begun anew: the clock was set, or nobody could hear its sender for a while."""
    end = kept.given.ends_at
    if not kept.firing or end is None:
        return replace(kept, updated_at=min(kept.updated_at, now))
    lasts = min(max(end - kept.updated_at, timedelta()), LONGEST_GRACE)
    fresh = replace(kept.given, starts_at=min(kept.given.starts_at, now), ends_at=now + lasts)
    return replace(kept, given=fresh, updated_at=now, due_at=min(kept.due_at or end, now + lasts))


def is_ahead(kept: Kept, now: datetime) -> bool:
    """It was written by a clock that has been set back since."""
    return kept.updated_at > now + _SLACK


def _ended_at(given: ForeignAlert | Ended, now: datetime) -> datetime | None:
    if isinstance(given, Ended):
        return given.at
    return given.ends_at if not given.fires(now) else None


def _ended(kept: Kept, at: datetime, sight: Sight, why: str) -> Decision:
    """What ended before this firing began, and before it was last spoken of, tells of an earlier one: it came late."""
    if not kept.firing or (at < kept.given.starts_at and at < kept.updated_at):
        return Decision(kept=kept)
    flaps = changed(kept.flaps, sight.now, sight.terms)
    over = replace(kept, firing=False, ended_at=min(at, sight.now), flaps=flaps)
    begun = flaps.flapping and not kept.flaps.flapping and kept.told is Told.FIRED
    found = _told(over, sight, why)
    return replace(found, says=(*found.says, _flaps(over, sight))) if begun else found


def _fires(kept: Kept, given: ForeignAlert, sight: Sight) -> Decision:
    if kept.firing:
        return _told(replace(kept, given=_merged(kept, given), updated_at=sight.now), sight, _by(given))
    flaps = changed(kept.flaps, sight.now, sight.terms)
    again = replace(kept, given=given, firing=True, ended_at=None, updated_at=sight.now, flaps=flaps)
    found = _told(again, sight, _by(given))
    begun = flaps.flapping and not kept.flaps.flapping and kept.told is Told.FIRED
    return replace(found, says=(*found.says, _flaps(again, sight))) if begun else found


def _merged(kept: Kept, given: ForeignAlert) -> ForeignAlert:
    """The earliest start; of an end that the sender named, the latest (Alertmanager's `Alert.Merge`)."""
    before = kept.given
    starts_at, ends_at = min(before.starts_at, given.starts_at), given.ends_at
    if before.ends_at is not None and ends_at is not None and not before.is_timeout:
        ends_at = max(before.ends_at, ends_at)
    return replace(given, starts_at=starts_at, ends_at=ends_at)


def _told(kept: Kept, sight: Sight, why: str) -> Decision:
    """Says what incidents have still to hear: nothing of what is silenced, no recovery of what flaps."""
    flaps = settled(kept.flaps, sight.now, sight.terms)
    seen = replace(kept, flaps=flaps)
    if kept.firing and kept.told is not Told.FIRED and not sight.silences:
        evidence = f"{why}; {said(flaps, sight.terms)}" if flaps.flapping else why
        return _due(replace(seen, told=Told.FIRED), sight, Fire(evidence=evidence))
    if not kept.firing and kept.told is Told.FIRED and not flaps.flapping:
        recover = Recover(at=sight.now, evidence=why)
        return _due(replace(seen, told=Told.RECOVERED), sight, recover)
    return _due(seen, sight)


def _flaps(kept: Kept, sight: Sight) -> Note:
    began = int(kept.flaps.changes[0].timestamp())
    return Note(key=f"flapping/{kept.given.key}/{began}", text=f"{kept.given.name}: {said(kept.flaps, sight.terms)}")


def _due(kept: Kept, sight: Sight, *says: Saying) -> Decision:
    moments = [steady_at(kept.flaps, sight.terms)]
    if kept.firing:
        moments.append(kept.given.ends_at)
    if kept.firing and kept.told is not Told.FIRED:
        moments.append(min((each.ends_at for each in sight.silences), default=None))
    known = [each for each in moments if each is not None]
    return Decision(kept=replace(kept, due_at=min(known, default=None)), says=says)


def _by(given: ForeignAlert) -> str:
    return f"told by {given.source}"
