"""Measures incidents: when the fault began, was detected, acknowledged, mitigated, resolved, and how that spreads."""

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import MappingProxyType

from stationmaster.core.facts import Alert, FaultInjected
from stationmaster.incidents.timeline import Entry

_PARTS = ("instance", "node", "api")
_AT_ONCE_S = 0.1
"""An alert that began with its incident names the moment at which it fired, not that of the fault; since when its
condition held is told by the platform's own ones alone."""
BEFORE = timedelta(hours=1)
"""A fault of a drill that was injected so long before the alert may be what the alert is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One incident as far as it is measured. `openings` are the moments at which it and those that were merged into it
    opened, `alerts` those that opened them, `lines` its timeline."""

    number: int
    service: str
    severity: str
    environment: str
    openings: tuple[datetime, ...]
    alerts: tuple[Alert, ...]
    lines: tuple[Entry, ...]
    about: frozenset[str] = frozenset()
    """Instances, gateway nodes and APIs that its alerts name."""
    whole: frozenset[str] = frozenset()
    """Services that its alerts name without naming a part of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The moments of one incident; None where it has not come to that. `closed_s` is how long it was resolved before
    somebody opened it again: that counts for nothing."""

    number: int
    service: str
    severity: str
    environment: str
    began_at: datetime
    detected_at: datetime
    acknowledged_at: datetime | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    closed_s: float = 0.0
    reopened: int = 0
    drill: str = ""
    """Name of the drill that injected the fault; empty for a real one."""

    @property
    def detect_s(self) -> float | None:
        """From the beginning of the fault to the first alert; None where nothing says that it began before that."""
        took = _between(self.began_at, self.detected_at)
        return took if self.drill or took > _AT_ONCE_S else None

    @property
    def acknowledge_s(self) -> float | None:
        """From the first alert to the first acknowledgement."""
        return None if self.acknowledged_at is None else _between(self.detected_at, self.acknowledged_at)

    @property
    def mitigate_s(self) -> float | None:
        """From the beginning of the fault until nobody suffered any more."""
        return self._lasted(self.mitigated_at)

    @property
    def resolve_s(self) -> float | None:
        """From the beginning of the fault to the last resolution, without the time for which it was resolved."""
        return self._lasted(self.resolved_at)

    def _lasted(self, until: datetime | None) -> float | None:
        return None if until is None else max(0.0, _between(self.began_at, until) - self.closed_s)


def named(labels: Iterable[Mapping[str, str]]) -> tuple[frozenset[str], frozenset[str]]:
    """The `about` and the `whole` of alerts with these labels."""
    about: set[str] = set()
    whole: set[str] = set()
    for each in labels:
        parts = {each.get(name, "") for name in _PARTS} - {""}
        about |= parts
        whole |= set() if parts else {each.get("service", "")} - {""}
    return frozenset(about), frozenset(whole)


def measure(
    subject: Subject, faults: Sequence[FaultInjected] = (), services: Mapping[str, str] = MappingProxyType({})
) -> Measured:
    """`faults` are those that drills injected around that time, of whatever; `services` are those of instances."""
    detected = min(subject.openings)
    fault = _fault_of(subject, faults, services, detected)
    moments = [each.active_at or each.starts_at for each in subject.alerts]
    starts = [each for each in moments if each <= detected]
    known = fault.at if fault else min(starts, default=detected)
    spans = _closed_spans(subject.lines)
    over = spans[-1][0] if spans and spans[-1][1] is None else None
    return Measured(
        number=subject.number,
        service=subject.service,
        severity=subject.severity,
        environment=subject.environment,
        began_at=known,
        detected_at=detected,
        acknowledged_at=_first(subject.lines, "incident.acknowledged"),
        mitigated_at=_mitigated(subject.lines, over),
        resolved_at=over,
        closed_s=sum(_between(began, ended) for began, ended in spans if ended is not None),
        reopened=sum(each.kind == "incident.reopened" for each in subject.lines),
        drill=fault.drill if fault else "",
    )


def _fault_of(
    subject: Subject, faults: Sequence[FaultInjected], services: Mapping[str, str], detected: datetime
) -> FaultInjected | None:
    """The last fault before the alert of something that its alerts name, or of a part of a service that they name as a
    whole."""
    about, whole = named(each.labels for each in subject.alerts)
    parts, sums = subject.about | about, subject.whole | whole
    near = [
        each
        for each in faults
        if (each.instance in parts or services.get(each.instance) in sums) and detected - BEFORE <= each.at <= detected
    ]
    return max(near, key=lambda each: each.at, default=None)


def _closed_spans(lines: Sequence[Entry]) -> list[tuple[datetime, datetime | None]]:
    """From each resolution to the reopening after it; None where it stays resolved."""
    found: list[tuple[datetime, datetime | None]] = []
    for line in sorted(lines, key=lambda each: each.at):
        if line.kind == "incident.resolved" and (not found or found[-1][1] is not None):
            found.append((line.at, None))
        elif line.kind == "incident.reopened" and found and found[-1][1] is None:
            found[-1] = found[-1][0], line.at
    return found


def _mitigated(lines: Sequence[Entry], over: datetime | None) -> datetime | None:
    """As somebody said after the last reopening; else when the last alert had recovered; else the end."""
    since = _last(lines, "incident.reopened")
    fresh = [each for each in lines if since is None or each.at >= since]
    said = _first(fresh, "incident.mitigated")
    if said is not None or over is None:
        return said
    recovered = _last([each for each in fresh if each.at <= over], "incident.recovered")
    return recovered or over


def _first(lines: Iterable[Entry], kind: str) -> datetime | None:
    return min((each.at for each in lines if each.kind == kind), default=None)


def _last(lines: Iterable[Entry], kind: str) -> datetime | None:
    return max((each.at for each in lines if each.kind == kind), default=None)


def _between(first: datetime, last: datetime) -> float:
    """Seconds; never below zero, although clocks differ."""
    return max(0.0, (last - first).total_seconds())


class By(Enum):
    """What incidents are told apart by."""

    SERVICE = "service"
    SEVERITY = "severity"
    MONTH = "month"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds; None where there is nothing to take them of. `p90` is interpolated between its neighbours."""

    count: int
    mean_s: float | None = None
    median_s: float | None = None
    p90_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Incidents that have the same `name`: how long detecting, acknowledging, mitigating and resolving took."""

    name: str
    count: int
    detect: Spread
    acknowledge: Spread
    mitigate: Spread
    resolve: Spread
    incidents: tuple[Measured, ...]
    """By the moment at which they began."""


def stats(found: Iterable[Measured], by: By, *, drills: bool = False) -> tuple[Stats, ...]:
    """Drills count only where they are asked for. Sorted by name."""
    groups: dict[str, list[Measured]] = {}
    for each in sorted(found, key=lambda one: (one.began_at, one.number)):
        if drills or not each.drill:
            groups.setdefault(_NAMES[by](each), []).append(each)
    return tuple(_stats(name, group) for name, group in sorted(groups.items()))


_NAMES: Mapping[By, Callable[[Measured], str]] = {
    By.SERVICE: lambda each: each.service or "(none)",
    By.SEVERITY: lambda each: each.severity or "(none)",
    By.MONTH: lambda each: f"{each.began_at.astimezone(UTC):%Y-%m}",
    By.NOTHING: lambda _: "all",
}


def _stats(name: str, group: Sequence[Measured]) -> Stats:
    return Stats(
        name=name,
        count=len(group),
        detect=spread(each.detect_s for each in group),
        acknowledge=spread(each.acknowledge_s for each in group),
        mitigate=spread(each.mitigate_s for each in group),
        resolve=spread(each.resolve_s for each in group),
        incidents=tuple(group),
    )


def spread(values: Iterable[float | None]) -> Spread:
    """What is not known counts for nothing."""
    known = sorted(each for each in values if each is not None)
    if not known:
        return Spread(count=0)
    return Spread(
        count=len(known), mean_s=math.fsum(known) / len(known), median_s=statistics.median(known), p90_s=_p90(known)
    )


def _p90(values: Sequence[float]) -> float:
    """Linear between the closest ranks, as numpy's default."""
    place = 0.9 * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def span_words(seconds: float | None) -> str:
    """As people say it, in its two largest units."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if left >= size and len(parts) < 2:
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts)
