"""Puts waits, verifications and rollbacks where they belong between the steps of a plan."""

from collections.abc import Sequence
from dataclasses import replace

from stationmaster.runbooks.plan.planned import OF_BALANCERS, Effect, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import PlatformAction
from stationmaster.runbooks.risk import Risk, assess

AFTER_CHANGE_S = 30.0
"""How long the check after a change is repeated when its document says nothing about waiting."""


def with_waits(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    """After a change the next check is polled; "wait for several minutes" polls a check and never sleeps blindly."""
    found: list[PlannedStep] = []
    change: PlannedStep | None = None
    pending_s, waiter = 0.0, -1
    for step in steps:
        if _is_prose_wait(step):
            pending_s, waiter = step.limit_s, len(found)
            found.append(step)
            continue
        if step.health and (pending_s or change is not None):
            step = _polled(step, change, pending_s)  # noqa: PLW2901
            found = _needless(found, waiter, step) if pending_s else found
            found += [step, *_rollback(change)]
            change, pending_s, waiter = None, 0.0, -1
            continue
        if _is_change(step):
            if step.acts not in OF_BALANCERS:
                found, change = _close(found, change), step
            pending_s, waiter = _settled(found, waiter, pending_s)
        found.append(step)
        if _is_change(step) and step.verify:
            found[-1] = replace(step, expectations=())
            found += [_verification(step), *_rollback(step)]
            change = None if change is step else change
    found = _close(found, change)
    _settled(found, waiter, pending_s)
    return found


def _is_prose_wait(step: PlannedStep) -> bool:
    return step.kind is PlannedKind.MANUAL and step.limit_s > 0 and not step.script


def _is_change(step: PlannedStep) -> bool:
    return step.kind is PlannedKind.ACTION and step.effect is Effect.COMMAND and not step.refusal


def _polled(step: PlannedStep, change: PlannedStep | None, pending_s: float) -> PlannedStep:
    said = step.limit_s or pending_s or (change.limit_s if change is not None else 0.0)
    after = change.key if change is not None else ""
    return replace(step, kind=PlannedKind.WAIT, tries=0, limit_s=said or AFTER_CHANGE_S, after=after)


def _needless(found: list[PlannedStep], waiter: int, check: PlannedStep) -> list[PlannedStep]:
    why = f"step {check.key} is repeated for that time instead"
    waited = replace(found[waiter], kind=PlannedKind.NEEDLESS, why=why)
    return [*found[:waiter], waited, *found[waiter + 1 :]]


def _settled(found: list[PlannedStep], waiter: int, pending_s: float) -> tuple[float, int]:
    """A wait that no check follows repeats the last check before it; without one it is left to the person."""
    if pending_s and waiter >= 0:
        last = next((each for each in reversed(found[:waiter]) if each.health), None)
        if last is not None:
            waited = found[waiter]
            found[waiter] = replace(
                last,
                key=waited.key,
                title=waited.title,
                lines=waited.lines,
                kind=PlannedKind.WAIT,
                tries=0,
                limit_s=pending_s,
                captures=(),
                jumps=(),
            )
    return 0.0, -1


def _close(found: list[PlannedStep], change: PlannedStep | None) -> list[PlannedStep]:
    """A change that no check follows can only be taken back for its own failure; after the restart of an instance the
    last check before it is repeated."""
    if change is None:
        return found
    place = next(number for number, each in enumerate(found) if each.key == change.key) + 1
    checks = [each for each in found[:place] if each.health] if change.acts is PlatformAction.SERVICE_RESTART else []
    again = [_again(checks[-1], change)] if checks else []
    return [*found[:place], *again, *_rollback(change), *found[place:]]


def _again(check: PlannedStep, change: PlannedStep) -> PlannedStep:
    return replace(
        check,
        key=f"{change.key}w",
        title=f"wait until {check.title}",
        kind=PlannedKind.WAIT,
        tries=0,
        limit_s=change.limit_s or AFTER_CHANGE_S,
        after=change.key,
        conditions=(),
        captures=(),
        jumps=(),
    )


def _verification(change: PlannedStep) -> PlannedStep:
    judged = assess(change.verify)
    refusal = "" if judged.risk is Risk.READ else f"a verification has to be reading only: {'; '.join(judged.why)}"
    return replace(
        change,
        key=f"{change.key}v",
        title=f"verify: {change.verify}",
        kind=PlannedKind.WAIT,
        risk=Risk.READ,
        script=change.verify,
        command=change.verify,
        health=change.acts not in OF_BALANCERS,
        note="",
        unless_passed="",
        tries=0,
        limit_s=change.limit_s or AFTER_CHANGE_S,
        timeout_s=min(change.timeout_s, 60.0),
        after=change.key,
        conditions=(),
        cautions=(),
        captures=(),
        keeps=(),
        verify="",
        rollback="",
        jumps=(),
        declared="",
        second_person=False,
        refusal=refusal,
    )


def _rollback(change: PlannedStep | None) -> list[PlannedStep]:
    if change is None or not change.rollback:
        return []
    back = replace(
        change,
        key=f"{change.key}r",
        title=f"roll back: {change.rollback}",
        script=change.rollback,
        command=change.rollback,
        expectations=(),
        conditions=(),
        captures=(),
        keeps=(),
        verify="",
        rollback="",
        jumps=(),
        rolls_back=change.key,
    )
    return [back]
