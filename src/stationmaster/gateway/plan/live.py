"""What is known now and not declared: targets that take no traffic, and what proves a caller."""

from dataclasses import dataclass, field

from stationmaster.core.proofs import Proofs
from stationmaster.gateway.ir_policy import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """`withdrawn`, `draining` and `forced` hold pairs of a virtual host's name and a target's address."""

    withdrawn: frozenset[tuple[str, str]] = frozenset()
    draining: frozenset[tuple[str, str]] = frozenset()
    forced: frozenset[tuple[str, str]] = frozenset()
    proofs: Proofs = field(default_factory=Proofs)
    live_nodes: frozenset[str] | None = None
    """Nodes that take requests now; None means every declared one."""
    certificate: Certificate | None = None
