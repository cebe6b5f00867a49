"""The words of alerts that others send: what one says, what is kept of it, and what is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stationmaster.core.facts import Alert

RESOLVE_AFTER = timedelta(minutes=5)
"""An alert of Alertmanager's API without an end is over so long after it was last sent."""
LONGEST_TEXT = 32_768
"""Characters of an annotation that are kept."""
_LONGEST_LABEL = 4_096
_MOST_LABELS = 128
_LONGEST_URL = 2_048
_CUT = " … (cut)"
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]")
_REPLACEMENT = "�"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignAlert:
    """What somebody said of one alert. `ends_at` in the past: it is over; None: it fires until somebody says that it
    does not. `source` says by what way it came; `key` is what tells it from all others."""

    key: str
    source: str
    labels: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None
    annotations: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    is_timeout: bool = False
    """The sender named no end."""

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "alert")

    def fires(self, now: datetime) -> bool:
        return self.ends_at is None or self.ends_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Somebody says that the alert of this key is over, and nothing else of it."""

    key: str
    at: datetime


def wrong_with(labels: Mapping[str, str]) -> str:
    """What makes an alert unusable, or nothing."""
    if not labels:
        return "at least one label pair required"
    long = next((name for name, value in labels.items() if len(value) > _LONGEST_LABEL), None)
    if long is not None:
        return f"label {shown(long)} has more than {_LONGEST_LABEL:,} characters"
    return _wrong_names("label", labels)


def wrong_with_annotations(annotations: Mapping[str, str]) -> str:
    return _wrong_names("annotation", annotations)


def _wrong_names(what: str, pairs: Mapping[str, str]) -> str:
    if len(pairs) > _MOST_LABELS:
        return f"more than {_MOST_LABELS} {what}s"
    odd = next((name for name in pairs if not _LABEL_NAME.fullmatch(name)), None)
    return "" if odd is None else f"invalid {what} name {shown(odd)}"


def shown(text: str) -> str:
    """Quoted, short, and harmless on a terminal."""
    return repr(clean(text)[:60])


def clean(text: str) -> str:
    """Without control characters, which steer terminals and which not every database takes."""
    return _CONTROL.sub(_REPLACEMENT, text)


def cleaned(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels with an empty value are as good as absent."""
    return {name: clean(value) for name, value in labels.items() if value}


def kept(annotations: Mapping[str, str]) -> dict[str, str]:
    return {name: cut(clean(value), LONGEST_TEXT) for name, value in annotations.items() if value}


def kept_url(url: str) -> str:
    return clean(url) if len(url) <= _LONGEST_URL else ""


def cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - len(_CUT)] + _CUT


def as_alert(given: ForeignAlert, environment: str) -> Alert:
    """In the words of the platform: an alert that names no environment is of the one that receives it."""
    labels = {"environment": environment, **given.labels} if environment else dict(given.labels)
    return Alert(
        fingerprint=given.key,
        labels=labels,
        summary=cut(_summary(given), 1_024),
        url=given.url,
        starts_at=given.starts_at,
        annotations={name: cut(value, _LONGEST_LABEL) for name, value in given.annotations.items()},
        rule=given.source,
    )


def _summary(given: ForeignAlert) -> str:
    said = next(
        (
            given.annotations[name]
            for name in ("summary", "description", "message", "title")
            if given.annotations.get(name, "").strip()
        ),
        "",
    )
    return (
        f"{given.name}: {said}"
        if said
        else f"{given.name} fires ({', '.join(_others(given.labels)) or 'no other label'})"
    )


def _others(labels: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname"]
