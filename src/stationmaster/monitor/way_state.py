"""What is known of the way of an API through a node, and which alerts that makes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from stationmaster.core.facts import Alert
from stationmaster.core.spec import HealthCheck
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.crossing import Crossing, NodeWay
from stationmaster.monitor.regions import Outage
from stationmaster.monitor.rules import Health, WatchState, evidence_of, fingerprint, step
from stationmaster.monitor.way import Diagnosis, Place

API_UNREACHABLE = "ApiUnreachable"
NODE_DOWN = "GatewayNodeDown"
WAY_DOWN = "GatewayWayDown"
_OF_THE_CHECK = frozenset({Place.CREDENTIALS, Place.PERMISSION, Place.LIMIT})
"""Clients with credentials of their own may well be served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WayState:
    """`rival` is another place that the newest answer spoke for: two in a row move the diagnosis there."""

    watch: WatchState
    diagnosis: Diagnosis | None = None
    rival: Place | None = None


def advance(
    state: WayState, answer: ProbeAnswer, found: Diagnosis | None, check: HealthCheck, *, moment_s: float
) -> WayState:
    """The state after one more answer, of which `found` says where it broke off."""
    watch, _ = step(state.watch, answer, check, moment_s)
    if watch.health is not Health.DOWN:
        return WayState(watch=watch)
    if found is None:
        return replace(state, watch=watch, rival=None)
    moves = state.diagnosis is None or found.place in (state.diagnosis.place, state.rival)
    if moves:
        return WayState(watch=watch, diagnosis=found)
    return replace(state, watch=watch, rival=found.place)


def resumed(crossing: Crossing, way: NodeWay, firing: Iterable[str], since: datetime) -> WayState | None:
    """The state of a way whose alert (`firing` holds its fingerprint) fired when watching ended."""
    known = set(firing)
    for place in Place:
        diagnosis = Diagnosis(place=place, text="it fired before the monitor was started")
        if outage_of(crossing, way, diagnosis, since).alert.fingerprint in known:
            return WayState(watch=WatchState(health=Health.DOWN, since=since), diagnosis=diagnosis)
    return None


def outages(states: Iterable[tuple[Crossing, NodeWay, WayState]], now: datetime) -> dict[str, Outage]:
    """What should fire now, by fingerprint; several APIs through a dead node make one alert of the node."""
    found: dict[str, Outage] = {}
    for outage in _outages(states, now):
        found.setdefault(outage.alert.fingerprint, outage)
    return found


def _outages(states: Iterable[tuple[Crossing, NodeWay, WayState]], now: datetime) -> Iterator[Outage]:
    for crossing, way, state in states:
        if state.watch.health is Health.DOWN and state.diagnosis is not None:
            outage = outage_of(crossing, way, state.diagnosis, now)
            evidence = f"{state.diagnosis.text}; {evidence_of(state.watch)}" if state.watch.answers else outage.evidence
            alert = replace(outage.alert, active_at=state.watch.failing_since)
            yield replace(outage, alert=alert, evidence=evidence)


def outage_of(crossing: Crossing, way: NodeWay, diagnosis: Diagnosis, now: datetime) -> Outage:
    """The alert of a way that is broken off at this place."""
    url = crossing.url(way)
    labels, what = _labels(crossing, way, diagnosis.place)
    alert = Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        summary=f"{what} in env: {crossing.environment}, url is {url}; likely place: {diagnosis.place.value}",
        url=url,
        starts_at=now,
        annotations={"place": diagnosis.place.value, "description": diagnosis.text},
    )
    return Outage(alert=alert, evidence=diagnosis.text)


def _labels(crossing: Crossing, way: NodeWay, place: Place) -> tuple[dict[str, str], str]:
    node = {"environment": crossing.environment, "node": way.node, "severity": "critical"}
    match place:
        case Place.NODE:
            return {"alertname": NODE_DOWN, **node}, f"Gateway node: {way.node} is down"
        case Place.WAY_TO_NODE:
            return {"alertname": WAY_DOWN, **node}, f"The way to gateway node: {way.node} is down"
        case Place.WAY_FROM_NODE:
            labels = {"alertname": WAY_DOWN, **node, "service": crossing.service}
            return labels, f"The way from gateway node: {way.node} to service: {crossing.service} is down"
        case _:
            labels = {"alertname": API_UNREACHABLE, **node, "api": crossing.api, "service": crossing.service}
            labels |= {"region": crossing.region, "severity": "warning" if place in _OF_THE_CHECK else "critical"}
            kept = {name: value for name, value in labels.items() if value}
            return kept, f"API: {crossing.api} (service: {crossing.service}) through node: {way.node} is unreachable"
