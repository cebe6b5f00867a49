"""Forwards to PagerDuty by its Events API, version 2: one event key for everything that one incident says."""

from typing import Any

from stationmaster.core.response import Contact
from stationmaster.incidents.notify import web
from stationmaster.incidents.notify.message import Message, Occasion, details, headline, one_line
from stationmaster.incidents.notify.receipt import Receipt, delivered, refused

ENDPOINT = "https://events.pagerduty.com/v2/enqueue"
_KEY_CHARACTERS, _SUMMARY_CHARACTERS = 255, 1024
_ACTIONS = {Occasion.ACKNOWLEDGED: "acknowledge", Occasion.RESOLVED: "resolve"}
_UNSAID = frozenset({Occasion.UPDATE, Occasion.UPDATE_OWED, Occasion.APPROVAL, Occasion.DIAGNOSIS})
"""Another trigger would open an incident there anew."""
_SEVERITIES = {
    "critical": "critical",
    "page": "critical",
    "error": "error",
    "high": "error",
    "warning": "warning",
    "warn": "warning",
    "info": "info",
    "informational": "info",
}


class PagerDuty:
    """The contact's secret is the routing key; its address, if there is one, another endpoint than PagerDuty's own."""

    async def send(self, contact: Contact, message: Message, secret: str) -> Receipt:
        if message.occasion in _UNSAID:
            return delivered("PagerDuty's events have no word for it: nothing is sent")
        endpoint, key = endpoint_of(contact, secret)
        if not key:
            return refused("there is no routing key: name a secret_file that holds it")
        return await web.post(endpoint, document(message, key))


def endpoint_of(contact: Contact, secret: str) -> tuple[str, str]:
    """Where events go, and the routing key."""
    if secret:
        return contact.address or ENDPOINT, secret
    return (ENDPOINT, contact.address) if "://" not in contact.address else (contact.address, "")


def document(message: Message, routing_key: str) -> dict[str, Any]:
    """https://developer.pagerduty.com/docs/events-api-v2/trigger-events/"""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": _ACTIONS.get(message.occasion, "trigger"),
        "dedup_key": message.group[:_KEY_CHARACTERS],
    }
    if event["event_action"] != "trigger":
        return event
    return event | {
        "payload": {
            "summary": one_line(headline(message), _SUMMARY_CHARACTERS),
            "source": message.instance or message.service or message.environment or "stationmaster",
            "severity": _SEVERITIES.get(message.severity.lower(), "critical"),
            "timestamp": message.since.isoformat(),
            "component": message.service,
            "group": message.environment,
            "custom_details": {
                "summary": message.summary,
                **({"diagnosis": message.diagnosis} if message.diagnosis else {}),
                **{name.lower(): text for name, text in details(message)},
            },
        },
        "links": [{"href": message.link, "text": f"Incident #{message.number}"}] if message.link else [],
        "client": "Stationmaster",
        "client_url": message.link,
    }
