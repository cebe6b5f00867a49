"""Decides whether a change may be made unasked, from the bounds, what was done within the hour and what is under way;
pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from stationmaster.core.facts import BalancerState
from stationmaster.core.spec import HealingPolicy
from stationmaster.healing.decide import TargetView, withdrawal_refused
from stationmaster.healing.touched import Touched

SPAN = timedelta(hours=1)
"""What was done longer ago does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One attempt of one step. `takes_back`: it undoes a change of the same run, which no bound is to keep from it."""

    run: str
    step: str
    attempt: int
    touches: Touched
    takes_back: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        return self.run, self.step, self.attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A change that was begun; `is_open`: nobody has said yet that it is over. One that does not `count` uses up no
    budget."""

    at: datetime
    key: tuple[str, str, int]
    services: frozenset[str]
    restarts: tuple[str, ...]
    is_open: bool
    counts: bool = True
    revives: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`policy_of` a service; None means the platform. `done` within the last hour, oldest first. `worse` says after
    which changes of the same run callers fared worse; `down` names the instances that fail their check."""

    policy_of: Callable[[str | None], HealingPolicy]
    done: Sequence[Done] = ()
    targets: Sequence[TargetView] = ()
    serving: frozenset[str] = frozenset()
    """The gateway nodes that serve."""
    worse: Sequence[str] = ()
    down: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """`counts`: it uses up a part of the budgets."""

    counts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """`why` a person has to say yes first. Where it does not ask, the change is left out: it only moves targets, and
    nothing else is to wait for that."""

    why: tuple[str, ...]
    asks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Another run changes the same service at this moment."""

    why: str


Judged: TypeAlias = Allowed | Refused | Busy


def judge(change: Change, situation: Situation, now: datetime) -> Judged:
    touches = change.touches
    if not touches.acts or touches.only_returns or change.takes_back:
        return Allowed(counts=False)
    if any(each.key == change.key and now - each.at < SPAN for each in situation.done):
        return Allowed(counts=False)  # a crash came between; it was counted then
    recent = [each for each in situation.done if each.counts and now - each.at < SPAN]
    why = (
        *situation.worse,
        *_actions(touches, situation, recent),
        *_restarts(touches, situation, recent),
        *_nodes(touches, situation.serving),
        *_withdrawals(touches, situation),
    )
    if why:
        return Refused(why=why, asks=not touches.only_moves)
    return _busy(change, situation, now) or Allowed()


def busy(change: Change, situation: Situation, now: datetime) -> Busy | None:
    """For a change that a person has allowed: it waits all the same."""
    free = not change.touches.acts or change.touches.only_returns or change.takes_back
    return None if free else _busy(change, situation, now)


def _actions(touches: Touched, situation: Situation, recent: Sequence[Done]) -> Iterator[str]:
    most = situation.policy_of(None).max_actions_per_hour
    if len(recent) >= most:
        yield f"{len(recent)} changes were made within an hour, the policy allows {most}"
        return
    for service in sorted(touches.services):
        made = sum(service in each.services for each in recent)
        most = situation.policy_of(service).max_actions_per_hour
        if made >= most:
            yield f"{service} was changed {made} times within an hour, the policy allows {most}"


def _restarts(touches: Touched, situation: Situation, recent: Sequence[Done]) -> Iterator[str]:
    service = next(iter(touches.services)) if len(touches.services) == 1 else None
    policy = situation.policy_of(service)
    for instance in dict.fromkeys(touches.restarts):
        made = sum(each.restarts.count(instance) for each in recent)
        if made + touches.restarts.count(instance) > policy.max_restarts_per_hour:
            most = policy.max_restarts_per_hour
            yield f"{instance} was restarted {made} times within an hour, the policy allows {most}"


def _nodes(touches: Touched, serving: frozenset[str]) -> Iterator[str]:
    if touches.nodes and not serving - set(touches.nodes):
        yield f"no other gateway node serves while {', '.join(touches.nodes)} is away"


def _withdrawals(touches: Touched, situation: Situation) -> Iterator[str]:
    targets = list(situation.targets)
    for host, address in dict.fromkeys(touches.withdraws):
        ring = [each for each in targets if each.virtual_host == host]
        leaving = next((each for each in ring if each.address == address), None)
        if leaving is None or leaving.state is not BalancerState.IN:
            continue
        policy = situation.policy_of(next(iter(touches.services)) if len(touches.services) == 1 else None)
        if why := withdrawal_refused(ring, policy):
            yield f"{address} stays in {host}: {why}"
        targets = [replace(each, state=BalancerState.OUT) if each is leaving else each for each in targets]


def revives(change: Change, down: frozenset[str]) -> bool:
    """It restarts what is down, which takes nothing from callers, and does nothing else."""
    return change.touches.only_restarts and down.issuperset(change.touches.restarts)


def _busy(change: Change, situation: Situation, now: datetime) -> Busy | None:
    """Instances that are down together are started together; all else waits."""
    beside = frozenset(change.touches.restarts) if revives(change, situation.down) else None
    alone = {each for each in change.touches.services if situation.policy_of(each).one_change_at_a_time}
    for other in situation.done:
        if beside is not None and other.revives and beside.isdisjoint(other.restarts):
            continue
        shared = sorted(alone & other.services)
        if other.is_open and other.key[0] != change.run and shared and now - other.at < SPAN:
            run, step, _ = other.key
            return Busy(why=f"{run} changes {', '.join(shared)} (step {step}, since {other.at:%H:%M:%S})")
    return None
