"""Decides which alerts only follow from another one that fires: they page nobody and open nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from stationmaster.core.response import IncidentSettings, LabelMatch
from stationmaster.incidents.reach import Reach
from stationmaster.incidents.routing import matches

_LITERALS = re.compile(r"[\w|-]+")


class Shared(Enum):
    """What source and target have to be about, beside labels that are equal."""

    NOTHING = "nothing"
    SERVICE = "service"
    """The source is about a service through which the target goes."""
    NODE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """While an alert that satisfies `source` fires, those that satisfy `target` follow from it; absent labels of
    `equal` count as empty."""

    source: tuple[LabelMatch, ...]
    target: tuple[LabelMatch, ...]
    equal: tuple[str, ...] = ()
    shared: Shared = Shared.NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An alert that fires in an open incident."""

    number: int
    fingerprint: str
    labels: Mapping[str, str]


def _named(pattern: str) -> tuple[LabelMatch, ...]:
    return (LabelMatch(name="alertname", value=pattern, is_regex=True),)


_DERIVED = (
    "(?i).*(budgetburn|errors?(rate|ratio)|(upstream|server|http)errors?|5xx|50[0234]|unreachable|latency|tooslow"
    "|slowrequests|timeouts?|scrapetargetdown|targetdown|nodata|absent).*"
)
"""Alerts of error rates, of slowness and of missing numbers, by how they are usually named."""

DEFAULTS = (
    Rule(
        source=_named("ServiceInstanceDown|ServiceRegionDown|ServiceDown"),
        target=_named(_DERIVED),
        equal=("environment",),
        shared=Shared.SERVICE,
    ),
    Rule(
        source=_named("GatewayNodeDown"),
        target=_named(f"{_DERIVED}|GatewayWayDown"),
        equal=("environment",),
        shared=Shared.NODE,
    ),
)
"""What holds as long as nobody declares `incidents.inhibit`: a dead instance explains what its service's callers see,
a dead gateway node what is seen through it."""


def rules_of(settings: IncidentSettings) -> tuple[Rule, ...]:
    """Those that are declared, instead of the defaults."""
    declared = tuple(Rule(source=each.source, target=each.target, equal=each.equal) for each in settings.inhibitions)
    return declared or DEFAULTS


def bearing(rules: Sequence[Rule], labels: Mapping[str, str]) -> tuple[Rule, ...]:
    """Those whose target the alert is."""
    return tuple(rule for rule in rules if matches(rule.target, labels))


def follows(rule: Rule, labels: Mapping[str, str], source: Source, reach: Reach) -> bool:
    """Whether an alert of these labels follows from the source by this rule. As with Alertmanager, what is source and
    target of a rule at once follows from no other such."""
    if not matches(rule.target, labels) or not matches(rule.source, source.labels):
        return False
    if matches(rule.source, labels) and matches(rule.target, source.labels):
        return False
    if any(labels.get(name, "") != source.labels.get(name, "") for name in rule.equal):
        return False
    match rule.shared:
        case Shared.SERVICE:
            return bool(reach.services_of(labels) & reach.services_of(source.labels))
        case Shared.NODE:
            return reach.node_of(labels) != "" and reach.node_of(labels) == reach.node_of(source.labels)
        case Shared.NOTHING:
            return True


def wanted(rule: Rule, labels: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """By which values of which labels sources of the rule can be looked up; they have still to be judged."""
    found: dict[str, frozenset[str]] = {}
    for name, values in (
        *_of_matches(rule.source),
        *((name, frozenset({labels.get(name, "")})) for name in rule.equal),
    ):
        if values != {""}:
            found[name] = found.get(name, values) & values
    return found


def _of_matches(matchers: Sequence[LabelMatch]) -> Iterator[tuple[str, frozenset[str]]]:
    for each in matchers:
        if each.is_equal and each.value and (not each.is_regex or _LITERALS.fullmatch(each.value)):
            yield each.name, frozenset(each.value.split("|") if each.is_regex else (each.value,))
