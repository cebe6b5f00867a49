"""Decides how a component is: from the alerts that fire in open incidents, and from what was set by hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from stationmaster.core.response import Component, Urgency
from stationmaster.incidents.status.words import Standing, worst


class Gravity(Enum):
    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Extent(Enum):
    """How much of a service is down."""

    LITTLE = "little"
    """Less than half of its instances: the others carry the load."""
    PART = "part"
    """Half of them or more, but not all."""
    WHOLE = "whole"
    """Every one, or nobody says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffering:
    """One firing alert of an open incident. `instance` or `node` is empty where the alert names none."""

    incident: int
    severity: str
    urgency: Urgency
    service: str = ""
    api: str = ""
    instance: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The names of what each service consists of, and of the gateway nodes that lead to APIs."""

    instances: Mapping[str, frozenset[str]]
    nodes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A standing that was set by hand, until a moment or until it is released; with `incident`, until the public was
    told that it is resolved."""

    component: str
    standing: Standing
    at: datetime
    by: str
    why: str = ""
    until: datetime | None = None
    incident: int | None = None

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


_WARNING = frozenset({"warning", "warn", "minor", "low", "ticket"})
_INFO = frozenset({"info", "informational", "none", "notice", "debug"})

_BAD, _POOR, _OUT, _WELL = Standing.PARTIAL, Standing.DEGRADED, Standing.MAJOR, Standing.OPERATIONAL
TABLE: Mapping[tuple[Gravity, Urgency], Mapping[Extent, Standing]] = {
    (Gravity.CRITICAL, Urgency.HIGH): {Extent.LITTLE: _POOR, Extent.PART: _BAD, Extent.WHOLE: _OUT},
    (Gravity.CRITICAL, Urgency.LOW): {Extent.LITTLE: _POOR, Extent.PART: _POOR, Extent.WHOLE: _BAD},
    (Gravity.WARNING, Urgency.HIGH): {Extent.LITTLE: _POOR, Extent.PART: _POOR, Extent.WHOLE: _BAD},
    (Gravity.WARNING, Urgency.LOW): {Extent.LITTLE: _POOR, Extent.PART: _POOR, Extent.WHOLE: _POOR},
    (Gravity.INFO, Urgency.HIGH): {Extent.LITTLE: _WELL, Extent.PART: _WELL, Extent.WHOLE: _WELL},
    (Gravity.INFO, Urgency.LOW): {Extent.LITTLE: _WELL, Extent.PART: _WELL, Extent.WHOLE: _WELL},
}
"""What the public sees of an alert of that severity, in an incident of that urgency, by how much is down."""


def gravity(severity: str) -> Gravity:
    """What says nothing of its severity is critical."""
    word = severity.strip().lower()
    if word in _INFO:
        return Gravity.INFO
    return Gravity.WARNING if word in _WARNING else Gravity.CRITICAL


def extent(down: Iterable[str], all_of_them: frozenset[str]) -> Extent:
    """`down` are names, an empty one for an alert that names nothing: it is about the whole."""
    names = set(down)
    if "" in names or not all_of_them or names >= all_of_them:
        return Extent.WHOLE
    # A name that is declared no longer takes nothing away from those that are.
    return Extent.PART if 2 * len(names & all_of_them) >= len(all_of_them) else Extent.LITTLE


def touches(component: Component, each: Suffering) -> bool:
    return bool(each.service and each.service in component.services) or bool(each.api and each.api in component.apis)


def derived(component: Component, suffering: Sequence[Suffering], parts: Parts) -> Standing:
    """The worst of its services and APIs."""
    services = [_of_part(_by_service(suffering, name), parts.instances.get(name)) for name in component.services]
    apis = [_of_part(_by_api(suffering, name), parts.nodes) for name in component.apis]
    return worst([*services, *apis])


def _by_service(suffering: Sequence[Suffering], name: str) -> list[tuple[Suffering, str]]:
    """An alert of a way to the service (it names an API and a node) is about that API."""
    return [(each, each.instance) for each in suffering if each.service == name and not each.api]


def _by_api(suffering: Sequence[Suffering], name: str) -> list[tuple[Suffering, str]]:
    return [(each, each.node) for each in suffering if each.api == name]


def _of_part(found: Sequence[tuple[Suffering, str]], whole: frozenset[str] | None) -> Standing:
    """Alerts of the same severity and urgency add up: two of two instances are the whole, one by one they are not.
    What is graver counts for what is less grave as well."""
    kinds = {(gravity(each.severity), each.urgency) for each, _ in found}
    return worst(
        TABLE[kind][extent((name for each, name in found if _as_grave(each, kind)), whole or frozenset())]
        for kind in kinds
    )


def _as_grave(each: Suffering, kind: tuple[Gravity, Urgency]) -> bool:
    order, urgencies = tuple(Gravity), tuple(Urgency)
    gravity_, urgency = kind
    return order.index(gravity(each.severity)) <= order.index(gravity_) and urgencies.index(
        each.urgency
    ) <= urgencies.index(urgency)


def effective(from_incidents: Standing, hold: Hold | None, *, in_maintenance: bool, now: datetime) -> Standing:
    """By hand goes before maintenance, maintenance before what incidents say."""
    if hold is not None and hold.holds(now):
        return hold.standing
    return Standing.MAINTENANCE if in_maintenance else from_incidents
