"""Decides when an open incident owes news, and when somebody is to be told so, from what was said and now."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is known of an incident's news. `owes`: it is open and of high urgency. `since` is when it opened (again),
    `updated_at` when news were given last, `told_at` the moment of the last one that somebody was told to be owed."""

    owes: bool
    since: datetime
    updated_at: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`due_at` is when news are owed (or were, and are overdue); `tell` the moment that is to be told now; `look_at`
    when to look again. Each None: never, as things stand."""

    due_at: datetime | None = None
    tell: datetime | None = None
    look_at: datetime | None = None


def decide(said: Said, every_s: float, now: datetime) -> Decision:
    """Every `every_s` since the last news one is owed. What nobody looked at for a while is told once: the latest."""
    if not said.owes or every_s <= 0:
        return Decision()
    base = max(filter(None, (said.since, said.updated_at)))
    every = timedelta(seconds=every_s)
    due_at = base + every
    if now < due_at:
        return Decision(due_at=due_at, look_at=due_at)
    latest = base + every * ((now - base) // every)
    fresh = said.told_at is None or said.told_at < latest
    return Decision(due_at=due_at, tell=latest if fresh else None, look_at=latest + every)
