"""Decides which tasks an incident leaves behind, whose they are, and of which somebody is to be reminded now."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from stationmaster.core.response import (
    Contact,
    ContactKind,
    EscalationPolicy,
    PageTarget,
    Responder,
    ResponderName,
    ScheduleName,
    TargetKind,
)
from stationmaster.incidents.oncall import on_duty
from stationmaster.incidents.pages import Directory, after_quiet_hours
from stationmaster.incidents.review.worked import WorkedRun

REVIEW = "review"
"""Key of the task to write the review itself."""
NEEDLESS = "not needed: a drill"
"""Stands as who did a task that nobody has to do."""
_OWN, _BY_HAND = frozenset({REVIEW, "runbook"}), "by-hand/"
MOST_DAYS = 14
"""After so many daily reminders nobody is told any more; the task still shows as overdue."""
_DAY = timedelta(days=1)
_UNSAID = timedelta(days=7)
_SHORTEST, _LONGEST = timedelta(minutes=10), timedelta(hours=4)
_READ = frozenset({ContactKind.EMAIL, ContactKind.SLACK, ContactKind.APPRISE, ContactKind.OUTBOX})
"""Kinds that a reminder may use; what a program takes for an alert is none of them."""

_REVIEW_WITHIN: Mapping[str, timedelta | None] = {
    "critical": timedelta(hours=24),
    "error": timedelta(hours=72),
    "high": timedelta(hours=72),
    "warning": timedelta(days=7),
    "info": None,
    "low": None,
    "none": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A task as it is wanted: `due_after` the resolution."""

    key: str
    text: str
    due_after: timedelta
    list: str = ""
    source: str = ""
    owner: str = ""


def wanted(severity: str, runs: Sequence[WorkedRun]) -> tuple[Wanted, ...]:
    """What the runbooks want done; where none of them wants anything, what every incident of this severity needs."""
    found = [
        Wanted(
            key=_key(run.runbook, each.group, each.text),
            text=each.text,
            due_after=_UNSAID if each.due_s is None else timedelta(seconds=each.due_s),
            list=each.group,
            source=run.runbook,
            owner=each.owner,
        )
        for run in runs
        for each in run.file.tasks
    ]
    once = {each.key: each for each in found}
    return (*_ours(severity, runs, alone=not once), *once.values())


def _ours(severity: str, runs: Sequence[WorkedRun], *, alone: bool) -> tuple[Wanted, ...]:
    within = _REVIEW_WITHIN.get(severity.lower(), timedelta(hours=72))
    made = [] if within is None else [Wanted(key=REVIEW, text="Write and finish the review", due_after=within)]
    if alone and within is not None:
        cured = any(each.outcome == "cured" for each in runs)
        text = "Take up what the review proposes for the runbook" if runs else "Write a runbook that answers this alert"
        made += [] if cured else [Wanted(key="runbook", text=text, due_after=_UNSAID)]
    return tuple(made)


def is_of_its_runbook(key: str) -> bool:
    """Whether a runbook wants it done after each incident: neither the platform nor somebody by hand wants it of this
    one."""
    return key not in _OWN and not key.startswith(_BY_HAND)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def owner_of(acknowledged_by: str, policy: EscalationPolicy | None, directory: Directory, now: datetime) -> str:
    """Who acknowledged; else who is on duty at the policy's first level that leads to somebody; else nobody."""
    if acknowledged_by:
        return acknowledged_by
    for level in policy.levels if policy else ():
        for target in level.targets:
            name = _leads_to(target, directory, now)
            if name is not None:
                return name
    return ""


def _leads_to(target: PageTarget, directory: Directory, now: datetime) -> str | None:
    if target.kind is TargetKind.RESPONDER:
        return target.name if ResponderName(target.name) in directory.responders else None
    schedule = directory.schedules.get(ScheduleName(target.name)) if target.kind is TargetKind.SCHEDULE else None
    duty = None if schedule is None else on_duty(schedule, directory.overrides, now)
    return None if duty is None else duty.responder


class Occasion(Enum):
    SOON = "soon"
    DUE = "due"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One moment at which somebody is to be reminded of a task; `key` is the same whenever it is computed."""

    occasion: Occasion
    at: datetime
    key: str


def moments(created_at: datetime, due_at: datetime, owner: str) -> tuple[Moment, ...]:
    """Before it is due (a tenth of its time, 10 minutes to 4 hours), when it is due, then daily for `MOST_DAYS` days.
    Another owner or another due time makes other reminders of it."""
    lead = min(max((due_at - created_at) / 10, _SHORTEST), _LONGEST)
    of = f"{owner}/{int(due_at.timestamp())}"
    found = [Moment(occasion=Occasion.DUE, at=due_at, key=f"due/{of}")]
    found += [
        Moment(occasion=Occasion.LATE, at=due_at + day * _DAY, key=f"late-{day}/{of}")
        for day in range(1, MOST_DAYS + 1)
    ]
    if due_at - lead > created_at:
        found.insert(0, Moment(occasion=Occasion.SOON, at=due_at - lead, key=f"soon/{of}"))
    return tuple(found)


def owed(created_at: datetime, due_at: datetime, owner: str, now: datetime) -> Moment | None:
    """The last moment that has come: after a while without the platform nobody gets all that was missed."""
    passed = [each for each in moments(created_at, due_at, owner) if each.at <= now]
    return passed[-1] if passed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One contact that is told, and not before `at`."""

    to: str
    contact: Contact
    at: datetime


def whom(owner: str, channels: Sequence[str], directory: Directory, now: datetime) -> tuple[Told, ...]:
    """The owner by the first contact that can be read, after quiet hours; else the channels of the incident."""
    responder = directory.responders.get(ResponderName(owner))
    contact = _contact_of(responder)
    if responder is not None and contact is not None:
        quiet, zone = responder.quiet_hours, ZoneInfo(responder.time_zone)
        at = now if quiet is None else after_quiet_hours(quiet, zone, now)
        return (Told(to=owner, contact=contact, at=at),)
    known = {str(name): each for name, each in directory.channels.items()}
    return tuple(
        Told(to=name, contact=known[name].contact, at=now)
        for name in channels
        if name in known and known[name].contact.kind in _READ
    )


def _contact_of(responder: Responder | None) -> Contact | None:
    return next((each for each in responder.contacts if each.kind in _READ), None) if responder else None
