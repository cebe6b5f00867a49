"""Decides from the answers of a check whether an instance is up, and when its alert fires and recovers."""

import hashlib
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
    streak: int = 0
    answers: tuple[ProbeAnswer, ...] = ()
    """The last answers, oldest first."""


@dataclass(frozen=True, slots=True)
class Fired:
    evidence: str


@dataclass(frozen=True, slots=True)
class Recovered:
    evidence: str


def begin(now: datetime) -> WatchState:
    """An instance that nobody has asked yet."""
    return WatchState(health=Health.UNKNOWN, since=now)


def hold(now: datetime) -> WatchState:
    """An instance that somebody stopped on purpose."""
    return WatchState(health=Health.HELD, since=now)


def resume(alert: Alert) -> WatchState:
    """An instance whose alert was firing when watching ended: it does not fire again, it can only recover."""
    return WatchState(health=Health.DOWN, since=alert.starts_at)


def step(
    state: WatchState, answer: ProbeAnswer, check: HealthCheck, now: datetime
) -> tuple[WatchState, Fired | Recovered | None]:
    """The state after one more answer, and the transition that it makes.

    The first good answer ends UNKNOWN; until then failures count only after `START_GRACE`, which begins anew
    when a hold ends. UP falls after
    `down_after` failures in a row, DOWN rises after `up_after` good answers in a row.
    """
    if state.health is Health.HELD:
        state = begin(now)
    seen = replace(state, answers=(*state.answers, answer)[-_REMEMBERED:])
    if state.health is Health.DOWN:
        return _while_down(seen, answer, check, now)
    if answer.ok:
        since = state.since if state.health is Health.UP else now
        return replace(seen, health=Health.UP, since=since, streak=0), None
    if state.health is Health.UNKNOWN and timedelta(0) <= now - state.since < START_GRACE:
        return seen, None
    if state.streak + 1 < check.down_after:
        return replace(seen, streak=state.streak + 1), None
    return replace(seen, health=Health.DOWN, since=now, streak=0), Fired(evidence_of(seen))


def _while_down(
    seen: WatchState, answer: ProbeAnswer, check: HealthCheck, now: datetime
) -> tuple[WatchState, Recovered | None]:
    if not answer.ok:
        return replace(seen, streak=0), None
    if seen.streak + 1 < check.up_after:
        return replace(seen, streak=seen.streak + 1), None
    return replace(seen, health=Health.UP, since=now, streak=0), Recovered(evidence_of(seen))


def evidence_of(state: WatchState) -> str:
    """The remembered answers in words, oldest first, equal ones in a row told once; times in UTC."""
    return ", then ".join(_told(list(row)) for _, row in groupby(state.answers, key=lambda answer: answer.detail))


def _told(answers: list[ProbeAnswer]) -> str:
    last = answers[-1]
    times = "" if len(answers) == 1 else f"{len(answers)} times, last "
    moment = f"{last.at:%H:%M:%S}.{last.at.microsecond // 1000:03d}"
    return f"{last.detail} ({times}at {moment} after {last.latency_ms:.0f} ms)"


def alert_of(watched: Watched, starts_at: datetime) -> Alert:
    """The alert that says that this instance is down."""
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
        summary=f"Service: {instance.service} in env: {watched.environment} is down, url is {watched.url}",
        url=watched.url,
        starts_at=starts_at,
    )


def fingerprint(labels: dict[str, str]) -> str:
    """16 hexadecimal digits that depend on the labels alone, not on their order."""
    digest = hashlib.sha256()
    for name, value in sorted(labels.items()):
        for part in (name, value):
            raw = part.encode()
            digest.update(len(raw).to_bytes(4, "big") + raw)
    return digest.hexdigest()[:16]


def watched_of(spec: PlatformSpec) -> tuple[Watched, ...]:
    """Every instance that has a health check."""
    return tuple(
        Watched(environment=spec.environment, instance=instance, check=service.health)
        for service in spec.services
        if service.health is not None
        for instance in service.instances
    )
