"""The rooms of one running platform, bundled: all that a face receives."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.core.spec import PlatformSpec
from stationmaster.fleet.loop import Fleet
from stationmaster.gateway.loop import Gateway
from stationmaster.healing.loop import Healing
from stationmaster.incidents.loop import Incidents
from stationmaster.keys.loop import Keys
from stationmaster.monitor.loop import Monitor
from stationmaster.runbooks.library import Shelf
from stationmaster.runbooks.loop import Runbooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    spec: PlatformSpec
    fleet: Fleet
    gateway: Gateway
    healing: Healing
    incidents: Incidents
    keys: Keys
    monitor: Monitor
    runbooks: Runbooks
    shelf: Shelf
    started_at: datetime
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever wants the whole platform stopped."""
