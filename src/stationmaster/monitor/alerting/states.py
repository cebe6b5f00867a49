"""Decides which alerts of a rule are pending and firing, as Prometheus does, from what its query gave and what was."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

from stationmaster.core.rules import AlertingRule
from stationmaster.monitor.alerting.prepared import Prepared
from stationmaster.monitor.alerting.template.functions import Surroundings
from stationmaster.monitor.alerting.template.values import Data
from stationmaster.monitor.promql.results import VectorSample
from stationmaster.monitor.promql.samples import Labels

MOST_ALERTS: Final = 5_000
"""Of one rule whose group sets no `limit`: more than that say no more, and each of them is written and told."""


class Phase(Enum):
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlert:
    """One alert of a rule; moments in milliseconds since 1970.

    `labels` hold `alertname`; `active_ms` is since when its series is given; `held_ms` since when it is gone and only
    `keep_firing_for` holds the alert.
    """

    labels: Labels
    annotations: Mapping[str, str]
    phase: Phase
    value: float
    active_ms: int
    fired_ms: int | None = None
    held_ms: int | None = None


Active: TypeAlias = Mapping[Labels, ActiveAlert]


class Step(Enum):
    """What became of an alert."""

    PENDING = "pending"
    FIRED = "fired"
    HELD = "held"
    """Its series is gone, `keep_firing_for` holds it, or no longer has to: the series is back."""
    RESOLVED = "resolved"
    DROPPED = "dropped"
    """It was pending and never fired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """`alert` is as it is now, or was at its end."""

    step: Step
    alert: ActiveAlert


class RuleError(Exception):
    """A rule whose results cannot be taken; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What surrounds an evaluation: its moment, what templates may ask for, and labels that all alerts bear when they
    leave us. `late` says that its time is over. While it is `settling` the clock was set back a moment ago, and nothing
    ends for want of a series."""

    at_ms: int
    given: Surroundings
    external_labels: Mapping[str, str]
    limit: int = 0
    settling: bool = False
    late: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    active: Active
    transitions: tuple[Transition, ...]


def advance(prepared: Prepared, found: Sequence[VectorSample], active: Active, scene: Scene) -> Advanced:
    """The alerts of an alerting rule after one more evaluation; raises RuleError, then all is as it was.

    Where Prometheus drops the alerts of a rule that exceeds its limit, they stay: an alarm must not end by there
    being too many.
    """
    rule = prepared.rule
    if not isinstance(rule, AlertingRule):
        raise TypeError(f"{rule.name} gives no alerts")
    most = scene.limit or MOST_ALERTS
    if len(found) > most:  # before their texts are written, which takes long
        raise RuleError(f"exceeded limit of {most} with {len(found)} alerts")
    given = _alerts(prepared, found, scene)
    steps = [_seen(active.get(labels), fresh, rule, scene.at_ms) for labels, fresh in given.items()]
    for labels, alert in active.items():
        if labels not in given:
            steps.append((alert, None) if scene.settling else _gone(alert, rule, scene.at_ms))
    now = {alert.labels: alert for alert, step in steps if step not in (Step.RESOLVED, Step.DROPPED)}
    if len(now) > most:
        raise RuleError(f"exceeded limit of {most} with {len(now)} alerts")
    told = tuple(Transition(step=step, alert=alert) for alert, step in steps if step is not None)
    return Advanced(active=now, transitions=told)


def _alerts(prepared: Prepared, found: Sequence[VectorSample], scene: Scene) -> Active:
    """What the query gave, as alerts that are new at this moment."""
    made: dict[Labels, ActiveAlert] = {}
    for sample in found:
        if scene.late():
            raise RuleError("writing the texts of its alerts took longer than the interval of its group")
        data = Data(
            labels=dict(sample.labels),
            value=float(sample.value),
            external_labels=scene.external_labels,
            external_url=scene.given.external_url,
        )
        labels = _labels(prepared, data, scene)
        if labels in made:
            raise RuleError("vector contains metrics with the same labelset after applying alert labels")
        annotations = {name: written.expand(data, scene.given) for name, written in prepared.annotations}
        made[labels] = ActiveAlert(
            labels=labels,
            annotations=annotations,
            phase=Phase.PENDING,
            value=float(sample.value),
            active_ms=scene.at_ms,
        )
    return made


def _labels(prepared: Prepared, data: Data, scene: Scene) -> Labels:
    labels = {name: value for name, value in data.labels.items() if name != "__name__"}
    for name, written in prepared.labels:
        labels[name] = written.expand(data, scene.given)
    labels["alertname"] = prepared.rule.name
    return tuple(sorted((name, value) for name, value in labels.items() if value))


def _seen(
    before: ActiveAlert | None, fresh: ActiveAlert, rule: AlertingRule, at_ms: int
) -> tuple[ActiveAlert, Step | None]:
    """An alert whose series is given."""
    alert = fresh
    if before is not None:
        alert = replace(before, value=fresh.value, annotations=fresh.annotations, held_ms=None)
    if alert.phase is Phase.PENDING and at_ms - alert.active_ms >= rule.for_ms:
        return replace(alert, phase=Phase.FIRING, fired_ms=at_ms), Step.FIRED
    if before is None:
        return alert, Step.PENDING
    return alert, None if before.held_ms is None else Step.HELD


def _gone(alert: ActiveAlert, rule: AlertingRule, at_ms: int) -> tuple[ActiveAlert, Step | None]:
    """An alert whose series is not given any more."""
    if alert.phase is Phase.PENDING:
        return alert, Step.DROPPED
    since = at_ms if alert.held_ms is None else alert.held_ms
    if rule.keep_firing_ms <= at_ms - since:
        return alert, Step.RESOLVED
    return replace(alert, held_ms=since), Step.HELD if alert.held_ms is None else None


def series_of(active: Active) -> Iterator[tuple[Labels, float]]:
    """The series `ALERTS` and `ALERTS_FOR_STATE` that tell of them."""
    for alert in active.values():
        yield _named("ALERTS", alert, alertstate=alert.phase.value), 1.0
        yield _named("ALERTS_FOR_STATE", alert), float(alert.active_ms // 1000)


def _named(name: str, alert: ActiveAlert, **more: str) -> Labels:
    return tuple(sorted((dict(alert.labels) | more | {"__name__": name}).items()))


def shifted(active: Active, by_ms: int) -> Active:
    """The same alerts after the clock was set: every span of time that ran goes on as long as it was."""
    return {
        labels: replace(
            alert,
            active_ms=alert.active_ms + by_ms,
            fired_ms=None if alert.fired_ms is None else alert.fired_ms + by_ms,
            held_ms=None if alert.held_ms is None else alert.held_ms + by_ms,
        )
        for labels, alert in active.items()
    }
