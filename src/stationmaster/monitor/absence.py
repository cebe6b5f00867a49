"""Decides what is told of a control plane that died: how long nobody watched, and how bad that is."""

from dataclasses import dataclass
from datetime import datetime

from stationmaster.core.facts import Alert
from stationmaster.core.spec import PlatformSpec
from stationmaster.monitor.regions import Outage
from stationmaster.monitor.rules import fingerprint

CONTROL_DOWN = "ControlPlaneDown"
SHORT_S, LONG_S = 30.0, 300.0
"""Away for less than the first it is for information, for more than the second it is critical."""
UNSEEN = "nobody saw how it ended: what supervises it was gone as well"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """From the last sign of life of one control plane to the start of the next; `ending` says how it ended."""

    since: datetime
    until: datetime
    ending: str = UNSEEN

    @property
    def away_s(self) -> float:
        """A clock that was set back makes no negative time."""
        return max(0.0, (self.until - self.since).total_seconds())


def outage_of(absence: Absence, spec: PlatformSpec) -> Outage:
    """Its fingerprint is the same for each that is as bad: one that dies over and over is one failure."""
    labels = {
        "alertname": CONTROL_DOWN,
        "environment": spec.environment,
        "service": "control",
        "severity": severity_of(absence.away_s),
    }
    url, away = f"http://{spec.control.api}/healthz", words(absence.away_s)
    alert = Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        summary=f"Control plane: it died and was away for {away} in env: {spec.environment}, url is {url}",
        url=url,
        starts_at=absence.until,
        active_at=absence.since,
        annotations={"description": f"for {away} nothing was watched, changed or healed"},
    )
    return Outage(alert=alert, evidence=f"its last sign of life was at {absence.since:%H:%M:%S} UTC; {absence.ending}")


def severity_of(away_s: float) -> str:
    """Of the alert: where it is not critical, nobody is woken for it."""
    if away_s < SHORT_S:
        return "info"
    return "warning" if away_s < LONG_S else "critical"


def ending_of(status: int) -> str:
    """How a process ended, from what its supervisor saw: an exit status, or the negative number of a signal."""
    return f"its supervisor saw it end by signal {-status}" if status < 0 else f"it ended with status {status}"


def words(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
