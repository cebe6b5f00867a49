"""A target as the balancer has it, as a node sees it, and whether it may leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stationmaster.core.facts import BalancerState
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import HealingPolicy, Target, VirtualHost
from stationmaster.gateway.plan.pools import in_rotation

States = Mapping[tuple[str, str], BalancerState]
"""By the name of a virtual host and the address of a target; one that is not there is in."""
Seen = Mapping[tuple[str, str], "Sighting"]
"""What one node sees, in the same way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A target as the balancer has it; `by` and what follows tell of the last change, if there was one."""

    virtual_host: str
    address: str
    instance: str | None
    weight: int = 100
    state: BalancerState
    manual: bool = False
    """Somebody holds it in this state; nothing automatic changes it."""
    by: str = ""
    why: str = ""
    at: datetime | None = None
    incident: int | None = None
    acknowledged: Mapping[str, float] | None = None
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One target as one node has it. Counters began with the node, or with the target's last return to it."""

    failing: tuple[str, ...] = ()
    """Why the node sends it nothing, in words; empty where it finds it well."""
    draining: bool = False
    weight: int = 1
    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    under_way: int = 0
    connections: int = 0
    connect_failures: int = 0

    @property
    def takes_requests(self) -> bool:
        return not self.failing and not self.draining


def in_state(states: States, wanted: BalancerState) -> frozenset[tuple[str, str]]:
    return frozenset(where for where, state in states.items() if state is wanted)


def keep_the_bounds(host: VirtualHost, target: Target, states: States, policy: HealingPolicy | None) -> None:
    """Whether a target may leave its virtual host: never the last one, nor, with a policy, more than it declares.

    Raises PlatformError `last-target` or `share-exceeded`.
    """
    if states.get((host.name, str(target.address)), BalancerState.IN) is not BalancerState.IN or not target.weight:
        return
    away = in_state(states, BalancerState.OUT) | in_state(states, BalancerState.DRAIN)
    left = len(in_rotation(host, away | {(host.name, str(target.address))}))
    if not left:
        raise PlatformError(
            "last-target",
            f"{target.address} is the last target of {host.name}: without it every request would fail",
            hint="put another target back first, or set maintenance for its APIs",
            status=409,
        )
    able = len(in_rotation(host, frozenset()))
    percent = 100 * (able - left) / able
    if policy and (left < policy.min_targets or percent > policy.max_withdrawn_percent):
        raise PlatformError(
            "share-exceeded",
            f"without {target.address}, {left} of {able} targets of {host.name} would be left; the platform declares "
            f"at least {policy.min_targets} and at most {policy.max_withdrawn_percent} % withdrawn",
            hint="put another target back first, or repeat it with force",
            status=409,
        )
