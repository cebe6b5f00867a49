"""Reads events of PagerDuty's Events API v2 as alerts of the service whose routing key they bear."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.incidents.intake.alertmanager import moment
from stationmaster.incidents.intake.foreign import ForeignAlert, clean, cut, kept, kept_url

SOURCE = "events-v2"
_LONGEST_SUMMARY, _LONGEST_KEY, _LONGEST_FIELD = 1_024, 255, 255
_SEVERITIES = ("critical", "error", "warning", "info")
_MOST_DETAILS = 64


class EventAction(Enum):
    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


class _Payload(msgspec.Struct, kw_only=True):
    summary: str
    source: str
    severity: str
    timestamp: str | None = None
    component: str | None = None
    group: str | None = None
    class_: str | None = msgspec.field(default=None, name="class")
    custom_details: Any = None


class _Link(msgspec.Struct):
    href: str = ""
    text: str = ""


class _Event(msgspec.Struct, kw_only=True):
    routing_key: str
    event_action: EventAction
    dedup_key: str | None = None
    payload: _Payload | None = None
    links: list[_Link] | None = None
    client: str | None = None
    client_url: str | None = None


class _ChangePayload(msgspec.Struct, kw_only=True):
    summary: str
    source: str | None = None
    timestamp: str | None = None
    custom_details: Any = None


class _Change(msgspec.Struct, kw_only=True):
    routing_key: str
    payload: _ChangePayload
    links: list[_Link] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    routing_key: str
    action: EventAction
    dedup_key: str
    summary: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    url: str = ""
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignChange:
    """Something was changed on purpose, somebody says."""

    routing_key: str
    summary: str
    source: str
    details: tuple[tuple[str, str], ...] = ()


def read(body: bytes) -> Event:
    """Raises PlatformError `invalid-event`, whose message names what is wrong."""
    found = _decoded(body, _Event)
    dedup_key = found.dedup_key or ""
    if len(dedup_key) > _LONGEST_KEY:
        raise _invalid(f"Length of 'dedup_key' is more than {_LONGEST_KEY} characters")
    if found.event_action is not EventAction.TRIGGER:
        if not dedup_key:
            raise _invalid(f"'dedup_key' is missing or blank: {found.event_action.value} needs it")
        return Event(routing_key=found.routing_key, action=found.event_action, dedup_key=dedup_key)
    return _triggered(found, found.payload, dedup_key or uuid.uuid4().hex)


def read_change(body: bytes) -> ForeignChange:
    """Raises PlatformError `invalid-event`."""
    found = _decoded(body, _Change)
    summary = clean(found.payload.summary)
    if not summary.strip():
        raise _invalid("'payload.summary' is missing or blank")
    return ForeignChange(
        routing_key=found.routing_key,
        summary=cut(summary, _LONGEST_SUMMARY),
        source=clean(found.payload.source or "")[:_LONGEST_FIELD],
        details=tuple(sorted(_details(found.payload.custom_details).items())),
    )


def key_of(routing_key_id: str, dedup_key: str) -> str:
    """Dedup keys are told apart by the routing key that they came with."""
    return "event-" + hashlib.sha256(f"{routing_key_id}\0{dedup_key}".encode("utf-8", "replace")).hexdigest()[:32]


def alert_of(event: Event, key: str, service: str, now: datetime) -> ForeignAlert:
    """It fires until a `resolve` comes."""
    return ForeignAlert(
        key=key,
        source=SOURCE,
        labels={**dict(event.labels), "service": service},
        annotations=dict(event.annotations),
        url=event.url,
        starts_at=min(event.starts_at or now, now),
        ends_at=None,
    )


def _triggered(found: _Event, payload: _Payload | None, dedup_key: str) -> Event:
    if payload is None:
        raise _invalid("'payload' is missing or blank")
    for name, value in (("summary", payload.summary), ("source", payload.source)):
        if not value.strip():
            raise _invalid(f"'payload.{name}' is missing or blank")
    if payload.severity not in _SEVERITIES:
        raise _invalid(f"'payload.severity' is invalid (must be one of the following: {', '.join(_SEVERITIES)})")
    summary = cut(clean(payload.summary), _LONGEST_SUMMARY)
    labels = {
        "alertname": payload.class_ or cut(summary, 120),
        "severity": payload.severity,
        "instance": payload.source,
        "component": payload.component,
        "group": payload.group,
    }
    links = "\n".join(f"{each.text} {each.href}".strip() for each in (found.links or ())[:20])
    annotations = {"summary": summary, "client": found.client or "", "links": links}
    return Event(
        routing_key=found.routing_key,
        action=EventAction.TRIGGER,
        dedup_key=dedup_key,
        summary=summary,
        labels=tuple((name, clean(value)[:_LONGEST_FIELD]) for name, value in labels.items() if value),
        annotations=tuple(sorted(kept({**_details(payload.custom_details), **annotations}).items())),
        url=kept_url(found.client_url or ""),
        starts_at=_moment(payload.timestamp),
    )


def _details(custom: Any) -> dict[str, str]:
    if custom in (None, ""):
        return {}
    pairs = custom if isinstance(custom, dict) else {"details": custom}
    said = {str(name): each if isinstance(each, str) else _json(each) for name, each in pairs.items()}
    return dict(list(kept(said).items())[:_MOST_DETAILS])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _moment(text: str | None) -> datetime | None:
    try:
        return moment(datetime.fromisoformat(text)) if text else None
    except ValueError:
        return None


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(str(error)) from error


def _invalid(why: str) -> PlatformError:
    return PlatformError("invalid-event", why, hint="https://developer.pagerduty.com names the fields of an event")
