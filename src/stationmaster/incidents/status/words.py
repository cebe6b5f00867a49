"""The words of the status page, as Statuspage writes them, and which of them is worse."""

from collections.abc import Iterable, Mapping
from enum import Enum

from stationmaster.core.problem import PlatformError


class Standing(Enum):
    """How a component is."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    @property
    def title(self) -> str:
        return self.value.replace("_", " ").capitalize()


_RANKS: Mapping[Standing, int] = {each: rank for rank, each in enumerate(Standing)}


class PostStatus(Enum):
    """How far work on an incident is, as the public is told."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    POSTMORTEM = "postmortem"

    @property
    def is_over(self) -> bool:
        return self in (PostStatus.RESOLVED, PostStatus.POSTMORTEM)


class MaintenanceStatus(Enum):
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"

    @property
    def title(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Impact(Enum):
    """How bad an incident is, or the page as a whole."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return tuple(Impact).index(self)


_IMPACTS: Mapping[Standing, Impact] = {
    Standing.OPERATIONAL: Impact.NONE,
    Standing.MAINTENANCE: Impact.NONE,
    Standing.DEGRADED: Impact.MINOR,
    Standing.PARTIAL: Impact.MAJOR,
    Standing.MAJOR: Impact.CRITICAL,
}
_HEADLINES: Mapping[Impact, str] = {
    Impact.NONE: "All Systems Operational",
    Impact.MINOR: "Partially Degraded Service",
    Impact.MAJOR: "Partial System Outage",
    Impact.CRITICAL: "Major System Outage",
}


def worst(standings: Iterable[Standing]) -> Standing:
    return max(standings, key=lambda each: each.rank, default=Standing.OPERATIONAL)


def impact_of(standing: Standing) -> Impact:
    return _IMPACTS[standing]


def gravest(impacts: Iterable[Impact]) -> Impact:
    return max(impacts, key=lambda each: each.rank, default=Impact.NONE)


def headline(indicator: Impact, standings: Iterable[Standing]) -> str:
    """What stands on top of the page."""
    if indicator is Impact.NONE and Standing.MAINTENANCE in set(standings):
        return "Service Under Maintenance"
    return _HEADLINES[indicator]


def standing_of(text: str) -> Standing:
    """Raises PlatformError `unknown-standing`. `degraded`, `partial outage` and `maintenance` are understood."""
    wanted = text.strip().lower().replace(" ", "_").replace("-", "_")
    found = next((each for each in Standing if wanted in (each.value, each.name.lower())), None)
    if found is None:
        known = ", ".join(each.value for each in Standing)
        raise PlatformError("unknown-standing", f"a component cannot be {text[:40]!r}", hint=f"it can be {known}")
    return found


def post_status_of(text: str) -> PostStatus:
    """Raises PlatformError `unknown-status`."""
    found = next((each for each in PostStatus if each.value == text.strip().lower()), None)
    if found is None:
        known = ", ".join(each.value for each in PostStatus)
        raise PlatformError("unknown-status", f"{text[:40]!r} is no status of a post", hint=f"it can be {known}")
    return found


def impact_named(text: str) -> Impact:
    """Raises PlatformError `unknown-impact`."""
    found = next((each for each in Impact if each.value == text.strip().lower()), None)
    if found is None:
        known = ", ".join(each.value for each in Impact)
        raise PlatformError("unknown-impact", f"{text[:40]!r} is no impact", hint=f"it can be {known}")
    return found
