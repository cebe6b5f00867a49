"""Decides how the deployment of a version goes on, from what its instances do: forward, good, or back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from stationmaster.fleet.rollout import Build, Standing


class Phase(Enum):
    """rolling: instances are moved one by one; baking: all are well, and have to stay so; good: they did.
    rolling-back: the version failed, instances are moved to the last good one; rolled-back: they are there.
    stuck: it failed, and nothing moves on by itself."""

    ROLLING = "rolling"
    BAKING = "baking"
    GOOD = "good"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    STUCK = "stuck"

    @property
    def is_over(self) -> bool:
        return self in (Phase.GOOD, Phase.ROLLED_BACK, Phase.STUCK)


class Source(Enum):
    """Who wants the version: the declaration, which nothing but another one takes back, or an order, which is taken
    back when the version fails."""

    DECLARED = "declared"
    ORDERED = "ordered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`within_s`: how long an instance may take to be well; `bake_s`: how long all have to be well, then."""

    within_s: float = 30.0
    bake_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the version that a service is to run came about and stands.

    `declared` is the fingerprint of what was declared then: another one ends what an order wants. `failed` is the
    version that was left, `told` why.
    """

    service: str
    version: int
    source: Source
    phase: Phase
    since: datetime
    declared: str
    by: str
    why: str
    terms: Terms
    well_since: datetime | None = None
    failed: int | None = None
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One instance that is to run. `problem`: why it could not be started."""

    name: str
    build: Build
    standing: Standing
    started_at: datetime | None
    problem: str = ""


def next_course(course: Course, seen: Sequence[Seen], *, back_to: int | None, now: datetime) -> Course:
    """The same course where nothing changes. `back_to` is the last good version, if there is one."""
    well = bool(seen) and all(each.build is Build.CURRENT and each.standing is Standing.UP for each in seen)
    match course.phase:
        case Phase.GOOD | Phase.ROLLED_BACK:
            return course
        case Phase.STUCK:
            return _baking(course, now) if well else course
        case Phase.ROLLING_BACK if well:
            return replace(course, phase=Phase.ROLLED_BACK, since=now, well_since=now)
        case Phase.ROLLING if well:
            return _baking(course, now)
        case Phase.ROLLING | Phase.ROLLING_BACK:
            return _failed(course, _slow(course, seen, now), back_to, now)
        case Phase.BAKING:
            broken = _broken(seen) or _slow(course, seen, now)
            return _failed(course, broken, back_to, now) if broken else _baked(course, now, well=well)


def _baking(course: Course, now: datetime) -> Course:
    return replace(course, phase=Phase.BAKING, since=now, well_since=now, told="")


def _baked(course: Course, now: datetime, *, well: bool) -> Course:
    if not well:
        return replace(course, well_since=None)
    if course.well_since is None:
        return replace(course, well_since=now)
    if now - course.well_since < timedelta(seconds=course.terms.bake_s):
        return course
    return replace(course, phase=Phase.GOOD, since=now)


def _failed(course: Course, why: str, back_to: int | None, now: datetime) -> Course:
    if not why:
        return course
    if course.source is Source.DECLARED:
        return course if course.phase is Phase.ROLLING else replace(course, phase=Phase.ROLLING, well_since=None)
    if course.phase is not Phase.ROLLING_BACK and back_to is not None:
        went = replace(course, version=back_to, failed=course.version)
        return replace(went, phase=Phase.ROLLING_BACK, since=now, well_since=None, told=why)
    return replace(course, phase=Phase.STUCK, since=now, well_since=None, told=why)


def _broken(seen: Sequence[Seen]) -> str:
    """Of instances that all were well before: one that is not, beyond doubt."""
    for each in seen:
        if each.build is Build.GONE:
            return f"{each.name} died"
        if each.build is Build.CURRENT and each.standing is Standing.DOWN:
            return f"{each.name} went down"
    return ""


def _slow(course: Course, seen: Sequence[Seen], now: datetime) -> str:
    limit = timedelta(seconds=course.terms.within_s)
    for each in seen:
        if each.build is Build.GONE and each.problem and course.phase is Phase.ROLLING:
            return each.problem
        if _late(each, course.since, now) > limit:
            return f"{each.name} is not well after {course.terms.within_s:g} s"
    return ""


def _late(each: Seen, since: datetime, now: datetime) -> timedelta:
    """For how long the instance keeps the others waiting. One that still runs what it ran waits itself, unless nobody
    knows how it does."""
    if each.build is Build.GONE:
        return now - since
    if each.build is Build.STALE:
        return now - since if each.standing is Standing.UNKNOWN else timedelta(0)
    if each.standing is Standing.UP:
        return timedelta(0)
    return now - max(each.started_at or since, since)
