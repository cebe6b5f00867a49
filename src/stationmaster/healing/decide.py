"""Decides which targets leave or rejoin a balancer because of an incident, inside the declared bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.core.facts import BalancerState
from stationmaster.core.spec import HealingPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """What healing has to know of one target of a virtual host."""

    virtual_host: str
    address: str
    instance: str | None
    state: BalancerState
    incident: int | None
    """The incident for which it was taken out."""
    by: str = ""
    """Who changed it last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut:
    virtual_host: str
    address: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """A removal that the bounds forbid; a person has to know."""

    virtual_host: str
    address: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    virtual_host: str
    address: str
    why: str


def on_failure(
    instance: str, targets: Sequence[TargetView], policy: HealingPolicy, *, why: str
) -> tuple[TakeOut | Refuse, ...]:
    """A failing instance leaves every balancer that still holds it, as far as the policy allows."""
    return tuple(
        _withdraw(target, [each for each in targets if each.virtual_host == target.virtual_host], policy, why)
        for target in targets
        if target.instance == instance and target.state is BalancerState.IN
    )


def on_quiet(incident: int, targets: Sequence[TargetView]) -> tuple[PutBack, ...]:
    """What was taken out for an incident that is recovered, and that nobody works on, rejoins its balancer."""
    why = f"every alert of incident #{incident} has recovered"
    return tuple(
        PutBack(virtual_host=target.virtual_host, address=target.address, why=why)
        for target in targets
        if target.incident == incident and target.state is BalancerState.OUT
    )


def _withdraw(target: TargetView, ring: Sequence[TargetView], policy: HealingPolicy, why: str) -> TakeOut | Refuse:
    left = sum(each.state is BalancerState.IN for each in ring) - 1
    withdrawn_percent = 100 * (len(ring) - left) / len(ring)
    refusal = None
    if left < policy.min_targets:
        refusal = f"{left} of {len(ring)} targets would be left, the policy demands {policy.min_targets}"
    elif withdrawn_percent > policy.max_withdrawn_percent:
        refusal = f"{withdrawn_percent:.0f} % would be withdrawn, the policy allows {policy.max_withdrawn_percent} %"
    if refusal:
        return Refuse(virtual_host=target.virtual_host, address=target.address, why=refusal)
    return TakeOut(virtual_host=target.virtual_host, address=target.address, why=why)
