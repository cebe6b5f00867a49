"""An alert of a rule as the rest of the platform knows it: labels, summary, URL, where its rule stands."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from stationmaster.core.facts import Alert
from stationmaster.core.problem import NOWHERE, Origin
from stationmaster.core.rules import Rule
from stationmaster.monitor.alerting.states import ActiveAlert
from stationmaster.monitor.alerting.template.values import shortest
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.rules import fingerprint

_SUMMARIES = ("summary", "description", "message", "title")
_URLS = ("url", "instance_url", "target", "instance")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


def outward(labels: Labels, external_labels: Mapping[str, str]) -> dict[str, str]:
    """The labels with which an alert leaves us: external ones are added where it has none of that name."""
    return {**external_labels, **dict(labels)}


def fingerprint_of(labels: Labels, external_labels: Mapping[str, str]) -> str:
    return fingerprint(outward(labels, external_labels))


def alert_of(alert: ActiveAlert, rule: Rule, external_labels: Mapping[str, str]) -> Alert:
    labels = outward(alert.labels, external_labels)
    return Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        summary=_summary(labels, alert.annotations),
        url=_url(labels, alert.annotations),
        starts_at=moment(alert.active_ms if alert.fired_ms is None else alert.fired_ms),
        annotations=alert.annotations,
        active_at=moment(alert.active_ms),
        rule=place(rule.origin),
    )


def place(origin: Origin) -> str:
    """As `rules/node.yml:12`."""
    return "" if origin == NOWHERE else f"{origin.file}:{origin.line}" if origin.line else origin.file


def fired_evidence(alert: ActiveAlert, rule: Rule) -> str:
    since = f"since {_clock(alert.active_ms)}"
    return f"{_short(rule.expr)} gives {shortest(alert.value)} {since} (rule {place(rule.origin) or rule.name})"


def recovered_evidence(alert: ActiveAlert, rule: Rule, at_ms: int) -> str:
    last = f"its last value was {shortest(alert.value)}"
    return f"{_short(rule.expr)} gave nothing more at {_clock(at_ms)}; {last}"


def _summary(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    for name in _SUMMARIES:
        if annotations.get(name, "").strip():
            return annotations[name].strip()
    told = ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
    return f"{labels.get('alertname', '')} ({told})" if told else labels.get("alertname", "")


def _url(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    for given in (annotations, labels):
        for name in _URLS:
            value = given.get(name, "")
            if value and (name == "url" or value.startswith(("http://", "https://"))):
                return value
    return ""


def _clock(at_ms: int) -> str:
    return f"{moment(at_ms):%Y-%m-%d %H:%M:%S} UTC"


def _short(expr: str) -> str:
    """On one line, and not too long for a page."""
    line = " ".join(expr.split())
    return line if len(line) <= 200 else line[:199] + "…"
