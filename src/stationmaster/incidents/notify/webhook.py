"""Tells a foreign system in the words of Alertmanager's webhook, version 4."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from stationmaster.core.response import Contact
from stationmaster.incidents.notify import web
from stationmaster.incidents.notify.message import Message, Occasion, Shown, one_line, plain
from stationmaster.incidents.notify.receipt import Receipt

_OF_ANY_TIME, _OVER = frozenset({Occasion.UPDATE}), frozenset({"resolved", "reviewed"})
"""Updates are also given after the end: they must not make anything fire again."""
_DIAGNOSIS_CHARACTERS = 8000
_NEVER = "0001-01-01T00:00:00Z"


class Webhook:
    async def send(self, contact: Contact, message: Message, secret: str) -> Receipt:
        return await web.post(secret or contact.address, document(message, contact.name))


def document(message: Message, receiver: str) -> dict[str, Any]:
    """https://prometheus.io/docs/alerting/latest/configuration/#webhook_config; what is known of the incident beside
    its alerts stands in the common annotations."""
    over = message.occasion is Occasion.RESOLVED or (message.occasion in _OF_ANY_TIME and message.status in _OVER)
    common = _common(message.alerts)
    alerts = [_alert(each, message, over=over) for each in message.alerts]
    return {
        "version": "4",
        "groupKey": message.group,
        "truncatedAlerts": 0,
        "status": "resolved" if over else "firing",
        "receiver": receiver,
        "groupLabels": {"incident": str(message.number)},
        "commonLabels": common,
        "commonAnnotations": _annotations(message),
        "externalURL": message.link,
        "alerts": alerts,
    }


def _annotations(message: Message) -> dict[str, str]:
    found = {
        "title": one_line(message.title),
        "summary": plain(message.summary),
        "update": plain(message.text),
        "status": message.status,
        "occasion": message.occasion.value,
        "severity": message.severity,
        "why": message.why,
        "acknowledge": message.acknowledge,
        "diagnosis": plain(message.diagnosis, _DIAGNOSIS_CHARACTERS),
        "approve": message.approve,
        "perhaps_sent_before": "true" if message.maybe_second else "",
    }
    return {name: value for name, value in found.items() if value}


def _common(alerts: Sequence[Shown]) -> dict[str, str]:
    first = alerts[0].labels if alerts else {}
    return {name: value for name, value in first.items() if all(each.labels.get(name) == value for each in alerts)}


def _alert(alert: Shown, message: Message, *, over: bool) -> dict[str, Any]:
    firing = alert.firing and not over
    return {
        "status": "firing" if firing else "resolved",
        "labels": dict(alert.labels),
        "annotations": {"summary": plain(alert.summary)},
        "startsAt": _text(alert.starts_at),
        "endsAt": _NEVER if firing or alert.ends_at is None else _text(alert.ends_at),
        "generatorURL": message.link,
        "fingerprint": alert.fingerprint,
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
