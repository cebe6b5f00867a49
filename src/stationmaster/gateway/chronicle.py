"""What nodes did with their targets on their own: put one aside, took it back, and what failed there."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.gateway.explain import Happened
from stationmaster.gateway.targets import Seen, Sighting

_KEPT = 50
"""Events of one target; the oldest are forgotten, and all of them when the control plane starts."""

Where = tuple[str, str]


@dataclass(slots=True)
class Chronicle:
    """Compares what every node, by name, sees now with what it saw at the last look."""

    _last: dict[str, Seen] = field(default_factory=dict)
    _events: defaultdict[Where, deque[Happened]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=_KEPT))
    )

    def note(self, seen: Mapping[str, Seen | None], now: datetime) -> None:
        """A node that does not answer keeps what it said before; what is no longer there is forgotten."""
        self._last = {node: before for node, before in self._last.items() if node in seen}
        for node, targets in seen.items():
            if targets is None:
                continue
            before = self._last.get(node, {})
            for where, sighting in targets.items():
                for text in _changed(before.get(where), sighting):
                    self._events[where].append(Happened(at=now, by=node, text=text))
            self._last[node] = targets

    def of(self, virtual_host: str, target: str) -> tuple[Happened, ...]:
        return tuple(self._events.get((virtual_host, target), ()))


def _changed(before: Sighting | None, now: Sighting) -> Iterable[str]:
    if before is None:
        return
    if now.failing and not before.failing:
        yield f"sends nothing to it any more: {', '.join(now.failing)}"
    yield from _failures(before, now)
    if before.failing and not now.failing:
        yield "sends to it again"


def _failures(before: Sighting, now: Sighting) -> Iterable[str]:
    """Counters that a node has begun anew say nothing."""
    refused = now.connect_failures - before.connect_failures
    failed = now.failed + now.timed_out - before.failed - before.timed_out
    if refused > 0:
        yield f"{refused} connections to it were refused; the requests went to other targets where that is safe"
    elif failed > 0:
        yield f"{failed} requests failed there; they went to other targets where that is safe"
