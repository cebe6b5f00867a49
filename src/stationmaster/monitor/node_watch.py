"""Decides which gateway nodes are down: those that were connected to the control plane, and are so no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from stationmaster.core.facts import Alert
from stationmaster.core.spec import GatewayNode
from stationmaster.monitor.regions import Outage
from stationmaster.monitor.rules import fingerprint
from stationmaster.monitor.way_state import NODE_DOWN

AWAY_S, BACK_S = 0.3, 2.0
"""A node is down when it was away so long, or when its process died, and up again when it was back so long: one that
starts anew at once was down all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`since_s` is when the link became what it is, by the monotonic clock; `deaths` counts those of its process."""

    linked: bool
    since_s: float
    down: bool = False
    deaths: int = 0


@dataclass(slots=True)
class NodeWatch:
    """What is known of every node that has ever been connected to this control plane."""

    _seen: dict[str, Seen] = field(default_factory=dict)

    def look(
        self,
        linked: Mapping[str, bool],
        held: Mapping[str, str],
        now_s: float,
        deaths: Mapping[str, int] = MappingProxyType({}),
    ) -> bool:
        """Whether any of them is down now that was not before, or the other way round. What somebody stopped on
        purpose, and what is not declared, is forgotten."""
        before = frozenset(self.down)
        for name in [name for name in self._seen if name not in linked or name in held]:
            del self._seen[name]
        for name, connected in linked.items():
            if name not in held and (connected or name in self._seen):
                self._seen[name] = _after(self._seen.get(name), connected, now_s, deaths.get(name, 0))
        return before != frozenset(self.down)

    @property
    def down(self) -> tuple[str, ...]:
        return tuple(name for name, each in self._seen.items() if each.down)


def _after(before: Seen | None, linked: bool, now_s: float, deaths: int) -> Seen:
    if before is None:
        return Seen(linked=linked, since_s=now_s, deaths=deaths)
    if before.deaths != deaths:
        return Seen(linked=linked, since_s=now_s, down=True, deaths=deaths)
    if before.linked is not linked:
        before = replace(before, linked=linked, since_s=now_s)
    lasted_s = now_s - before.since_s
    if linked:
        return replace(before, down=before.down and lasted_s < BACK_S)
    return replace(before, down=before.down or lasted_s >= AWAY_S)


def outage_of(node: GatewayNode, environment: str, now: datetime) -> Outage:
    labels = {"alertname": NODE_DOWN, "environment": environment, "node": str(node.name), "severity": "critical"}
    url = f"http://{node.listen}/"
    alert = Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        summary=f"Gateway node: {node.name} is down in env: {environment}, url is {url}",
        url=url,
        starts_at=now,
        annotations={"description": "its connection to the control plane broke off"},
    )
    return Outage(alert=alert, evidence="its connection to the control plane broke off")
