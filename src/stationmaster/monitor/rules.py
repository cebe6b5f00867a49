"""Decides from the answers of a check whether an instance is up, and when its alert fires and recovers."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import groupby

from stationmaster.core.facts import Alert
from stationmaster.core.spec import CheckKind, HealthCheck, Instance, PlatformSpec
from stationmaster.monitor.answer import ProbeAnswer

START_GRACE = timedelta(seconds=10)
"""How long the failures of an instance that was never seen up do not count: it may still be starting."""

ALERT_NAME = "ServiceInstanceDown"
_REMEMBERED = 5
_PLACEHOLDER = re.compile(r"\{(address|host|port|instance|region|service)\}")


class Health(Enum):
    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"
    HELD = "held"
    """Somebody stopped it on purpose: it is not asked, and nothing fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An instance with the check that applies to it."""

    environment: str
    instance: Instance
    check: HealthCheck

    @property
    def url(self) -> str:
        match self.check.kind:
            case CheckKind.HTTP | CheckKind.HTTPS:
                return f"{self.check.kind.value}://{self.instance.address}{self.check.path}"
            case CheckKind.GRPC:
                return f"grpc://{self.instance.address}/{self.check.grpc_service}"
            case CheckKind.DNS:
                return f"dns://{self.instance.address}/{self.check.dns_name}"
            case CheckKind.TCP | CheckKind.POSTGRESQL | CheckKind.REDIS | CheckKind.KAFKA | CheckKind.COMMAND:
                return f"{self.check.kind.value}://{self.instance.address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """What is known of an instance; `streak` counts the answers in a row that speak against `health`."""

    health: Health
    since: datetime
    grace_ends_s: float = 0.0
    """On the monotonic clock: a wall clock that jumps neither prolongs the grace nor ends it."""
    streak: int = 0
    failing_since: datetime | None = None
    """When the first answer of a streak of failures came, or of the one that made it DOWN."""
    answers: tuple[ProbeAnswer, ...] = ()
    """The last answers, oldest first."""


@dataclass(frozen=True, slots=True)
class Fired:
    """`since`: when the first of the failures was seen that led to it."""

    evidence: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Recovered:
    evidence: str


def begin(now: datetime, moment_s: float, launched: datetime | None = None) -> WatchState:
    """An instance that nobody has asked yet; its grace begins when it was `launched`, or now (`moment_s` on the
    monotonic clock)."""
    age = timedelta(0) if launched is None else now - launched
    grace = START_GRACE - age if age >= timedelta(0) else timedelta(0)
    return WatchState(health=Health.UNKNOWN, since=launched or now, grace_ends_s=moment_s + grace.total_seconds())


def hold(now: datetime) -> WatchState:
    """An instance that somebody stopped on purpose."""
    return WatchState(health=Health.HELD, since=now)


def resume(alert: Alert) -> WatchState:
    """An instance whose alert was firing when watching ended: it does not fire again, it can only recover."""
    return WatchState(health=Health.DOWN, since=alert.starts_at)


def step(
    state: WatchState, answer: ProbeAnswer, check: HealthCheck, moment_s: float
) -> tuple[WatchState, Fired | Recovered | None]:
    """The state after one more answer, and the transition that it makes; `moment_s` is now on the monotonic clock.

    The first good answer ends UNKNOWN; until then failures count only after `START_GRACE`, which begins anew
    when a hold ends. UP falls after
    `down_after` failures in a row, DOWN rises after `up_after` good answers in a row.
    """
    now = answer.at
    if state.health is Health.HELD:
        state = begin(now, moment_s)
    seen = replace(state, answers=(*state.answers, answer)[-_REMEMBERED:])
    if state.health is Health.DOWN:
        return _while_down(seen, answer, check)
    if answer.ok:
        since = state.since if state.health is Health.UP else now
        return replace(seen, health=Health.UP, since=since, streak=0, failing_since=None), None
    if state.health is Health.UNKNOWN and moment_s < state.grace_ends_s:
        return seen, None
    first = state.failing_since if state.streak and state.failing_since else now
    seen = replace(seen, failing_since=first)
    if state.streak + 1 < check.down_after:
        return replace(seen, streak=state.streak + 1), None
    return replace(seen, health=Health.DOWN, since=now, streak=0), Fired(evidence_of(seen), first)


def _while_down(seen: WatchState, answer: ProbeAnswer, check: HealthCheck) -> tuple[WatchState, Recovered | None]:
    if not answer.ok:
        return replace(seen, streak=0), None
    if seen.streak + 1 < check.up_after:
        return replace(seen, streak=seen.streak + 1), None
    well = replace(seen, health=Health.UP, since=answer.at, streak=0, failing_since=None)
    return well, Recovered(evidence_of(seen))


def evidence_of(state: WatchState) -> str:
    """The remembered answers in words, oldest first, equal ones in a row told once; times in UTC."""
    return ", then ".join(_told(list(row)) for _, row in groupby(state.answers, key=lambda answer: answer.detail))


def _told(answers: list[ProbeAnswer]) -> str:
    last = answers[-1]
    times = "" if len(answers) == 1 else f"{len(answers)} times, last "
    moment = f"{last.at:%H:%M:%S}.{last.at.microsecond // 1000:03d}"
    return f"{last.detail} ({times}at {moment} after {last.latency_ms:.0f} ms)"


def alert_of(watched: Watched, starts_at: datetime, active_at: datetime | None = None) -> Alert:
    """The alert that says that this instance is down; `active_at`: when the first check failed."""
    instance = watched.instance
    labels = {
        "alertname": ALERT_NAME,
        "service": instance.service,
        "environment": watched.environment,
        "region": instance.region,
        "instance": instance.name,
        "severity": "critical",
    }
    return Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        summary=f"Service: {instance.service} in env: {watched.environment} is down, "
        f"url is {watched.url}, instance is {instance.name}",
        url=watched.url,
        starts_at=starts_at,
        active_at=active_at,
    )


def fingerprint(labels: dict[str, str]) -> str:
    """16 hexadecimal digits that depend on the labels alone, not on their order."""
    digest = hashlib.sha256()
    for name, value in sorted(labels.items()):
        for part in (name, value):
            raw = part.encode()
            digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.hexdigest()[:16]


def recovery_of(alert: Alert, why: str, at: datetime) -> str:
    """What is told when an alert recovers: why it did, how long it lasted, and what it said."""
    return f"{why}; it lasted {lasting(at - alert.starts_at)}: {alert.summary}"


def lasting(span: timedelta) -> str:
    """A time span as people say it, in its two largest units; below zero (a clock that jumped) counts as none."""
    left = max(0, round(span.total_seconds()))
    parts = []
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "less than a second"


def watched_of(spec: PlatformSpec) -> tuple[Watched, ...]:
    """Every instance that has a health check, with the placeholders of its command filled."""
    return tuple(
        Watched(environment=spec.environment, instance=instance, check=_filled(service.health, instance))
        for service in spec.services
        if service.health is not None
        for instance in service.instances
    )


def _filled(check: HealthCheck, instance: Instance) -> HealthCheck:
    if not check.command:
        return check
    values = {
        "address": str(instance.address),
        "host": instance.address.host,
        "port": str(instance.address.port),
        "instance": instance.name,
        "region": instance.region,
        "service": instance.service,
    }
    return replace(
        check, command=tuple(_PLACEHOLDER.sub(lambda found: values[found[1]], each) for each in check.command)
    )
