"""The rooms of one running platform, bundled: all that a face receives."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.access.loop import Access
from stationmaster.catalog.loop import Catalog
from stationmaster.core.drilled import DrilledRunbook
from stationmaster.core.registry import Part
from stationmaster.core.spec import PlatformSpec
from stationmaster.drills.desk import Drills
from stationmaster.fleet.loop import Fleet
from stationmaster.fleet.orders import Orders
from stationmaster.gateway.loop import Gateway
from stationmaster.gateway.watchdog import Watchdog
from stationmaster.healing.loop import Healing
from stationmaster.incidents.bundle_desk import Bundles
from stationmaster.incidents.calendar_desk import Calendars
from stationmaster.incidents.duty import OnCall
from stationmaster.incidents.intake.loop import Intake
from stationmaster.incidents.loop import Incidents
from stationmaster.incidents.review.desk import Reviews
from stationmaster.incidents.status.loop import StatusPages
from stationmaster.keys.loop import Keys
from stationmaster.monitor.loop import Monitor
from stationmaster.monitor.objectives.desk import Objectives
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.library import Shelf
from stationmaster.runbooks.loop import Runbooks
from stationmaster.runtime.board import Cell
from stationmaster.runtime.metrics import ControlMetrics


async def _nothing_drilled() -> Sequence[DrilledRunbook]:
    return ()


def _nothing_to_close() -> None:
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    declared: Cell[PlatformSpec]
    access: Access
    catalog: Catalog
    fleet: Fleet
    gateway: Gateway
    healing: Healing
    incidents: Incidents
    keys: Keys
    monitor: Monitor
    watchdog: Watchdog
    runbooks: Runbooks
    shelf: Shelf
    started_at: datetime
    desk: QueryDesk | None = None
    """Answers queries from outside."""
    objectives: Objectives | None = None
    """What APIs promise, and how their error budgets stand."""
    orders: Orders | None = None
    """Deploys versions of services, and scales them."""
    drills: Drills | None = None
    """Makes faults on purpose."""
    approvals: Approvals | None = None
    """What risky steps of runs wait for."""
    intake: Intake | None = None
    """Takes foreign alerts in, and keeps silences and heartbeats."""
    oncall: OnCall | None = None
    """Who is on duty, with overrides and swaps."""
    calendars: Calendars | None = None
    """Shifts for calendar programs."""
    bundles: Bundles | None = None
    """Writes audit bundles."""
    drilled: Callable[[], Awaitable[Sequence[DrilledRunbook]]] = _nothing_drilled
    """Which runbooks were worked in which drill last."""
    reviews: Reviews | None = None
    """What was learned from incidents, and what they left to do."""
    status_pages: StatusPages | None = None
    """What the public is told."""
    metrics: ControlMetrics = field(default_factory=ControlMetrics)
    """What the control plane tells of itself."""
    loops: Mapping[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What runs beside the rooms' own loops, by name."""
    troubles: Callable[[], Sequence[str]] = tuple
    """What is wrong with samples, rules and objectives, in words."""
    close: Callable[[], None] = _nothing_to_close
    """Called at the end, when no loop runs any more."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever wants the whole platform stopped."""

    registry_tags: dict[Part, tuple[tuple[object, ...], str]] = field(default_factory=dict)
    """What each part of the registry was made of when it was told last, and its ETag."""

    @property
    def spec(self) -> PlatformSpec:
        """What is declared at this moment."""
        return self.declared.value
