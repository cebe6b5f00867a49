"""Decides what the platform itself has to tell the public of an incident."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stationmaster.core.response import Component
from stationmaster.incidents.status.neutral import Moment
from stationmaster.incidents.status.standing import Parts, Suffering, derived
from stationmaster.incidents.status.words import PostStatus, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An incident that the public knows of: what it was told last, the last moment that was dealt with, and the
    moment that the incident is at. `felt`: one of its components still suffers, if only from another incident."""

    incident: int
    told: PostStatus
    seen: Moment
    now_at: Moment
    felt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """`told` False: somebody has told of that moment already, or of a later one; it only counts as dealt with."""

    incident: int
    moment: Moment
    told: bool = True


_FAR: Mapping[PostStatus, Moment] = {
    PostStatus.INVESTIGATING: Moment.OPENED,
    PostStatus.IDENTIFIED: Moment.OPENED,
    PostStatus.MONITORING: Moment.MITIGATED,
    PostStatus.RESOLVED: Moment.RESOLVED,
    PostStatus.POSTMORTEM: Moment.RESOLVED,
}
_ORDER = tuple(Moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Incidents that the public knows of, and the components of those that it was not told the end of."""

    incidents: frozenset[int]
    components: frozenset[str]


def new_ones(felt: Sequence[Suffering], components: Sequence[Component], parts: Parts, told: Told) -> tuple[int, ...]:
    """Incidents that the public does not know of, and that a component suffers from of which it was told nothing:
    a hundred incidents of one component are one to the public."""
    by_incident: dict[int, list[Suffering]] = {}
    for each in felt:
        if each.incident not in told.incidents:
            by_incident.setdefault(each.incident, []).append(each)
    covered, found = set(told.components), []
    for number, theirs in sorted(by_incident.items()):
        names = suffering_components(theirs, components, parts)
        if names - covered:
            found.append(number)
            covered |= names
    return tuple(found)


def suffering_components(felt: Sequence[Suffering], components: Sequence[Component], parts: Parts) -> frozenset[str]:
    return frozenset(each.name for each in components if derived(each, felt, parts) is not Standing.OPERATIONAL)


def due(known: Iterable[Known]) -> tuple[Due, ...]:
    """What has changed since it was dealt with last. One that is open again is told of again; one that is over is not
    told to be as long as its components suffer."""
    found = []
    for each in known:
        if each.now_at is each.seen:
            continue
        ahead = _ORDER.index(_FAR[each.told]) >= _ORDER.index(each.now_at)
        goes_on = _ORDER.index(each.now_at) > _ORDER.index(each.seen)
        if goes_on and each.felt:
            continue
        # Somebody who told of more than there is has his reasons; what happens anew is told all the same.
        found.append(Due(incident=each.incident, moment=each.now_at, told=not (ahead and goes_on)))
    return tuple(found)
