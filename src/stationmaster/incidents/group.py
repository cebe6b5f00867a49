"""Decides which incident an alert belongs to and when an incident is over."""

from collections.abc import Sequence
from dataclasses import dataclass

from stationmaster.core.facts import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """What grouping has to know of an unresolved incident."""

    number: int
    fingerprints: frozenset[str]
    firing: frozenset[str]
    """Fingerprints that have not recovered."""
    run_open: bool
    """A runbook's run is under way, or one has still to be looked for."""
    kept_open: bool = False
    """Somebody opened it although nothing fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    title: str


def place(alert: Alert, incidents: Sequence[OpenIncident]) -> Join | Open:
    """The same failing thing joins its incident while that is being worked; otherwise a new one is opened."""
    for incident in incidents:
        if alert.fingerprint in incident.fingerprints and (incident.run_open or alert.fingerprint in incident.firing):
            return Join(number=incident.number)
    return Open(title=title_of(alert))


def title_of(alert: Alert) -> str:
    labels = alert.labels
    place_name = labels.get("region") or labels.get("environment", "")
    what = labels.get("instance") or labels.get("service", "")
    return f"{alert.name}: {what} ({labels.get('service', 'unknown service')}, {place_name})"


def is_over(incident: OpenIncident) -> bool:
    """An incident is resolved when all its alerts have recovered and no run is under way."""
    return not incident.firing and not incident.run_open and not incident.kept_open
