"""All that the public may see, as one value: pages, feeds and JSON are made of it and of nothing else."""

from dataclasses import dataclass
from datetime import datetime

from stationmaster.incidents.status.store import Affected
from stationmaster.incidents.status.uptime import Uptime
from stationmaster.incidents.status.words import Impact, MaintenanceStatus, PostStatus, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentView:
    id: str
    name: str
    description: str
    group: str
    standing: Standing
    position: int
    created_at: datetime
    updated_at: datetime
    uptime: Uptime


@dataclass(frozen=True, slots=True, kw_only=True)
class PostView:
    id: str
    at: datetime
    status: str
    body: str
    affected: tuple[Affected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentView:
    id: str
    title: str
    impact: Impact
    status: PostStatus
    components: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    posts: tuple[PostView, ...]
    """The newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceView:
    id: str
    title: str
    status: MaintenanceStatus
    components: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    """When it was over, or will be."""
    created_at: datetime
    updated_at: datetime
    posts: tuple[PostView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    page_id: str
    title: str
    url: str
    """Of the overview, without a slash at its end."""
    zone: str
    updated_at: datetime
    """When anything of it changed last."""
    indicator: Impact
    headline: str
    components: tuple[ComponentView, ...]
    incidents: tuple[IncidentView, ...]
    """The newest first."""
    maintenances: tuple[MaintenanceView, ...]
    """The latest to begin first."""
    takes_mail: bool = False
    """Whether letters can be sent to subscribers."""

    @property
    def unresolved(self) -> tuple[IncidentView, ...]:
        return tuple(each for each in self.incidents if each.resolved_at is None)

    def maintenances_of(self, *statuses: MaintenanceStatus) -> tuple[MaintenanceView, ...]:
        """The next to begin first."""
        return tuple(each for each in reversed(self.maintenances) if each.status in statuses)

    @property
    def groups(self) -> tuple[tuple[str, tuple[ComponentView, ...]], ...]:
        """Components that stand together, in the order of the first of each; those of no group each by their place."""
        found: dict[str, list[ComponentView]] = {}
        for each in self.components:
            found.setdefault(each.group or f"\0{each.name}", []).append(each)
        return tuple(("" if name.startswith("\0") else name, tuple(members)) for name, members in found.items())
