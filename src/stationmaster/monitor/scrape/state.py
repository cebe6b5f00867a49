"""How the last scrape of every target went."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from stationmaster.monitor.scrape.target import ScrapeTarget


class ScrapeHealth(Enum):
    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """The last scrape of a target: when it began, how long it took, why it failed, how many samples it gave.

    `warning` is what was wrong with a scrape that counts: series that stood twice, samples that came out of order.
    """

    target: ScrapeTarget
    last_at: datetime | None = None
    duration_s: float = 0.0
    health: ScrapeHealth = ScrapeHealth.UNKNOWN
    error: str = ""
    samples: int = 0
    warning: str = ""
