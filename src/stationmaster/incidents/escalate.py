"""Decides which levels of an escalation policy an incident has reached, and when, from what happened and now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from stationmaster.core.response import Condition, ConditionKind, EscalationPolicy, Level


class Move(Enum):
    """What people and the platform do that bears on a chain of escalation."""

    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SNOOZED = "snoozed"
    """Nothing is paged until `until`, then the chain goes on where it stopped."""
    ESCALATED = "escalated"
    """Somebody asked for the next level, or for `level`."""
    RAISED = "raised"
    """A condition holds from now on."""
    RESTART_FAILED = "restart failed"
    SEVERITY = "severity"
    """The severity is `value` from now on."""
    ENDED = "ended"
    """Resolved, or merged into another incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """`by` is who did it; `level` counts from 0."""

    at: datetime
    move: Move
    by: str = ""
    until: datetime | None = None
    level: int | None = None
    condition: ConditionKind | None = None
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything that bears on the chain, in the order of its moments. The policy is the one that held when the
    incident opened: a changed one is for the next."""

    opened_at: datetime
    severity: str = ""
    moves: tuple[Happened, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A level is reached and its targets are paged; `round` counts the repeats of the chain. `why` is for people."""

    level: int
    round: int
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing is reached by time alone between both moments; `runs_out` when it is an acknowledgement that ended by
    its own time-out."""

    starts_at: datetime
    ends_at: datetime
    runs_out: bool = False


_FOR_EVER = timedelta(days=36_500)


def reached(policy: EscalationPolicy, history: History, now: datetime) -> tuple[Reached, ...]:
    """Every level that was reached until now, by moment and level. The same history gives the same answer at any later
    `now`, with more at its end: whoever records what was paged can always tell what is owed."""
    end = min([now, *(each.at for each in history.moves if each.move is Move.ENDED)])
    quiet = quiet_times(policy, history)
    found = [each for each in _chain(policy, history, quiet) if each.at <= end]
    found += [
        Reached(level=last.level, round=last.round, at=each.ends_at, why="the acknowledgement ran out")
        for each in quiet
        if each.runs_out and each.ends_at <= end
        for last in [_last_before(found, each.ends_at)]
        if last is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.at, each.round, each.level)))


def quiet_times(policy: EscalationPolicy, history: History) -> tuple[Quiet, ...]:
    """When the clock of the chain stands still, merged and in order."""
    spans: list[Quiet] = []
    for at, each in enumerate(history.moves):
        if each.move is Move.ACKNOWLEDGED:
            spans.append(_acknowledged(policy, each, history.moves[at + 1 :]))
        elif each.move is Move.SNOOZED and each.until is not None:
            spans.append(Quiet(each.at, each.until))
    return _merged(spans)


def _acknowledged(policy: EscalationPolicy, move: Happened, later: Sequence[Happened]) -> Quiet:
    lasts = _FOR_EVER if policy.acknowledged_s is None else timedelta(seconds=policy.acknowledged_s)
    taken_back = next((each.at for each in later if each.move is Move.UNACKNOWLEDGED), None)
    if taken_back is not None and taken_back < move.at + lasts:
        return Quiet(move.at, taken_back)
    return Quiet(move.at, move.at + lasts, runs_out=True)


def _merged(spans: Sequence[Quiet]) -> tuple[Quiet, ...]:
    merged: list[Quiet] = []
    for each in sorted(spans, key=lambda span: span.starts_at):
        if merged and each.starts_at <= merged[-1].ends_at:
            last = merged[-1]
            later = each if each.ends_at >= last.ends_at else last
            merged[-1] = Quiet(last.starts_at, later.ends_at, later.runs_out)
        else:
            merged.append(each)
    return tuple(merged)


def _chain(policy: EscalationPolicy, history: History, quiet: Sequence[Quiet]) -> Iterator[Reached]:
    """Round after round, level after level; each from the one before, so that none is reached before its forerunner."""
    before = history.opened_at
    for number in range(policy.repeats + 1):
        for at, level in enumerate(policy.levels):
            waits = level.after_s + (policy.last_wait_s if number and at == 0 else 0)
            by_time = _after(before, timedelta(seconds=waits), quiet)
            sooner = _sooner(policy, history, at) if number == 0 else None
            if sooner is not None and max(sooner[0], before) < by_time:
                before, why = max(sooner[0], before), sooner[1]
            else:
                before, why = by_time, _why(level, number, at)
            yield Reached(level=at, round=number, at=before, why=why)


def _why(level: Level, number: int, at: int) -> str:
    if at == 0:
        return "the chain begins anew" if number else "the incident opened"
    return f"nobody acknowledged for {_words(level.after_s)}"


def _after(start: datetime, wait: timedelta, quiet: Sequence[Quiet]) -> datetime:
    """The moment at which so much time has passed outside of quiet times."""
    at = start
    for each in quiet:
        if each.ends_at <= at:
            continue
        if each.starts_at > at + wait:
            break
        wait -= max(each.starts_at - at, timedelta())
        at = each.ends_at
    return at + wait


def _sooner(policy: EscalationPolicy, history: History, at: int) -> tuple[datetime, str] | None:
    """When a condition of the level, or of a higher one, reaches it, or somebody who asks for it."""
    found = [
        (when, _told(condition))
        for level in policy.levels[at:]
        for condition in level.conditions
        if (when := _holds_from(condition, history)) is not None
    ]
    asked = [each for each in history.moves if each.move is Move.ESCALATED]
    found += [
        (each.at, f"{each.by or 'somebody'} asked for it")
        for number, each in enumerate(asked)
        if (each.level if each.level is not None else number + 1) >= at
    ]
    return min(found, key=lambda each: each[0], default=None)


def _holds_from(condition: Condition, history: History) -> datetime | None:
    moves = history.moves
    match condition.kind:
        case ConditionKind.OPEN_FOR:
            return history.opened_at + timedelta(seconds=condition.seconds)
        case ConditionKind.RESTARTS_FAILED:
            failed = [each.at for each in moves if each.move is Move.RESTART_FAILED]
            return failed[condition.count - 1] if len(failed) >= condition.count else None
        case ConditionKind.SEVERITY:
            if history.severity == condition.value:
                return history.opened_at
            return next(
                (each.at for each in moves if each.move is Move.SEVERITY and each.value == condition.value), None
            )
        case kind:
            return next((each.at for each in moves if each.move is Move.RAISED and each.condition is kind), None)


def _told(condition: Condition) -> str:
    match condition.kind:
        case ConditionKind.OPEN_FOR:
            return f"open for {_words(condition.seconds)}"
        case ConditionKind.RESTARTS_FAILED:
            return f"{condition.count} restarts did not help" if condition.count > 1 else "a restart did not help"
        case ConditionKind.SEVERITY:
            return f"the severity is {condition.value}"
        case _:
            return str(condition.kind.value)


def _last_before(found: Sequence[Reached], at: datetime) -> Reached | None:
    earlier = [each for each in found if each.at < at]
    return max(earlier, key=lambda each: (each.at, each.round, each.level), default=None)


def _words(seconds: int) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
