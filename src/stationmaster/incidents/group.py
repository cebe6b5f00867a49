"""Decides which incident an alert belongs to and when an incident is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from stationmaster.core.facts import Alert
from stationmaster.incidents.inhibit import Rule, Source, follows
from stationmaster.incidents.reach import Reach

APART = "..."
"""Alertmanager's word for grouping by every label, which is no grouping."""
_EVERYWHERE = "environment"
"""A label that says too little to put alerts together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """What its end depends on. `worked`: a runbook's run is under way, or one has still to be looked for."""

    number: int
    firing: bool
    worked: bool
    kept_open: bool = False
    """Somebody opened it although nothing fires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An open incident that has the alert; `active`: it fires there, or is worked."""

    number: int
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """An open incident that may take alerts like its own. `group` are the labels of the alert that opened it; `live`:
    one of its alerts fires or is worked."""

    number: int
    group: Mapping[str, str]
    last_alert_at: datetime
    live: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an alert meets: incidents that have it, silences that cover it, alerts that it may follow from, incidents
    that it may join."""

    known: Sequence[Known] = ()
    silences: tuple[str, ...] = ()
    sources: Sequence[Source] = ()
    near: Sequence[Near] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what alerts are placed."""

    group_by: tuple[str, ...]
    window_s: int
    rules: tuple[Rule, ...]
    reach: Reach

    def shared(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The labels of which one at least has to be the same."""
        if APART in self.group_by:
            return ()
        named = tuple(name for name in self.group_by if name != _EVERYWHERE and labels.get(name))
        return named or ("alertname",)

    def of_opening(self, alert: Alert) -> dict[str, str]:
        """The labels by which an incident that it opens takes further alerts."""
        labels = self.reach.grouped(alert)
        names = dict.fromkeys((*self.group_by, "alertname"))
        return {name: labels[name] for name in names if labels.get(name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """It fires there already, or is worked."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """It is silent for now."""

    silences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """It follows from the alert of that fingerprint."""

    number: int
    source: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    number: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    title: str


Placed: TypeAlias = Join | Hold | Follow | Grouped | Open


def place(alert: Alert, at: datetime, seen: Seen, terms: Terms) -> Placed:
    """What the incident has goes there, whatever else holds; what is silenced waits; what follows from another alert
    follows it; what is like an incident's alerts joins it; the rest opens one."""
    active = [each.number for each in seen.known if each.active]
    if active:
        return Join(number=max(active))
    if seen.silences:
        return Hold(silences=seen.silences)
    for rule in terms.rules:
        for source in seen.sources:
            if source.fingerprint != alert.fingerprint and follows(rule, alert.labels, source, terms.reach):
                why = f"it follows from {title_of(source.labels)}"
                return Follow(number=source.number, source=source.fingerprint, why=why)
    labels = terms.reach.grouped(alert)
    alike = [each for each in seen.near if _takes(each, labels, at, terms)]
    if alike:
        best = max(alike, key=lambda each: (len(_same(each, labels, terms)), each.last_alert_at, each.number))
        return Grouped(number=best.number, why=_why(_same(best, labels, terms), labels, terms))
    return Open(title=title_of(alert.labels))


def is_over(incident: OpenIncident) -> bool:
    """An incident is resolved when all its alerts have recovered and no run is under way."""
    return not incident.firing and not incident.worked and not incident.kept_open


def title_of(labels: Mapping[str, str]) -> str:
    """ "ServiceInstanceDown: key-us-south (api_key_service, us-south)"; what is not known is left out."""
    what = next((labels[name] for name in ("instance", "api", "node", "service") if labels.get(name)), "")
    around = [labels.get(name, "") for name in ("service", "node", "region")]
    rest = ", ".join(dict.fromkeys(each for each in around if each and each != what))
    name = labels.get("alertname") or "alert"
    return f"{name}{f': {what}' if what else ''}{f' ({rest})' if rest else ''}"[:500]


def _takes(near: Near, labels: Mapping[str, str], at: datetime, terms: Terms) -> bool:
    if not near.live or at - near.last_alert_at > timedelta(seconds=terms.window_s):
        return False
    apart = any(
        near.group.get(name) and labels.get(name) and near.group[name] != labels[name] for name in terms.group_by
    )
    return not apart and any(name in terms.shared(labels) for name in _same(near, labels, terms))


def _same(near: Near, labels: Mapping[str, str], terms: Terms) -> tuple[str, ...]:
    names = dict.fromkeys((*terms.group_by, *terms.shared(labels)))
    return tuple(name for name in names if labels.get(name) and near.group.get(name) == labels[name])


def _why(same: Sequence[str], labels: Mapping[str, str], terms: Terms) -> str:
    told = ", ".join(f"{name} {labels[name]}" for name in same)
    return f"{told}, and not more than {terms.window_s} s after the last alert of it"
