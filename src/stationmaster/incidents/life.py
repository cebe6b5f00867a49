"""Decides what may be done with an incident in which status, and what its status is then."""

from collections.abc import Mapping
from enum import Enum

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import ConditionKind


class Status(Enum):
    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    """Nobody suffers any more; the cause is still there."""
    RESOLVED = "resolved"
    REVIEWED = "reviewed"
    """What was to be learned from it stands written; nothing about it changes any more."""

    @property
    def is_over(self) -> bool:
        return self in (Status.RESOLVED, Status.REVIEWED)


class Act(Enum):
    """What people do with incidents."""

    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    MITIGATE = "mitigate"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    REVIEW = "review"
    SNOOZE = "snooze"
    ESCALATE = "escalate"
    ASSIGN = "assign"
    RAISE = "raise"
    EDIT = "edit"
    NOTE = "note"
    UPDATE = "update"
    MERGE = "merge"
    SPLIT = "split"


DONE: Mapping[Act, str] = {
    Act.ACKNOWLEDGE: "acknowledged",
    Act.UNACKNOWLEDGE: "unacknowledged",
    Act.MITIGATE: "mitigated",
    Act.RESOLVE: "resolved",
    Act.REOPEN: "reopened",
    Act.REVIEW: "reviewed",
    Act.SNOOZE: "snoozed",
    Act.ESCALATE: "escalated",
    Act.ASSIGN: "assigned",
    Act.RAISE: "raised",
    Act.EDIT: "edited",
    Act.NOTE: "noted",
    Act.UPDATE: "updated",
    Act.MERGE: "merged",
    Act.SPLIT: "split",
}
"""The word for it afterwards, in timelines and facts."""

OPEN = (Status.TRIGGERED, Status.ACKNOWLEDGED, Status.MITIGATED)
_STAYS = {each: each for each in OPEN}

FOLLOWS: Mapping[Act, Mapping[Status, Status]] = {
    Act.ACKNOWLEDGE: {
        Status.TRIGGERED: Status.ACKNOWLEDGED,
        Status.ACKNOWLEDGED: Status.ACKNOWLEDGED,
        Status.MITIGATED: Status.MITIGATED,
    },
    Act.UNACKNOWLEDGE: {Status.ACKNOWLEDGED: Status.TRIGGERED},
    Act.MITIGATE: {Status.TRIGGERED: Status.MITIGATED, Status.ACKNOWLEDGED: Status.MITIGATED},
    Act.RESOLVE: dict.fromkeys(OPEN, Status.RESOLVED),
    Act.REOPEN: {Status.MITIGATED: Status.TRIGGERED, Status.RESOLVED: Status.TRIGGERED},
    Act.REVIEW: {Status.RESOLVED: Status.REVIEWED},
    Act.SNOOZE: _STAYS,
    Act.ESCALATE: _STAYS,
    Act.ASSIGN: _STAYS,
    Act.RAISE: _STAYS,
    Act.EDIT: {**_STAYS, Status.RESOLVED: Status.RESOLVED},
    Act.NOTE: {each: each for each in Status},
    Act.UPDATE: {each: each for each in Status},
    Act.MERGE: dict.fromkeys(OPEN, Status.RESOLVED),
    Act.SPLIT: _STAYS,
}
"""What may follow what; acknowledging again makes the acknowledgement last longer."""

RAISED = (
    ConditionKind.RUN_FAILED,
    ConditionKind.DATA_INTEGRITY,
    ConditionKind.SECURITY,
    ConditionKind.CUSTOMER_REPORTS,
    ConditionKind.INFRASTRUCTURE,
    ConditionKind.MAJOR_IMPACT,
)
"""Conditions that somebody raises, or a label of an alert."""

_FALSE = frozenset({"", "0", "false", "no", "off", "none"})


def after(act: Act, status: Status) -> Status:
    """Raises PlatformError `not-now` (409), which says why it cannot be done."""
    found = FOLLOWS[act].get(status)
    if found is None:
        why, hint = _why_not(act, status)
        raise PlatformError("not-now", f"it cannot be {DONE[act]}: {why}", hint=hint, status=409)
    return found


def _why_not(act: Act, status: Status) -> tuple[str, str]:
    if act is Act.REVIEW and not status.is_over:
        return "it is not resolved", "resolve it first: `incident resolve`"
    if status is Status.REVIEWED:
        return "it is reviewed, and stays as it is", "notes can still be added; a new failure opens a new incident"
    if status is Status.RESOLVED:
        return "it is resolved", "`incident reopen` opens it again"
    if act is Act.UNACKNOWLEDGE:
        hint = "`incident reopen` lets the chain begin anew" if status is Status.MITIGATED else ""
        return f"it is {status.value}", hint or "nobody has acknowledged it; `incident show` tells its story"
    return f"it is {status.value}", "`incident show` tells its story"


def raised_by(labels: Mapping[str, str]) -> tuple[ConditionKind, ...]:
    """The conditions that labels of an alert name, as `customer_reports="true"`."""
    return tuple(each for each in RAISED if labels.get(label_of(each), "").strip().lower() not in _FALSE)


def label_of(condition: ConditionKind) -> str:
    return condition.value.replace(" ", "_")


def condition_of(text: str) -> ConditionKind:
    """Raises PlatformError `unknown-condition`."""
    wanted = text.strip().lower().replace("_", " ").replace("-", " ")
    found = next((each for each in RAISED if each.value == wanted), None)
    if found is None:
        known = ", ".join(each.value for each in RAISED)
        raise PlatformError("unknown-condition", f"{text[:60]!r} is no condition to raise", hint=f"known are {known}")
    return found
