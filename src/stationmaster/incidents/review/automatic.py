"""Decides whether the platform completes the review of an incident by itself, waits with it, or leaves it to people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.core.response import AutomaticReview, ReviewPolicy
from stationmaster.incidents.life import Status
from stationmaster.incidents.review.durations import Measured
from stationmaster.incidents.review.lessons import is_a_persons
from stationmaster.incidents.timeline import Entry

OF_DRILL = timedelta(minutes=10)
"""What is detected later than that after an injected fault may have another cause."""
PATIENCE = timedelta(hours=1)
"""So long it is waited for everything to be well; then the review is left to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """What the platform's own checks say of everything that an incident was about."""

    well: tuple[str, ...] = ()
    unwell: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """One incident that is over, as far as this asks. `same_fault` are others that began by the same injected fault;
    `outcomes` how its runs ended, `diagnosed` the cause that they found; `untouched`: nobody has written in its
    review."""

    status: Status
    resolved_at: datetime
    measured: Measured
    lines: Sequence[Entry]
    same_fault: Sequence[Measured] = ()
    outcomes: Sequence[str] = ()
    diagnosed: str = ""
    untouched: bool = True


@dataclass(frozen=True, slots=True)
class Complete:
    """`cause` is what is known to have caused it, in words; `drill` which one broke it on purpose."""

    cause: str
    drill: str = ""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    at: datetime


@dataclass(frozen=True, slots=True)
class LeaveToPeople:
    """`why` is empty where nobody declared that it should be otherwise: then nothing is to be said."""

    why: str = ""


Verdict = Complete | WaitUntil | LeaveToPeople


def decide(closed: Closed, policy: ReviewPolicy, now: datetime) -> Verdict:
    """Before anything is asked of the platform's checks."""
    if policy.automatic is AutomaticReview.NEVER or closed.status is not Status.RESOLVED:
        return LeaveToPeople()
    cause = _cause(closed, policy.automatic)
    if not cause:
        return LeaveToPeople()
    why = next(_left(closed), "")
    if why:
        return LeaveToPeople(why)
    steady_at = closed.resolved_at + timedelta(seconds=policy.steady_s)
    return WaitUntil(steady_at) if now < steady_at else Complete(cause, _drill_of(closed))


def patience(closed: Closed, policy: ReviewPolicy) -> datetime:
    """Until when something that is not well is waited for."""
    return closed.resolved_at + timedelta(seconds=policy.steady_s) + PATIENCE


def _cause(closed: Closed, automatic: AutomaticReview) -> str:
    drill = _drill_of(closed)
    if drill:
        return f"a fault that was injected on purpose by the drill {drill}"
    if automatic is not AutomaticReview.KNOWN_CAUSE or not closed.outcomes:
        return ""
    return closed.diagnosed if all(each == "cured" for each in closed.outcomes) else ""


def _drill_of(closed: Closed) -> str:
    """The drill that caused it, if one did. Whatever fails again after the fault was cured failed of something else."""
    mine = closed.measured
    cured = any(
        each.resolved_at is not None and each.resolved_at <= mine.detected_at
        for each in closed.same_fault
        if each.number != mine.number
    )
    return mine.drill if mine.detected_at - mine.began_at <= OF_DRILL and not cured else ""


def _left(closed: Closed) -> Iterator[str]:
    if not closed.untouched:
        yield "somebody has written in it"
    hands = dict.fromkeys(each.by for each in closed.lines if is_a_persons(each))
    if hands:
        yield f"{', '.join(hands)} had a hand in the incident"
    if closed.measured.reopened:
        yield "the incident was opened again"
