"""Decides among how many nodes the bounds of rate limits are divided."""

from collections.abc import Iterable
from dataclasses import dataclass, field

_GRACE_S = 10.0


@dataclass(slots=True)
class LiveNodes:
    """A node that connects counts at once; one that leaves counts for ten seconds more, as does every node in the
    first ten: a control plane that was away must not take its nodes for dead. Moments are of one monotonic clock."""

    began_s: float
    _seen: dict[str, float] = field(default_factory=dict)

    def among(self, declared: Iterable[str], connected: Iterable[str], now_s: float) -> frozenset[str]:
        """The declared nodes that count now; all of them when none is connected."""
        self._seen.update(dict.fromkeys(connected, now_s))
        every = frozenset(declared)
        self._seen = {name: at for name, at in self._seen.items() if name in every}
        if now_s - self.began_s < _GRACE_S:
            return every
        return frozenset(name for name, at in self._seen.items() if now_s - at < _GRACE_S) or every
