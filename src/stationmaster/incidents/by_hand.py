"""Opens an incident that no alert tells of: somebody saw it; only somebody ends it."""

import hashlib
from dataclasses import dataclass

from stationmaster.core.facts import Alert
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Urgency
from stationmaster.incidents import linked, opening, store
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.routing import route
from stationmaster.incidents.store import Opening
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime import audit
from stationmaster.runtime.audit import Change

ALERT_NAME = "OpenedByHand"
KEY_LABEL = "incident_key"
"""The label of an alert that bears the key which somebody gave it."""
_LONGEST_TITLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`key` tells it from others of its service; nothing: it is like no other. `urgency` None: the routing decides."""

    title: str
    service: str
    details: str = ""
    key: str = ""
    urgency: Urgency | None = None
    priority: str = ""


async def open_by_hand(ground: Ground, seen: Seen, *, by: str) -> int:
    """Returns its number. Raises PlatformError `empty-title`, `long-title`, or `open-already` (409)."""
    _check(seen)
    at, spec = ground.clock.now(), ground.declared.value
    async with ground.database.write() as connection:
        fingerprint = fingerprint_of(seen.service, seen.key or f"{at.timestamp():.6f} {seen.title}")
        for each in await linked.open_incidents(connection, fingerprint=fingerprint):
            text = f"#{each.number} is open with this key already"
            raise PlatformError("open-already", text, hint="work on that one, or use another key", status=409)
        severity = "warning" if seen.urgency is Urgency.LOW else "critical"
        labels = {"alertname": ALERT_NAME, "service": seen.service, "environment": spec.environment}
        alert = Alert(
            fingerprint=fingerprint,
            labels={**labels, "severity": severity} | ({KEY_LABEL: seen.key} if seen.key else {}),
            summary=seen.details or seen.title,
            url="",
            starts_at=at,
        )
        opened = Opening(title=seen.title.strip(), at=at, chain_at=at, routed=route(spec, alert.labels))
        first = Entry(at=at, kind="incident.declared", by=by, text=f"opened by hand: {seen.details or seen.title}")
        number = await opening.open_with(connection, opened, alert, ground.directory(), first=first)
        await linked.record_recovery(connection, fingerprint, at)
        urgency = {} if seen.urgency is None else {"urgency": seen.urgency.value}
        await store.change(connection, number, kept_open=True, priority=seen.priority, **urgency)
        after = {"title": opened.title, "service": seen.service}
        change = Change(at=at, who=by, action="open", kind="incident", name=str(number), after=after)
        await audit.record(connection, change)
    return number


def fingerprint_of(service: str, key: str) -> str:
    return hashlib.sha256(f"by hand\0{service}\0{key}".encode()).hexdigest()[:16]


def _check(seen: Seen) -> None:
    if not seen.title.strip():
        raise PlatformError("empty-title", "an incident needs a title", hint="say in a few words what is wrong")
    if len(seen.title) > _LONGEST_TITLE:
        hint = "say the rest in the body"
        raise PlatformError("long-title", f"the title has more than {_LONGEST_TITLE} characters", hint=hint)
