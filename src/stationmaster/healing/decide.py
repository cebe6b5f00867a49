"""Decides which targets leave or rejoin a balancer because of an incident, inside the declared bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.core.facts import Alert, BalancerState
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
    holders: frozenset[int] = frozenset()
    """Incidents that have the alert now for which it was taken out, where it was moved to others since."""

    def belongs_to(self, incident: int) -> bool:
        return incident in self.holders if self.holders else incident == self.incident


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut:
    virtual_host: str
    address: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """A removal that the bounds forbid; a person has to know. `last`: nothing would be left, whoever did it."""

    virtual_host: str
    address: str
    why: str
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    virtual_host: str
    address: str
    why: str


INSTANCE_CHECKS = frozenset({"ServiceInstanceDown"})
"""Alerts of the platform's own checks of one instance."""


def failing_instance(alert: Alert) -> str | None:
    """The instance that the alert shows to be dead, if it does.

    Only the platform's own check of an instance shows that: it asked the instance itself, several times in a row. An
    alert of a rule or of a foreign system (both name their `rule`) may well have a label `instance` and say only that
    something about it is slow, full or not scraped; taking its targets away would not help and might harm.
    """
    if alert.rule or alert.name not in INSTANCE_CHECKS:
        return None
    return alert.labels.get("instance") or None


def on_failure(
    instance: str, targets: Sequence[TargetView], policy: HealingPolicy, *, why: str
) -> tuple[TakeOut | Refuse, ...]:
    """A failing instance leaves every balancer that still holds it, as far as the policy allows."""
    return tuple(
        _withdraw(target, [each for each in targets if each.virtual_host == target.virtual_host], policy, why)
        for target in targets
        if target.instance == instance and target.state is BalancerState.IN
    )


def on_quiet(incident: int, targets: Sequence[TargetView], instance: str | None = None) -> tuple[PutBack, ...]:
    """What was taken out for an incident that is recovered, or for this instance of it, and that nobody works on,
    rejoins its balancer."""
    about = "" if instance is None else f" about {instance}"
    why = f"every alert of incident #{incident}{about} has recovered"
    return tuple(
        PutBack(virtual_host=target.virtual_host, address=target.address, why=why)
        for target in targets
        if target.belongs_to(incident)
        and target.state is BalancerState.OUT
        and (instance is None or target.instance == instance)
    )


def withdrawal_refused(ring: Sequence[TargetView], policy: HealingPolicy) -> str:
    """Why one more target may not leave a virtual host; empty when it may."""
    left = sum(each.state is BalancerState.IN for each in ring) - 1
    withdrawn_percent = 100 * (len(ring) - left) / len(ring)
    if left < policy.min_targets:
        return f"{left} of {len(ring)} targets would be left, the policy demands {policy.min_targets}"
    if withdrawn_percent > policy.max_withdrawn_percent:
        return f"{withdrawn_percent:.0f} % would be withdrawn, the policy allows {policy.max_withdrawn_percent} %"
    return ""


def _withdraw(target: TargetView, ring: Sequence[TargetView], policy: HealingPolicy, why: str) -> TakeOut | Refuse:
    if refusal := withdrawal_refused(ring, policy):
        last = sum(each.state is BalancerState.IN for each in ring) <= 1
        return Refuse(virtual_host=target.virtual_host, address=target.address, why=refusal, last=last)
    return TakeOut(virtual_host=target.virtual_host, address=target.address, why=why)
