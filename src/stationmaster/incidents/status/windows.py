"""Decides what maintenance the page shows: named silences that touch a component, and what was posted by hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stationmaster.core.response import Component, LabelMatch
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.routing import matches
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.status.words import MaintenanceStatus

_OF_PLACES = frozenset({"service", "instance", "region", "environment"})
_OF_APIS = frozenset({"api", "environment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time of maintenance; `ended_at` where it was over before its end."""

    id: str
    title: str
    components: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None

    def status(self, now: datetime) -> MaintenanceStatus:
        if now >= (self.ended_at or self.ends_at):
            return MaintenanceStatus.COMPLETED
        return MaintenanceStatus.IN_PROGRESS if now >= self.starts_at else MaintenanceStatus.SCHEDULED


def touched(silence: Silence, spec: PlatformSpec) -> tuple[str, ...]:
    """The names of the components that a maintenance window is about; none for a silence without a name."""
    if not silence.name:
        return ()
    return tuple(each.name for each in spec.status_page.components if _touches(silence.matchers, each, spec))


def _touches(matchers: Sequence[LabelMatch], component: Component, spec: PlatformSpec) -> bool:
    places = (labels for name in component.services for labels in _places(name, spec))
    apis = ({"api": name, "environment": spec.environment} for name in component.apis)
    return _fit(matchers, _OF_PLACES, places) or _fit(matchers, _OF_APIS, apis)


def _fit(matchers: Sequence[LabelMatch], names: frozenset[str], found: Iterable[Mapping[str, str]]) -> bool:
    """One that says nothing of a place says nothing of a component: it silences one kind of alert everywhere."""
    asked = [each for each in matchers if each.name in names]
    return bool(asked) and any(matches(asked, labels) for labels in found)


def _places(name: str, spec: PlatformSpec) -> list[Mapping[str, str]]:
    instances = [each for service in spec.services if service.name == name for each in service.instances]
    whole = {"service": name, "environment": spec.environment}
    return [{**whole, "instance": each.name, "region": each.region} for each in instances] or [whole]


def in_maintenance(component: str, windows: Iterable[Window], now: datetime) -> bool:
    return any(component in each.components and each.status(now) is MaintenanceStatus.IN_PROGRESS for each in windows)


def next_edge(windows: Iterable[Window], now: datetime) -> datetime | None:
    """When one of them begins or ends next."""
    moments = (moment for each in windows for moment in (each.starts_at, each.ended_at or each.ends_at))
    return min((each for each in moments if each > now), default=None)
