"""Decides which open incidents show the same failure, and names the likely cause: service, node or region."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from stationmaster.incidents.reach import Reach

_MOST_RELATIONS = 3
_MOST_NAMED = 5


class Kind(IntEnum):
    """What is shared; the earlier explains more."""

    DEPENDENCY = 1
    NODE = 2
    SERVICE = 3
    NEEDED = 4
    """A service of which nothing is known to fail, and which all of them need."""
    REGION = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An open incident with the labels of its alerts that fire."""

    number: int
    alerts: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """`numbers` are the other incidents; `cause` is what they share, `why` says how it is known."""

    kind: Kind
    cause: str
    why: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Facets:
    number: int
    services: frozenset[str]
    nodes: frozenset[str]
    regions: frozenset[str]
    needs: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Shared:
    kind: Kind
    cause: str
    why: str
    numbers: frozenset[int]


def correlate(cases: Sequence[Case], reach: Reach) -> Mapping[int, tuple[Relation, ...]]:
    """What each of them shares with others, what explains most first; nothing for those that stand alone."""
    facets = [_facets(each, reach) for each in cases]
    found: dict[int, list[Relation]] = {}
    for shared in sorted(_all_shared(facets, reach), key=lambda each: (each.kind, -len(each.numbers), each.cause)):
        for number in shared.numbers:
            others = tuple(sorted(shared.numbers - {number}))
            relation = Relation(kind=shared.kind, cause=shared.cause, why=shared.why, numbers=others)
            known = found.setdefault(number, [])
            if len(known) < _MOST_RELATIONS and not any(set(others) <= set(each.numbers) for each in known):
                known.append(relation)
    return {number: tuple(relations) for number, relations in found.items()}


def _facets(case: Case, reach: Reach) -> _Facets:
    services = frozenset(name for labels in case.alerts for name in reach.services_of(labels))
    return _Facets(
        number=case.number,
        services=services,
        nodes=frozenset(node for labels in case.alerts if (node := reach.node_of(labels))),
        regions=frozenset(region for labels in case.alerts if (region := reach.region(labels))),
        needs=frozenset(need for name in services for need in reach.needs.get(name, frozenset())) - services,
    )


def _all_shared(facets: Sequence[_Facets], reach: Reach) -> Iterator[_Shared]:
    yield from _dependencies(facets, reach)
    yield from _nodes(facets)
    yield from _regions(facets, reach)


def _dependencies(facets: Sequence[_Facets], reach: Reach) -> Iterator[_Shared]:
    failing, needing = _by(facets, "services"), _by(facets, "needs")
    for name in sorted(failing.keys() | needing.keys()):
        fails, needs = failing.get(name, []), needing.get(name, [])
        numbers = frozenset(each.number for each in (*fails, *needs))
        if len(numbers) < 2:
            continue
        dependents = sorted({one for each in needs for one in each.services if name in reach.needs.get(one, ())})
        if fails and needs:
            why = f"service {name} fails itself ({_numbers(fails)}), and {_listed(dependents)} cannot answer without it"
            yield _Shared(Kind.DEPENDENCY, f"service {name}", why, numbers)
        elif fails:
            yield _Shared(Kind.SERVICE, f"service {name}", f"all of them are about service {name}", numbers)
        elif len(dependents) > 1:
            why = f"{_listed(dependents)} cannot answer without service {name}, of which nothing is known to fail"
            yield _Shared(Kind.NEEDED, f"service {name}", why, numbers)


def _nodes(facets: Sequence[_Facets]) -> Iterator[_Shared]:
    for name, some in sorted(_by(facets, "nodes").items()):
        if len(some) > 1:
            numbers = frozenset(each.number for each in some)
            yield _Shared(
                Kind.NODE, f"gateway node {name}", f"all of them are seen through gateway node {name}", numbers
            )


def _regions(facets: Sequence[_Facets], reach: Reach) -> Iterator[_Shared]:
    """A region counts where there are several, and where it is all that different services have in common."""
    if len(set(reach.region_of.values())) < 2:
        return
    for name, some in sorted(_by((each for each in facets if len(each.regions) == 1), "regions").items()):
        services = sorted({one for each in some for one in each.services})
        if len(some) > 1 and len(services) > 1:
            why = f"{_listed(services)} fail in region {name}, and nowhere else"
            yield _Shared(Kind.REGION, f"region {name}", why, frozenset(each.number for each in some))


def _by(facets: Iterable[_Facets], what: str) -> dict[str, list[_Facets]]:
    found: dict[str, list[_Facets]] = {}
    for each in facets:
        values: frozenset[str] = getattr(each, what)
        for value in values:
            found.setdefault(value, []).append(each)
    return found


def _numbers(some: Sequence[_Facets]) -> str:
    return _listed([f"#{each.number}" for each in sorted(some, key=lambda one: one.number)])


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
