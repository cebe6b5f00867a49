"""Says at the end of a run what it could not look at or do here, and why; pure."""

from stationmaster.core.command import NOT_RUNNABLE
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.run import Journal

_NAMED, _REASONS = 3, 4
_LONGEST = 60


def unseen(plan: Plan, journal: Journal) -> str:
    """ "could not look at: `kubectl get pods` and 2 more (no Kubernetes cluster answers at …)"; empty where it could.
    What a person or the document forbade is not meant."""
    looks: dict[str, list[PlannedStep]] = {}
    changes: dict[str, list[PlannedStep]] = {}
    for step in plan.steps:
        entry = journal.get(step.key)
        if entry is None or entry.verdict is not Verdict.REFUSED or not _is_meant(step):
            continue
        into = changes if step.kind is PlannedKind.ACTION else looks
        into.setdefault(entry.detail.removeprefix(f"{NOT_RUNNABLE}: "), []).append(step)
    parts = [("could not look at", looks), ("could not do", changes)]
    return "; ".join(f"{word}: {_told(found)}" for word, found in parts if found)


def _is_meant(step: PlannedStep) -> bool:
    if step.refusal:
        return step.refusal.startswith(NOT_RUNNABLE)
    return step.effect is Effect.COMMAND


def has_looked(plan: Plan, journal: Journal) -> bool:
    """Whether any command of the plan ran and showed something."""
    ran = {Verdict.PASSED, Verdict.FAILED}
    entries = (journal.get(step.key) for step in plan.steps if step.effect is Effect.COMMAND)
    return any(entry is not None and entry.verdict in ran for entry in entries)


def _told(found: dict[str, list[PlannedStep]]) -> str:
    told = [f"{_names(steps)} ({why})" for why, steps in found.items()]
    more = len(told) - _REASONS
    return ", ".join(told[:_REASONS]) + (f", and {more} more for other reasons" if more > 0 else "")


def _names(steps: list[PlannedStep]) -> str:
    commands = list(dict.fromkeys(_short(each.command or each.title) for each in steps))
    named = ", ".join(f"`{each}`" for each in commands[:_NAMED])
    return f"{named} and {len(commands) - _NAMED} more" if len(commands) > _NAMED else named


def _short(command: str) -> str:
    plain = " ".join(command.split())
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"
